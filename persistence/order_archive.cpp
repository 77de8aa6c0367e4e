#include "persistence/order_archive.hpp"

namespace kontor::persistence {

std::optional<ArchivedRequest> request_of(const OrderItem& item, const RecordHeader& header) {
  for (const OrderDemand& demand : item.demands) {
    if (demand.action != OrderAction::enroll) continue;
    return ArchivedRequest{item.transaction,     Locator::of(header.key, item.delta),
                           header.written_at_ns, demand.key,
                           demand.fingerprint,   std::string(item.body)};
  }
  return {};
}

namespace {

Result<ArchivedRequest> request_in(const Record& record, std::uint32_t delta) {
  std::vector<OrderDemand> demands;
  const auto item = read_order_item(record.payload, delta, demands);
  if (!item) return item.error();
  auto request = request_of(*item, record.header);
  if (!request) return Error{Errc::not_found, "request"};
  return std::move(*request);
}

/// A transaction's request, by halves. `probe` reads the record at or after a position, or how it begins.
template <class Probe>
Result<ArchivedRequest> search(const Store::Reader& reader, const TransactionId& transaction, const Probe& probe) {
  const Error absent{Errc::not_found, "request"};
  // The first record whose own high mark reaches the transaction is the one that has it, if any has.
  Position low = 1, high = reader.last(Stream::order) + 1;
  while (low < high) {
    const Position middle = low + (high - low) / 2;
    const auto record = probe(middle);
    if (!record) return record.error();
    const auto head = read_order_head(record->payload);
    if (!head) return head.error();
    const TransactionId own{transaction.shard, head->own.incarnation, head->own.sequence};
    if (own < transaction) {
      low = record->header.key + 1;
    } else {
      high = middle;
    }
  }
  const auto record = reader.at_or_after(Stream::order, low);
  if (!record) return record.code() == Errc::not_found ? absent : record.error();
  const auto head = read_order_head(record->payload);
  if (!head) return head.error();
  const BatchHead& batch = head->batch;
  if (batch.shard != transaction.shard || batch.incarnation != transaction.incarnation ||
      transaction.sequence < batch.first)
    return absent;
  return request_in(*record, static_cast<std::uint32_t>(transaction.sequence - batch.first));
}

}  // namespace

Result<ArchivedRequest> OrderArchive::at(Locator locator) const {
  const Store::Reader reader(store_);
  const auto record = reader.get(Stream::order, locator.position());
  if (!record) return record.error();
  return request_in(*record, locator.index());
}

Result<ArchivedRequest> OrderArchive::find(const TransactionId& transaction) const {
  if (transaction.shard != shard_) return Error{Errc::not_found, "request"};
  const Store::Reader reader(store_);
  auto found = search(reader, transaction, [&](Position from) { return reader.glimpse(Stream::order, from); });
  if (found) return found;
  // A damaged record may have shown the wrong way.
  return search(reader, transaction, [&](Position from) { return reader.at_or_after(Stream::order, from); });
}

Result<std::string> OrderArchive::outcomes(Position position) const {
  const Store::Reader reader(store_);
  const auto row = reader.get(Table::outcomes, position_key(position));
  if (!row) return row.code() == Errc::not_found ? Result<std::string>(std::string()) : row.error();
  auto stored = read_outcomes(row->payload);
  if (!stored) return stored.error();
  return std::move(stored->states);
}

Result<ItemState> OrderArchive::outcome(Locator locator) const {
  const auto states = outcomes(locator.position());
  if (!states) return states.error();
  if (states->empty()) return ItemState::committed;
  if (locator.index() >= states->size()) return ItemState::absent;
  return static_cast<ItemState>((*states)[locator.index()]);
}

Result<void> OrderArchive::scan(Position from, const std::function<bool(const Record&)>& visit) const {
  const Store::Reader reader(store_);
  return reader.scan(Stream::order, from, visit);
}

Result<Order> OrderArchive::made(const OrderId& order) const {
  const Error unknown{Errc::unknown_order, "order"};
  const auto request = find(order);
  if (!request) return request.code() == Errc::not_found ? unknown : request.error();
  const auto stored = read_body(request->body);
  if (!stored) return stored.error();
  auto made = order_made(order, stored->operation);
  if (!made) return unknown;
  return std::move(*made);
}

Result<StoredProgress> OrderArchive::progress(const OrderId& order) const {
  const Store::Reader reader(store_);
  const auto row = reader.get(Table::orders, order_key(order));
  if (!row) return row.error();
  return read_order_row(row->payload);
}

}  // namespace kontor::persistence

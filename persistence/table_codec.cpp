#include "persistence/table_codec.hpp"

#include <limits>

#include "persistence/operation_codec.hpp"

namespace kontor::persistence {
namespace {

template <class Integer>
void big_endian(std::string& out, Integer value) {
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<unsigned char>(value >> shift));
}

template <class Integer>
Integer read_big_endian(std::string_view& in) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = static_cast<Integer>((value << 8) | static_cast<unsigned char>(in[i]));
  in.remove_prefix(sizeof value);
  return value;
}

void write_row(ByteWriter& out, const Account& row) {
  out.text(row.id), out.fixed(row.currency.number), out.fixed(static_cast<std::uint8_t>(row.kind));
  for (const Minor minor : {row.credit_limit, row.balance, row.held, row.incoming}) out.zigzag(minor);
}
void read_row(ByteReader& in, Account& row) {
  row.id = in.text<AccountId>(), row.currency.number = in.fixed<std::uint16_t>();
  row.kind = static_cast<AccountKind>(in.fixed<std::uint8_t>());
  for (Minor* minor : {&row.credit_limit, &row.balance, &row.held, &row.incoming}) *minor = in.zigzag();
}

constexpr std::uint8_t kPricing = 1, kSetAside = 2;  // Flags of a product.

void write_row(ByteWriter& out, const Product& row) {
  const bool set_aside = row.reserved != 0 || row.leaving != 0;
  out.text(row.sku), out.fixed(row.currency.number), out.varint(row.version);
  out.fixed(static_cast<std::uint8_t>((row.pricing ? kPricing : 0) | (set_aside ? kSetAside : 0)));
  for (const std::int64_t figure :
       {row.price, row.on_hand, row.held, row.incoming, row.received, row.adjusted, row.sold, row.returned})
    out.zigzag(figure);
  if (set_aside) out.zigzag(row.reserved), out.zigzag(row.leaving);
}
void read_row(ByteReader& in, Product& row) {
  row.sku = in.text<Sku>(), row.currency.number = in.fixed<std::uint16_t>();
  row.version = in.varint_as<std::uint32_t>();
  const auto flags = in.fixed<std::uint8_t>();
  if ((flags & ~(kPricing | kSetAside)) != 0) in.fail();
  row.pricing = (flags & kPricing) != 0;
  for (std::int64_t* figure :
       {&row.price, &row.on_hand, &row.held, &row.incoming, &row.received, &row.adjusted, &row.sold, &row.returned})
    *figure = in.zigzag();
  if ((flags & kSetAside) != 0) row.reserved = in.zigzag(), row.leaving = in.zigzag();
}

template <class Row>
std::string write_rows(const AsOf& as_of, std::span<const Row> rows) {
  ByteWriter out(32 + rows.size() * 72);
  out.fixed(as_of.appended), out.fixed(as_of.decided);
  for (const Row& row : rows) write_row(out, row);
  return out.take();
}

template <class Row>
Result<AsOf> read_rows(std::string_view payload, std::vector<Row>& rows) {
  ByteReader in(payload);
  AsOf as_of{in.fixed<std::uint64_t>(), in.fixed<std::uint64_t>()};
  rows.clear();
  while (in.ok() && !in.done()) read_row(in, rows.emplace_back());
  if (!in.done() || rows.size() > kRowsPerBlock) return Error{Errc::corrupt_journal, "block"};
  return as_of;
}

}  // namespace

std::string block_key(std::uint32_t number) {
  std::string out;
  big_endian(out, number);
  return out;
}

std::string order_key(const OrderId& order) {
  std::string out;
  big_endian(out, order.shard), big_endian(out, order.incarnation), big_endian(out, order.sequence);
  return out;
}

OrderId order_of_key(std::string_view key) {
  if (key.size() != 14) return {};
  OrderId order;
  order.shard = read_big_endian<std::uint16_t>(key);
  order.incarnation = read_big_endian<std::uint32_t>(key);
  order.sequence = read_big_endian<std::uint64_t>(key);
  return order;
}

std::string position_key(Position position) {
  std::string out;
  big_endian(out, position);
  return out;
}

std::string write_block(const AsOf& as_of, std::span<const Account> rows) { return write_rows(as_of, rows); }
std::string write_block(const AsOf& as_of, std::span<const Product> rows) { return write_rows(as_of, rows); }
Result<AsOf> read_block(std::string_view payload, std::vector<Account>& rows) { return read_rows(payload, rows); }
Result<AsOf> read_block(std::string_view payload, std::vector<Product>& rows) { return read_rows(payload, rows); }

std::string write_order_row(Position decided, const OrderProgress& progress) {
  ByteWriter out(32 + progress.lines.size() * 6);
  out.fixed(decided), out.varint(progress.version), out.fixed(static_cast<std::uint8_t>(progress.status));
  out.varint(progress.lines.size());
  for (const LineProgress& line : progress.lines)
    for (const Units units : {line.bought, line.refunded, line.fulfilled})
      out.varint(static_cast<std::uint64_t>(units));
  return out.take();
}

Result<StoredProgress> read_order_row(std::string_view payload) {
  ByteReader in(payload);
  StoredProgress out;
  out.decided = in.fixed<std::uint64_t>();
  out.progress.version = in.varint_as<std::uint32_t>();
  out.progress.status = static_cast<OrderStatus>(in.fixed<std::uint8_t>());
  out.progress.lines.resize(in.count(3));
  for (LineProgress& line : out.progress.lines)
    for (Units* units : {&line.bought, &line.refunded, &line.fulfilled})
      *units = in.varint_as<Units>(kQuantityUnitsMax);
  if (!in.done()) return Error{Errc::corrupt_journal, "order_row"};
  return out;
}

std::string reservation_key(const OrderId& order) { return std::string(kReservationPrefix) + order_key(order); }

std::string write_reservation_row(std::int64_t expires_at_ns) {
  ByteWriter out(8);
  out.fixed(static_cast<std::uint64_t>(expires_at_ns));
  return out.take();
}

Result<std::int64_t> read_reservation_row(std::string_view payload) {
  ByteReader in(payload);
  const auto expires_at_ns = static_cast<std::int64_t>(in.fixed<std::uint64_t>());
  if (!in.done()) return Error{Errc::corrupt_journal, "reservation_row"};
  return expires_at_ns;
}

std::string write_key_ages(const KeyAges& ages) {
  ByteWriter out(16 + ages.marks.size() * sizeof(KeyAges::Mark));
  out.fixed(static_cast<std::uint64_t>(ages.age_ns)), out.fixed(ages.forgotten_before);
  for (const KeyAges::Mark& mark : ages.marks)
    out.fixed(static_cast<std::uint64_t>(mark.age_ns)), out.fixed(mark.before);
  return out.take();
}

Result<KeyAges> read_key_ages(std::string_view payload) {
  const Error damaged{Errc::corrupt_journal, "key_ages"};
  ByteReader in(payload);
  KeyAges ages;
  ages.age_ns = static_cast<std::int64_t>(in.fixed<std::uint64_t>());
  ages.forgotten_before = in.fixed<std::uint64_t>();
  KeyAges::Mark last{0, ages.forgotten_before};
  while (in.ok() && !in.done()) {
    const KeyAges::Mark mark{static_cast<std::int64_t>(in.fixed<std::uint64_t>()), in.fixed<std::uint64_t>()};
    if (mark.age_ns < last.age_ns || mark.age_ns > ages.age_ns || mark.before <= last.before) return damaged;
    ages.marks.push_back(last = mark);
  }
  constexpr std::int64_t age_ns_max = std::numeric_limits<std::int64_t>::max() / 2;  // A life can be added to it.
  if (!in.done() || ages.age_ns < 0 || ages.age_ns > age_ns_max) return damaged;
  return ages;
}

std::string write_outcomes(Position decided, std::string_view states) {
  ByteWriter out(16 + states.size());
  out.fixed(decided), out.raw(states);
  return out.take();
}

Result<StoredOutcomes> read_outcomes(std::string_view payload) {
  ByteReader in(payload);
  const auto decided = in.fixed<std::uint64_t>();
  if (!in.ok()) return Error{Errc::corrupt_journal, "outcome_bitmap"};
  return StoredOutcomes{decided, std::string(payload.substr(sizeof decided))};
}

std::string write_checkpoint(Position replay_from) {
  ByteWriter out(8);
  out.fixed(replay_from);
  return out.take();
}

Result<Position> read_checkpoint(std::string_view payload) {
  ByteReader in(payload);
  const auto position = in.fixed<std::uint64_t>();
  if (!in.done()) return Error{Errc::corrupt_journal, "meta_checkpoint"};
  return position;
}

std::string write_checkpoint(const CoordinatorCheckpoint& checkpoint) {
  ByteWriter out(64 + checkpoint.unacknowledged.size() * 16);
  out.fixed(checkpoint.replay_from), out.fixed(checkpoint.incarnation);
  out.varint(checkpoint.unacknowledged.size());
  for (const auto& [transaction, sites] : checkpoint.unacknowledged)
    write_transaction(out, transaction), out.varint(sites);
  out.varint(checkpoint.high_water.size());
  for (const auto& [shard, transaction] : checkpoint.high_water) write_transaction(out, transaction);
  for (const auto& [transaction, stance] : checkpoint.stances)
    write_transaction(out, transaction), write_stance(out, stance);
  return out.take();
}

Result<CoordinatorCheckpoint> read_coordinator_checkpoint(std::string_view payload) {
  ByteReader in(payload);
  CoordinatorCheckpoint out;
  out.replay_from = in.fixed<std::uint64_t>();
  out.incarnation = in.fixed<std::uint32_t>();
  out.unacknowledged.resize(in.count(4));
  for (auto& [transaction, sites] : out.unacknowledged) transaction = read_transaction(in), sites = in.varint();
  const std::size_t shards = in.count(3);
  for (std::size_t i = 0; i < shards; ++i) {
    const TransactionId transaction = read_transaction(in);
    out.high_water[transaction.shard] = transaction;
  }
  while (in.ok() && !in.done()) {
    const TransactionId transaction = read_transaction(in);
    out.stances.emplace_back(transaction, read_stance(in));
  }
  if (!in.done()) return Error{Errc::corrupt_journal, "meta_checkpoint"};
  return out;
}

std::string write_format(const Format& format) {
  ByteWriter out(8);
  out.fixed(format.version), out.fixed(format.shard), out.fixed(format.shards);
  return out.take();
}

Result<Format> read_format(std::string_view payload) {
  ByteReader in(payload);
  Format out{in.fixed<std::uint16_t>(), in.fixed<std::uint16_t>(), in.fixed<std::uint16_t>()};
  if (!in.done()) return Error{Errc::corrupt_journal, "meta_format"};
  return out;
}

std::string checkpoint_key(Stream stream) { return "checkpoint/" + std::string(to_string(stream)); }

}  // namespace kontor::persistence

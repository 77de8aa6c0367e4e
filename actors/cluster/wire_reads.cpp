#include "actors/cluster/wire_reads.hpp"

#include "persistence/operation_codec.hpp"
#include "persistence/table_codec.hpp"

namespace kontor::actors::wire {
namespace {

using persistence::ByteReader;
using persistence::ByteWriter;
using persistence::read_transaction;
using persistence::write_transaction;

/// rows := blocks: varint, block: sized, …       (as on disk, where a block has a bound: lists are longer)
template <class Row>
void write_rows(ByteWriter& out, std::span<const Row> rows) {
  out.varint((rows.size() + kRowsPerBlock - 1) / kRowsPerBlock);
  for (; !rows.empty(); rows = rows.subspan(std::min(rows.size(), kRowsPerBlock)))
    out.sized(persistence::write_block(persistence::AsOf{}, rows.first(std::min(rows.size(), kRowsPerBlock))));
}
template <class Row>
std::vector<Row> read_rows(ByteReader& in) {
  constexpr std::size_t kBlockBytesMin = 17;
  std::vector<Row> rows, block;
  for (std::size_t blocks = in.count(kBlockBytesMin); blocks > 0 && in.ok(); --blocks) {
    if (!persistence::read_block(in.sized(), block)) in.fail();
    rows.insert(rows.end(), block.begin(), block.end());
  }
  return rows;
}
template <class Row>
void read_row(ByteReader& in, Row& row) {
  auto rows = read_rows<Row>(in);
  if (!in.ok() || rows.size() != 1) return in.fail();
  row = std::move(rows.front());
}

}  // namespace

void write_question(ByteWriter& out, const ReadAccount& read) { out.text(read.account); }
void write_question(ByteWriter& out, const ReadProduct& read) { out.text(read.sku); }
void write_question(ByteWriter& out, const ReadProducts& read) {
  out.fixed(static_cast<std::uint8_t>(read.from.has_value()));
  if (read.from) out.text(*read.from);
  out.fixed(static_cast<std::uint8_t>(read.back)), out.varint(read.most);
}
void write_question(ByteWriter& out, const ReadAccounts& read) {
  out.fixed(static_cast<std::uint8_t>(read.from.has_value()));
  if (read.from) out.text(*read.from);
  out.varint(read.most);
}
void write_question(ByteWriter& out, const ReadOrder& read) { write_transaction(out, read.order); }
void write_question(ByteWriter& out, const ReadTransaction& read) { write_transaction(out, read.transaction); }
void write_question(ByteWriter& out, const ReadEvents& read) { out.fixed(read.after), out.varint(read.most); }

void read_question(ByteReader& in, ReadAccount& read) { read.account = in.text<AccountId>(); }
void read_question(ByteReader& in, ReadProduct& read) { read.sku = in.text<Sku>(); }
void read_question(ByteReader& in, ReadProducts& read) {
  if (in.fixed<std::uint8_t>() != 0) read.from = in.text<Sku>();
  read.back = in.fixed<std::uint8_t>() != 0, read.most = in.varint_as<std::size_t>(kListedMax);
}
void read_question(ByteReader& in, ReadAccounts& read) {
  if (in.fixed<std::uint8_t>() != 0) read.from = in.text<AccountId>();
  read.most = in.varint_as<std::size_t>(kListedMax);
}
void read_question(ByteReader& in, ReadOrder& read) { read.order = read_transaction(in); }
void read_question(ByteReader& in, ReadTransaction& read) { read.transaction = read_transaction(in); }
void read_question(ByteReader& in, ReadEvents& read) {
  read.after = in.fixed<std::uint64_t>(), read.most = in.varint_as<std::size_t>(kEventsMax);
}

void write_value(ByteWriter& out, const Account& value) { write_rows(out, std::span<const Account>(&value, 1)); }
void read_value(ByteReader& in, Account& value) { read_row(in, value); }

void write_value(ByteWriter& out, const Product& value) { write_rows(out, std::span<const Product>(&value, 1)); }
void read_value(ByteReader& in, Product& value) { read_row(in, value); }

void write_products(ByteWriter& out, std::span<const Product> products) { write_rows(out, products); }
std::vector<Product> read_products(ByteReader& in) {
  auto products = read_rows<Product>(in);
  if (!in.done()) in.fail();
  return products;
}

void write_value(ByteWriter& out, const ProductPage& value) {
  write_rows(out, std::span<const Product>(value.products)), out.fixed(static_cast<std::uint8_t>(value.more));
}
void read_value(ByteReader& in, ProductPage& value) {
  value.products = read_rows<Product>(in), value.more = in.fixed<std::uint8_t>() != 0;
}

void write_value(ByteWriter& out, const AccountPage& value) {
  write_rows(out, std::span<const Account>(value.accounts)), out.fixed(static_cast<std::uint8_t>(value.more));
}
void read_value(ByteReader& in, AccountPage& value) {
  value.accounts = read_rows<Account>(in), value.more = in.fixed<std::uint8_t>() != 0;
}

void write_value(ByteWriter& out, const Order& value) {
  write_transaction(out, value.id), write_operation(out, value.checkout);
  out.sized(persistence::write_order_row(0, value.progress)), out.fixed(value.expires_at_ns);
}
void read_value(ByteReader& in, Order& value) {
  value.id = read_transaction(in);
  Operation operation = read_operation(in);
  auto* checkout = std::get_if<Checkout>(&operation);
  auto row = persistence::read_order_row(in.sized());
  if (!checkout || !row) return in.fail();
  value.checkout = std::move(*checkout), value.progress = std::move(row->progress);
  value.expires_at_ns = in.fixed<std::int64_t>();
}

void write_value(ByteWriter& out, const TransactionRecord& value) {
  write_transaction(out, value.id), out.fixed(static_cast<std::uint8_t>(value.verdict)), out.text(value.key);
  out.fixed(value.enrolled_at_ns), write_operation(out, value.operation);
}
void read_value(ByteReader& in, TransactionRecord& value) {
  value.id = read_transaction(in);
  const auto verdict = in.fixed<std::uint8_t>();
  if (verdict > static_cast<std::uint8_t>(Verdict::unknown)) return in.fail();
  value.verdict = static_cast<Verdict>(verdict), value.key = in.text<IdempotencyKey>();
  value.enrolled_at_ns = in.fixed<std::int64_t>(), value.operation = read_operation(in);
}

namespace {
constexpr std::size_t kEventBytesMin = 24;
constexpr std::size_t kDemandBytesMin = 4;

void write_event(ByteWriter& out, const Event& event) {
  out.fixed(event.place), write_value(out, event.record);
  out.varint(event.payments.size());
  for (const PaymentDemand& demand : event.payments) persistence::write_payment(out, demand);
  out.varint(event.stocks.size());
  for (const StockDemand& demand : event.stocks) persistence::write_stock(out, demand);
}
void read_event(ByteReader& in, Event& event) {
  event.place = in.fixed<std::uint64_t>(), read_value(in, event.record);
  event.payments.resize(in.count(kDemandBytesMin));
  for (PaymentDemand& demand : event.payments) demand = persistence::read_payment(in);
  event.stocks.resize(in.count(kDemandBytesMin));
  for (StockDemand& demand : event.stocks) demand = persistence::read_stock(in);
}
}  // namespace

void write_value(ByteWriter& out, const EventPage& value) {
  out.varint(value.events.size());
  for (const Event& event : value.events) write_event(out, event);
  out.fixed(value.reached), out.fixed(value.newest);
  out.fixed(static_cast<std::uint8_t>(value.more)), out.fixed(static_cast<std::uint8_t>(value.held_up));
}
void read_value(ByteReader& in, EventPage& value) {
  value.events.resize(in.count(kEventBytesMin));
  for (Event& event : value.events) read_event(in, event);
  value.reached = in.fixed<std::uint64_t>(), value.newest = in.fixed<std::uint64_t>();
  value.more = in.fixed<std::uint8_t>() != 0, value.held_up = in.fixed<std::uint8_t>() != 0;
}

}  // namespace kontor::actors::wire

#include "persistence/views/view_codec.hpp"

#include "persistence/bytes.hpp"
#include "persistence/operation_codec.hpp"

namespace kontor::persistence::views {
namespace {

template <class Integer>
void big_endian(std::string& out, Integer number) {
  for (int shift = static_cast<int>(sizeof number) * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(number >> shift & 0xff));
}

/// What was read, if nothing was missing and nothing is left.
template <class Value>
Result<Value> whole(const ByteReader& in, Value value) {
  if (!in.done()) return Error{Errc::corrupt_journal, "views"};
  return value;
}

}  // namespace

std::string head_key() { return "views"; }

std::string shard_key(ShardId shard) {
  std::string key = "shard";
  big_endian(key, shard);
  return key;
}

std::string place_key(const TransactionId& transaction) {
  std::string key;
  big_endian(key, transaction.shard);
  big_endian(key, transaction.incarnation);
  big_endian(key, transaction.sequence);
  return key;
}

std::string list_prefix(ListKind kind, std::uint32_t number, std::uint32_t second) {
  std::string prefix(1, static_cast<char>(kind));
  big_endian(prefix, number);
  if (kind == ListKind::orders_of_both) big_endian(prefix, second);
  return prefix;
}

std::string row_key(std::string_view prefix, std::uint64_t sequence) {
  std::string key(prefix);
  big_endian(key, sequence);
  return key;
}

Result<std::uint64_t> sequence_of(std::string_view row_key) {
  if (row_key.size() < sizeof(std::uint64_t)) return Error{Errc::corrupt_journal, "views"};
  std::uint64_t sequence = 0;
  for (const char byte : row_key.substr(row_key.size() - sizeof sequence))
    sequence = sequence << 8 | static_cast<unsigned char>(byte);
  return sequence;
}

std::string write_head(const ViewsHead& head) {
  ByteWriter out;
  out.fixed(head.version), out.fixed(head.shards), out.fixed(head.accounts), out.fixed(head.sequence),
      out.fixed(head.unbalanced);
  return out.take();
}

Result<ViewsHead> read_head(std::string_view value) {
  ByteReader in(value);
  ViewsHead head;
  head.version = in.fixed<std::uint32_t>();
  head.shards = in.fixed<std::uint16_t>();
  head.accounts = in.fixed<std::uint32_t>();
  head.sequence = in.fixed<std::uint64_t>();
  head.unbalanced = in.fixed<std::uint64_t>();
  return whole(in, head);
}

std::string write_shard(const ShardPlace& place) {
  ByteWriter out;
  out.fixed(place.reached), out.fixed(place.last);
  write_transaction(out, place.transaction);
  return out.take();
}

Result<ShardPlace> read_shard(std::string_view value) {
  ByteReader in(value);
  ShardPlace place;
  place.reached = in.fixed<std::uint64_t>();
  place.last = in.fixed<std::uint64_t>();
  place.transaction = read_transaction(in);
  return whole(in, place);
}

std::string write_account(const AccountView& account) {
  ByteWriter out;
  out.varint(account.number), out.fixed(account.currency.number), out.zigzag(account.balance);
  out.varint(account.entries);
  return out.take();
}

Result<AccountView> read_account(std::string_view value) {
  ByteReader in(value);
  AccountView account;
  account.number = in.varint_as<std::uint32_t>();
  account.currency.number = in.fixed<std::uint16_t>();
  account.balance = in.zigzag();
  account.entries = in.varint();
  return whole(in, account);
}

std::string write_product(const ProductView& product) {
  ByteWriter out;
  out.zigzag(product.received), out.zigzag(product.adjusted), out.zigzag(product.sold), out.zigzag(product.returned);
  out.zigzag(product.reserved);
  return out.take();
}

Result<ProductView> read_product(std::string_view value) {
  ByteReader in(value);
  ProductView product;
  product.received = in.zigzag();
  product.adjusted = in.zigzag();
  product.sold = in.zigzag();
  product.returned = in.zigzag();
  product.reserved = in.zigzag();
  return whole(in, product);
}

std::string write_sequence(std::uint64_t sequence) {
  ByteWriter out;
  out.fixed(sequence);
  return out.take();
}

Result<std::uint64_t> read_sequence(std::string_view value) {
  ByteReader in(value);
  const auto sequence = in.fixed<std::uint64_t>();
  return whole(in, sequence);
}

std::string write_entry(const Entry& entry) {
  ByteWriter out;
  write_transaction(out, entry.transaction);
  out.zigzag(entry.at_ns), out.fixed(static_cast<std::uint8_t>(entry.kind));
  out.zigzag(entry.amount), out.zigzag(entry.balance);
  return out.take();
}

Result<Entry> read_entry(std::string_view value) {
  ByteReader in(value);
  Entry entry;
  entry.transaction = read_transaction(in);
  entry.at_ns = in.zigzag();
  const auto kind = in.fixed<std::uint8_t>();
  if (kind >= kOperationKinds) in.fail();
  entry.kind = static_cast<OperationKind>(kind);
  entry.amount = in.zigzag();
  entry.balance = in.zigzag();
  return whole(in, entry);
}

std::string write_order(const OrderId& order) {
  ByteWriter out;
  write_transaction(out, order);
  return out.take();
}

Result<OrderId> read_order(std::string_view value) {
  ByteReader in(value);
  const OrderId order = read_transaction(in);
  return whole(in, order);
}

}  // namespace kontor::persistence::views

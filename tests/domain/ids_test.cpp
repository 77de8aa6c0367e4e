#include "domain/ids.hpp"

#include <limits>

#include "domain/placement.hpp"
#include "tests/domain/values.hpp"
#include "tests/support/property.hpp"

namespace kontor::tests {
namespace {

constexpr std::uint64_t kSequenceTop = (std::uint64_t{1} << 48) - 1;  // Twelve hexadecimal digits.

TransactionId any_id() {
  return {*rc::gen::inRange<ShardId>(0, kShardsMax), *rc::gen::inRange<std::uint32_t>(1, 0xffff'ffff),
          *rc::gen::inRange<std::uint64_t>(0, kSequenceTop)};
}

}  // namespace

TEST_CASE("ids: a transaction and its order have one text each", "[domain][ids]") {
  CHECK(transaction_text({0, 1, 1}) == "txn_00_00000001_000000000001");
  CHECK(order_text({0, 1, 1}) == "ord_00_00000001_000000000001");
  CHECK(transaction_text({63, 0xffff'ffff, kSequenceTop}) == "txn_3f_ffffffff_ffffffffffff");
  CHECK(order_text({10, 0xabc, 0xdef}) == "ord_0a_00000abc_000000000def");
  CHECK(reservation_text({10, 0xabc, 0xdef}) == "rsv_0a_00000abc_000000000def");
}

TEST_CASE("ids: text is read back, in either form", "[domain][ids]") {
  property("any transaction", 500, [] {
    const TransactionId id = any_id();
    const auto as_transaction = parse_transaction(transaction_text(id));
    const auto as_order = parse_transaction(order_text(id));
    RC_ASSERT(static_cast<bool>(as_transaction) && *as_transaction == id);
    RC_ASSERT(static_cast<bool>(as_order) && *as_order == id);
    const auto as_reservation = parse_transaction(reservation_text(id));
    RC_ASSERT(static_cast<bool>(as_reservation) && *as_reservation == id);
  });
}

TEST_CASE("ids: text order is id order", "[domain][ids]") {
  property("two transactions", 500, [] {
    TransactionId a = any_id(), b = any_id();
    if (*rc::gen::arbitrary<bool>()) a.shard = b.shard;
    if (*rc::gen::arbitrary<bool>()) a.incarnation = b.incarnation;
    RC_ASSERT((transaction_text(a) < transaction_text(b)) == (a < b));
    RC_ASSERT((order_text(a) == order_text(b)) == (a == b));
    RC_ASSERT(a != b || hash_value(a) == hash_value(b));
  });
}

TEST_CASE("ids: what is no id is refused", "[domain][ids]") {
  const std::string_view text = GENERATE(values<std::string_view>({
      "",
      "txn",
      "txn_",
      "txn_00",
      "txn_00_00000001",
      "txn_00_00000001_",
      "txn__00000001_000000000001",
      "txn_00__000000000001",
      "00_00000001_000000000001",
      "TXN_00_00000001_000000000001",
      "trx_00_00000001_000000000001",
      "txn_00_00000000_000000000001",  // Incarnation 0 means "none".
      "txn_40_00000001_000000000001",  // Shard 64 cannot exist.
      "txn_10000_00000001_000000000001",
      "txn_00_100000000_000000000001",
      "txn_00_00000001_10000000000000000",
      "txn_00_00000001_00000000000g",
      "txn_00_00000001_000000000001 ",
      " txn_00_00000001_000000000001",
      "txn_00_00000001_000000000001_",
      "txn_00_00000001-000000000001",
      "txn_-1_00000001_000000000001",
      "txn_+1_00000001_000000000001",
      "txn_0x_00000001_000000000001",
      "txn_00 00000001 000000000001",
  }));
  CAPTURE(text);
  CHECK(parse_transaction(text).code() == Errc::invalid_argument);
}

TEST_CASE("ids: the first shard beyond kShardsMax is refused, the last within is not", "[domain][ids]") {
  const ShardId last = kShardsMax - 1;
  CHECK(parse_transaction(transaction_text({last, 1, 0})));
  CHECK(parse_transaction(transaction_text({kShardsMax, 1, 0})).code() == Errc::invalid_argument);
}

TEST_CASE("ids: no transaction is the default", "[domain][ids]") {
  CHECK_FALSE(TransactionId{});
  CHECK_FALSE(TransactionId{3, 0, 7});
  CHECK(TransactionId{0, 1, 0});
}

TEST_CASE("placement: every slot has one shard, and shards share slots evenly", "[domain][placement]") {
  const std::uint16_t shards = GENERATE(as<std::uint16_t>(), 1, 2, 3, 5, kShardsMax);
  std::vector<std::size_t> slots(shards, 0);
  for (std::size_t slot = 0; slot < kSlots; ++slot) ++slots.at(shard_of(static_cast<Slot>(slot), shards));
  for (const std::size_t count : slots) CHECK((count == kSlots / shards || count == kSlots / shards + 1));
}

TEST_CASE("placement: a name's home is where its hash says, for ever", "[domain][placement]") {
  CHECK(slot_of(0) == 0);
  CHECK(slot_of(0x00ff'ffff'ffff'ffff) == 0);
  CHECK(slot_of(0x0100'0000'0000'0000) == 1);
  CHECK(slot_of(~std::uint64_t{0}) == 255);
  // Pinned: a directory made once must find its rows again.
  CHECK(int{slot_of(account("wallet-1").hash())} == 86);
  CHECK(int{slot_of(account("wallet-2").hash())} == 220);
  CHECK(int{slot_of(sku("mug").hash())} == 101);
  property("any name", 300, [] {
    const Sku name = Sku::unchecked(*rc::gen::nonEmpty<std::string>());
    const auto shards = *rc::gen::inRange<std::uint16_t>(1, kShardsMax + 1);
    RC_ASSERT(home_of(name, shards) == shard_of(slot_of(name.hash()), shards));
    RC_ASSERT(home_of(name, shards) < shards);
  });
}

}  // namespace kontor::tests

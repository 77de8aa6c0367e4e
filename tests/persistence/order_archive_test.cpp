#include "persistence/order_archive.hpp"

#include <string>

#include "persistence/store_memory.hpp"
#include "tests/support/catch.hpp"

namespace kontor::persistence {
namespace {

constexpr std::uint64_t kRecords = 60, kPerRecord = 4, kRequests = kRecords * kPerRecord;
constexpr std::uint32_t kSecondLife = 100;  // Begins with this request.

TransactionId transaction(std::uint64_t number) {
  return {2, number < kSecondLife ? 1u : 2u, number < kSecondLife ? number + 1 : number - kSecondLife + 1};
}
std::string key(std::uint64_t number) { return "key-" + std::to_string(number); }

/// Requests of two lives in records of four, at positions that others lie between.
std::unique_ptr<Store> archived() {
  auto store = Store::in_memory();
  Store::Writer writer(*store);
  for (std::uint64_t record = 0; record < kRecords; ++record) {
    const std::uint64_t first = record * kPerRecord;
    const TransactionId head = transaction(first);
    OrderPreparedWriter out(transaction(first + kPerRecord - 1), {head.shard, head.incarnation, head.sequence}, 64);
    for (std::uint32_t delta = 0; delta < kPerRecord; ++delta) {
      OrderDemand enroll;
      enroll.key = *IdempotencyKey::parse(key(first + delta));
      enroll.body_end = 4;
      out.item(delta, std::span(&enroll, 1), "body");
    }
    RecordHeader header;
    header.key = 5 + record * 3, header.kind = RecordKind::order_prepared;
    REQUIRE(writer.append(Stream::order, header, out.take()));
  }
  REQUIRE(writer.commit());
  return store;
}

}  // namespace

TEST_CASE("order archive: finds each request by its transaction, and no other", "[persistence][archive]") {
  const auto store = archived();
  const OrderArchive archive(*store, 2);
  for (std::uint64_t number = 0; number < kRequests; ++number) {
    INFO(number);
    const auto found = archive.find(transaction(number));
    REQUIRE(found);
    CHECK(found->key.str() == key(number));
    CHECK(found->transaction == transaction(number));
  }
  const TransactionId last = transaction(kRequests - 1), end_of_first = transaction(kSecondLife - 1);
  for (const TransactionId& absent :
       {TransactionId{2, last.incarnation, last.sequence + 1}, TransactionId{2, 1, end_of_first.sequence + 1},
        TransactionId{2, 3, 1}, TransactionId{1, 1, 1}, TransactionId{2, 1, 0}})
    CHECK(archive.find(absent).code() == Errc::not_found);
}

TEST_CASE("order archive: a damaged record on the way hides no other", "[persistence][archive]") {
  const auto store = archived();
  const OrderArchive archive(*store, 2);
  auto& records = store->memory()->of(Stream::order);
  for (const std::uint64_t record : {kRecords / 2, kRecords / 4, kRecords - 1}) {
    std::string& value = std::next(records.begin(), static_cast<std::ptrdiff_t>(record))->second;
    const std::string whole = value;
    // Header and head: what the way is found by.
    for (std::size_t byte = 0; byte < std::min<std::size_t>(whole.size(), 72); ++byte) {
      value[byte] = static_cast<char>(value[byte] ^ 0x41);
      for (std::uint64_t number = 0; number < kRequests; ++number) {
        INFO("byte " << byte << " of record " << record << ", request " << number);
        const auto found = archive.find(transaction(number));
        if (found)
          CHECK(found->key.str() == key(number));
        else
          CHECK(found.code() != Errc::not_found);
        if (number / kPerRecord == record) CHECK_FALSE(found);
      }
      value = whole;
    }
  }
}

}  // namespace kontor::persistence

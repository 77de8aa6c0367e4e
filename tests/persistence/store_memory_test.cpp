// A store in memory is to its readers what the file is: the simulator's findings rest on it.
#include "persistence/store_memory.hpp"

#include "persistence/store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/property.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::persistence {
namespace {

constexpr auto kStream = Stream::payment;
constexpr auto kTable = Table::orders;

struct Change {
  unsigned what = 0, a = 0, b = 0;
};

std::string text(const Result<Record>& record) {
  if (!record) return std::string(to_string(record.code()));
  return std::to_string(record->header.key) + "/" + std::to_string(record->header.written_at_ns) + "/" +
         std::to_string(static_cast<int>(record->header.kind)) + ":" + std::string(record->payload);
}

/// One write transaction of some changes. Returns what it says of itself.
std::string write(Store& store, const std::vector<Change>& changes, Position& next) {
  std::string out;
  Store::Writer writer(store);
  for (const Change& change : changes) {
    RecordHeader header;
    header.key = next, header.written_at_ns = change.a, header.kind = RecordKind::payment_prepared;
    const std::string key = "k" + std::to_string(change.b % 7), payload(change.a % 6'000, 'p');
    switch (change.what % 4) {
      case 0:
        next += 1 + change.b % 3;
        out += writer.append(kStream, header, payload) ? "a" : "-";
        break;
      case 1: out += writer.put(kTable, key, header, payload) ? "p" : "-"; break;
      case 2: out += writer.erase(kTable, key) ? "e" : "-"; break;
      default: out += std::to_string(writer.truncate(kStream, change.b % 40, change.a % 5));
    }
  }
  return out + (writer.commit() ? " committed" : " failed");
}

/// Everything that can be read.
std::string read(const Store& store) {
  const Store::Reader reader(store);
  std::string out = std::to_string(reader.count(kStream)) + " until " + std::to_string(reader.last(kStream)) + "\n";
  for (Position position = 0; position < 90; position += 3)
    out += text(reader.get(kStream, position)) + "|" + text(reader.at_or_after(kStream, position)) + "|" +
           text(reader.glimpse(kStream, position)) + "|" + text(reader.at_or_before(kStream, position)) + "\n";
  REQUIRE(reader.scan(kStream, 5, [&](const Record& record) { return out += text(record), record.header.key < 60; }));
  for (const char* from : {"", "k", "k3", "z"})
    REQUIRE(reader.scan(kTable, from, [&](std::string_view key, const Record& record) {
      return out += std::string(key) + "=" + text(record), key != "k5";
    }));
  for (const char* key : {"k0", "k4", "none"}) out += text(reader.get(kTable, key)) + "\n";
  return out;
}

}  // namespace

TEST_CASE("store in memory: reads what the file reads after the same writes", "[persistence][store]") {
  tests::property("both stores answer alike", 60, [] {
    const auto number = rc::gen::inRange(0U, 100'000U);
    const auto change = rc::gen::build<Change>(rc::gen::set(&Change::what, number), rc::gen::set(&Change::a, number),
                                               rc::gen::set(&Change::b, number));
    const auto commits =
        *rc::gen::container<std::vector<std::vector<Change>>>(rc::gen::container<std::vector<Change>>(change));
    const testing::TempDir dir;
    const auto file = Store::open({dir.path() / "store", std::uint64_t{64} << 20});
    RC_ASSERT(static_cast<bool>(file));
    const auto memory = Store::in_memory();
    Position next_in_file = 1, next_in_memory = 1;
    for (const auto& changes : commits) {
      // LMDB sees a transaction's own changes when it truncates; the engine truncates what was written long before.
      for (const Change& alone : changes) {
        RC_ASSERT(write(**file, {alone}, next_in_file) == write(*memory, {alone}, next_in_memory));
      }
      RC_ASSERT(read(**file) == read(*memory));
    }
  });
}

TEST_CASE("store in memory: nothing is seen before its commit, or without one", "[persistence][store]") {
  const auto store = Store::in_memory();
  RecordHeader header;
  header.key = 1, header.kind = RecordKind::ended;
  {
    Store::Writer writer(*store);
    REQUIRE(writer.append(kStream, header, "one"));
    REQUIRE(writer.put(kTable, "key", {}, "row"));
    CHECK(Store::Reader(*store).count(kStream) == 0);
  }
  CHECK(Store::Reader(*store).count(kStream) == 0);
  CHECK(Store::Reader(*store).get(kTable, "key").code() == Errc::not_found);
}

TEST_CASE("store in memory: a damaged value is named, not served", "[persistence][store]") {
  const auto store = Store::in_memory();
  RecordHeader header;
  header.key = 1, header.kind = RecordKind::ended;
  Store::Writer writer(*store);
  REQUIRE(writer.append(kStream, header, "one"));
  REQUIRE(writer.commit());
  std::string& value = store->memory()->of(kStream).at(1);
  const std::string whole = value;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    value[bit / 8] = static_cast<char>(value[bit / 8] ^ (1 << bit % 8));
    CHECK(Store::Reader(*store).get(kStream, 1).code() == Errc::corrupt_journal);
    value = whole;
  }
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    value.resize(bytes);
    CHECK(Store::Reader(*store).get(kStream, 1).code() == Errc::corrupt_journal);
    value = whole;
  }
}

}  // namespace kontor::persistence

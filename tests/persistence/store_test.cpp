#include "persistence/store.hpp"

#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "tests/persistence/lmdb_file.hpp"
#include "tests/support/catch.hpp"

namespace kontor::persistence {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::read_bytes, testing::TempDir, testing::write_bytes;

constexpr std::uint64_t kMap = 64u << 20;

/// A store in a directory of its own, and the words the tests are told in.
class Fixture {
 public:
  void open(std::uint64_t map_bytes = kMap) {
    store_.reset();
    auto opened = Store::open({dir_.path(), map_bytes}, &explanation_);
    INFO(explanation_);
    REQUIRE(opened);
    store_ = std::move(*opened);
  }
  Fixture() { open(); }
  void close() { store_.reset(); }

  Store& store() { return *store_; }
  const fs::path& dir() const { return dir_.path(); }
  fs::path file() const { return dir_.file(); }

  /// One commit of these records; each payload tells its position.
  void append(Stream stream, std::vector<Position> positions, std::size_t payload_bytes = 20) {
    Store::Writer writer(*store_);
    for (const Position position : positions)
      REQUIRE(writer.append(stream, header(position), payload(position, payload_bytes)));
    REQUIRE(writer.commit());
  }
  static RecordHeader header(Position position) {
    RecordHeader header;
    header.key = position;
    header.written_at_ns = static_cast<std::int64_t>(position) + 7;
    header.kind = RecordKind::order_prepared;
    return header;
  }
  static std::string payload(Position position, std::size_t bytes) {
    std::string text = "record " + std::to_string(position) + ' ';
    for (std::size_t i = text.size(); i < bytes; ++i) text.push_back(static_cast<char>(position * 31 + i * i));
    return text;
  }
  void put(Table table, std::string_view key, std::string_view payload) {
    Store::Writer writer(*store_);
    REQUIRE(writer.put(table, key, {}, payload));
    REQUIRE(writer.commit());
  }
  std::vector<Position> positions(Stream stream, Position from = 0) {
    std::vector<Position> found;
    const Store::Reader reader(*store_);
    REQUIRE(reader.scan(stream, from, [&](const Record& record) {
      found.push_back(record.header.key);
      return true;
    }));
    return found;
  }

 private:
  TempDir dir_;
  std::string explanation_;
  std::unique_ptr<Store> store_;
};

using Positions = std::vector<Position>;
constexpr Stream kStream = Stream::order;

/// Opens a directory that must be refused.
Errc refusal(const fs::path& dir, std::string* explanation, bool read_only = false) {
  const auto opened = Store::open({dir, kMap, read_only}, explanation);
  REQUIRE_FALSE(opened);
  return opened.code();
}

std::set<std::string> names_in(const fs::path& dir) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir)) names.insert(entry.path().filename().string());
  return names;
}

}  // namespace

// --- Refusals.

TEST_CASE("store: a directory without a store cannot be read and stays as it is", "[persistence][store]") {
  const TempDir dir;
  std::string why;
  CHECK(refusal(dir.path(), &why, true) == Errc::io_error);
  CHECK_THAT(why, Contains(dir.file().string()) && Contains("No such file"));
  CHECK(names_in(dir.path()).empty());
  CHECK(refusal(dir.path() / "missing", &why, true) == Errc::io_error);
  CHECK_FALSE(fs::exists(dir.path() / "missing"));
}

TEST_CASE("store: a directory that cannot be made is named", "[persistence][store]") {
  const TempDir dir;
  write_bytes(dir.path() / "file", "in the way");
  std::string why;
  CHECK(refusal(dir.path() / "file" / "shard", &why) == Errc::io_error);
  CHECK_THAT(why, Contains("file/shard"));
}

TEST_CASE("store: an empty or foreign file is never taken for a new store", "[persistence][store]") {
  const TempDir dir;
  const std::string bytes = GENERATE(std::string(), std::string(8'192, '\0'), std::string(100'000, 'k'));
  write_bytes(dir.file(), bytes);
  std::string why;
  CHECK(refusal(dir.path(), &why) == Errc::corrupt_journal);
  CHECK_THAT(why, Contains(dir.file().string()));
  CHECK(read_bytes(dir.file()) == bytes);
}

TEST_CASE("store: a file cut off anywhere is refused", "[persistence][store]") {
  Fixture f;
  for (Position p = 1; p <= 40; ++p) f.append(kStream, {p}, 10'000);
  f.close();
  const std::string whole = read_bytes(f.file());
  for (std::size_t size = 0; size < whole.size(); size += 4'096 * 3 + 1'000) {
    write_bytes(f.file(), whole.substr(0, size));
    std::string why;
    REQUIRE(refusal(f.dir(), &why) == Errc::corrupt_journal);
    CHECK_THAT(why, Contains(f.file().string()));
  }
}

TEST_CASE("store: a store with a journal missing is another format", "[persistence][store]") {
  const TempDir dir;
  {
    MDB_env* env = nullptr;
    testing::must(mdb_env_create(&env));
    testing::must(mdb_env_set_maxdbs(env, 2));
    testing::must(mdb_env_open(env, dir.path().c_str(), 0, 0600));
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    testing::must(mdb_txn_begin(env, nullptr, 0, &txn));
    testing::must(mdb_dbi_open(txn, "order", MDB_CREATE | MDB_INTEGERKEY, &dbi));
    testing::must(mdb_txn_commit(txn));
    mdb_env_close(env);
  }
  std::string why;
  CHECK(refusal(dir.path(), &why) == Errc::incompatible_format);
  CHECK_THAT(why, Contains("journals and tables"));
}

TEST_CASE("store: a record out of order is refused, and with it the transaction", "[persistence][store]") {
  Fixture f;
  f.append(kStream, {10});
  for (const Position position : {Position{10}, Position{9}, Position{1} << 48}) {
    Store::Writer writer(f.store());
    CHECK(writer.append(Stream::payment, Fixture::header(11), "goes too"));
    CHECK_FALSE(writer.append(kStream, Fixture::header(position), "late"));
    CHECK(writer.error() != 0);
    CHECK_FALSE(writer.append(kStream, Fixture::header(12), "in order, but too late"));
    CHECK_FALSE(writer.commit());
  }
  CHECK(f.positions(kStream) == Positions{10});
  CHECK(f.positions(Stream::payment).empty());
}

TEST_CASE("store: records and keys beyond their bounds are refused", "[persistence][store]") {
  Fixture f;
  CHECK_FALSE(Store::Writer(f.store()).append(kStream, Fixture::header(1), std::string(kRecordBytesMax + 1, 'x')));
  CHECK_FALSE(Store::Writer(f.store()).put(Table::orders, "", {}, "x"));
  CHECK_FALSE(Store::Writer(f.store()).put(Table::orders, std::string(512, 'k'), {}, "x"));
  CHECK(Store::Writer(f.store()).put(Table::orders, std::string(511, 'k'), {}, "x"));
  const Store::Reader reader(f.store());
  CHECK(reader.get(Table::orders, "").code() == Errc::not_found);
  CHECK(reader.get(Table::orders, std::string(512, 'k')).code() == Errc::not_found);
}

TEST_CASE("store: a store opened for reading refuses writes", "[persistence][store]") {
  Fixture f;
  f.append(kStream, {1});
  f.close();
  const auto opened = Store::open({f.dir(), kMap, true});
  REQUIRE(opened);
  Store::Writer writer(**opened);
  CHECK(writer.error() != 0);
  CHECK_FALSE(writer.append(kStream, Fixture::header(2), "x"));
  CHECK_FALSE(writer.commit());
}

TEST_CASE("store: a full map is an error of the write, and nothing of it stays", "[persistence][store]") {
  Fixture f;
  f.open(1u << 20);
  f.append(kStream, {1});
  {
    Store::Writer writer(f.store());
    bool fits = true;
    for (Position p = 2; fits && p < 200; ++p)
      fits = writer.append(kStream, Fixture::header(p), std::string(50'000, 'x'));
    CHECK_FALSE(fits);
    CHECK_THAT(store_error_text(writer.error()), Contains("MDB_MAP_FULL"));
    CHECK_FALSE(writer.commit());
  }
  CHECK(f.positions(kStream) == Positions{1});
  f.append(kStream, {2});
}

// --- Damage.

TEST_CASE("store: a flipped bit in a record is found by every way to read it, with its position",
          "[persistence][store]") {
  Fixture f;
  f.append(kStream, {1, 2, 3}, GENERATE(200u, 9'000u));
  f.put(Table::accounts, "key", "payload of a table");
  f.close();
  std::string bytes = read_bytes(f.file());
  for (const char* text : {"record 2 ", "payload of a table"})
    for (std::size_t at = bytes.find(text); at != bytes.npos; at = bytes.find(text, at + 1)) bytes[at + 3] ^= 0x10;
  write_bytes(f.file(), bytes);
  f.open();

  const Store::Reader reader(f.store());
  CHECK(reader.get(kStream, 1));
  CHECK(reader.get(kStream, 2).code() == Errc::corrupt_journal);
  CHECK(reader.at_or_after(kStream, 2).code() == Errc::corrupt_journal);
  CHECK(reader.at_or_before(kStream, 2).code() == Errc::corrupt_journal);
  CHECK(reader.get(Table::accounts, "key").code() == Errc::corrupt_journal);
  Positions seen;
  Position failed_at = 0;
  const auto scanned = reader.scan(
      kStream, 0,
      [&](const Record& record) {
        seen.push_back(record.header.key);
        return true;
      },
      &failed_at);
  CHECK(scanned.code() == Errc::corrupt_journal);
  CHECK(scanned.error().detail == "checksum");
  CHECK(failed_at == 2);
  CHECK(seen == Positions{1});
  CHECK(reader.scan(Table::accounts, "", [](auto, const Record&) { return true; }).code() == Errc::corrupt_journal);
}

TEST_CASE("store: a damaged structure is refused with the page named", "[persistence][store]") {
  Fixture f;
  for (Position p = 1; p <= 200; ++p) f.append(kStream, {p}, 100);
  f.close();
  std::string bytes = read_bytes(f.file());
  for (std::size_t page = 2; page * 4'096 < bytes.size(); ++page)
    bytes[page * 4'096 + 12] ^= 1;  // Bounds of free space.
  write_bytes(f.file(), bytes);
  std::string why;
  CHECK(refusal(f.dir(), &why) == Errc::corrupt_journal);
  CHECK_THAT(why, Contains("is damaged: page "));
}

// --- What is kept.

TEST_CASE("store: only its owner may read the files", "[persistence][store]") {
  Fixture f;
  struct stat status = {};
  REQUIRE(::stat(f.file().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(::stat((f.dir() / "lock.mdb").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("store: a creation that was cut short is begun again", "[persistence][store]") {
  const TempDir dir;
  fs::create_directory(dir.path() / "unfinished");
  write_bytes(dir.path() / "unfinished" / "data.mdb", "half");
  const auto opened = Store::open({dir.path() / "." / "", kMap});
  REQUIRE(opened);
  CHECK(names_in(dir.path()) == std::set<std::string>{"data.mdb", "lock.mdb"});
}

TEST_CASE("store: what was committed is there after reopening, what was not is gone", "[persistence][store]") {
  Fixture f;
  f.append(kStream, {1, 3, 4});
  f.append(Stream::payment, {2}, 300'000);
  f.put(Table::products, "mug", "a block");
  {
    Store::Writer writer(f.store());
    CHECK(writer.append(kStream, Fixture::header(5), "never committed"));
    CHECK(writer.put(Table::products, "cup", {}, "never committed"));
  }
  f.open();
  CHECK(f.positions(kStream) == Positions{1, 3, 4});
  const Store::Reader reader(f.store());
  const auto record = reader.get(Stream::payment, 2);
  REQUIRE(record);
  CHECK(record->payload == Fixture::payload(2, 300'000));
  CHECK(record->header.key == 2);
  CHECK(record->header.written_at_ns == 9);
  CHECK(record->header.kind == RecordKind::order_prepared);
  CHECK(reader.get(Table::products, "mug")->payload == "a block");
  CHECK(reader.get(Table::products, "cup").code() == Errc::not_found);
}

TEST_CASE("store: a reader sees what was durable when it began, for as long as it lives", "[persistence][store]") {
  Fixture f;
  f.append(kStream, {1, 2});
  const Store::Reader before(f.store());
  f.append(kStream, {3});
  {
    Store::Writer writer(f.store());
    CHECK(writer.truncate(kStream, 3, 10) == 2);
    REQUIRE(writer.commit());
  }
  const Store::Reader after(f.store());
  CHECK(before.last(kStream) == 2);
  CHECK(before.count(kStream) == 2);
  CHECK(before.get(kStream, 1));
  CHECK(before.get(kStream, 3).code() == Errc::not_found);
  CHECK(after.count(kStream) == 1);
  CHECK(after.get(kStream, 1).code() == Errc::not_found);
}

TEST_CASE("store: a directory opened for reading stays as it is to the byte", "[persistence][store]") {
  Fixture f;
  f.append(kStream, {1, 2}, 50'000);
  f.close();
  fs::remove(f.dir() / "lock.mdb");
  const std::string bytes = read_bytes(f.file());
  const auto written = fs::last_write_time(f.file());
  {
    const auto opened = Store::open({f.dir(), kMap, true});
    REQUIRE(opened);
    const Store::Reader reader(**opened);
    CHECK(reader.count(kStream) == 2);
    CHECK(reader.get(kStream, 2)->payload == Fixture::payload(2, 50'000));
    CHECK((*opened)->space().used_bytes == bytes.size());
    CHECK(names_in(f.dir()) == std::set<std::string>{"data.mdb"});
  }
  CHECK(read_bytes(f.file()) == bytes);
  CHECK(fs::last_write_time(f.file()) == written);
}

// --- Ways to read.

TEST_CASE("store: records are found by position, and from either side of a gap", "[persistence][store]") {
  Fixture f;
  const Store::Reader empty(f.store());
  CHECK(empty.last(kStream) == 0);
  CHECK(empty.count(kStream) == 0);
  CHECK(empty.at_or_after(kStream, 0).code() == Errc::not_found);
  CHECK(empty.at_or_before(kStream, ~Position{0}).code() == Errc::not_found);

  f.append(kStream, {5, 9}, GENERATE(40u, 200'000u));
  const Store::Reader reader(f.store());
  CHECK(reader.get(kStream, 7).code() == Errc::not_found);
  CHECK(reader.get(kStream, ~Position{0}).code() == Errc::not_found);
  CHECK(reader.at_or_after(kStream, 0)->header.key == 5);
  CHECK(reader.at_or_after(kStream, 5)->header.key == 5);
  CHECK(reader.at_or_after(kStream, 6)->header.key == 9);
  CHECK(reader.at_or_after(kStream, 10).code() == Errc::not_found);
  CHECK(reader.at_or_after(kStream, ~Position{0}).code() == Errc::not_found);
  CHECK(reader.at_or_before(kStream, 4).code() == Errc::not_found);
  CHECK(reader.at_or_before(kStream, 5)->header.key == 5);
  CHECK(reader.at_or_before(kStream, 8)->header.key == 5);
  CHECK(reader.at_or_before(kStream, ~Position{0})->header.key == 9);
  CHECK(reader.last(kStream) == 9);
  CHECK(f.positions(kStream, 6) == Positions{9});
  CHECK(f.positions(kStream, ~Position{0}).empty());
}

TEST_CASE("store: a scan ends when told", "[persistence][store]") {
  Fixture f;
  f.append(kStream, {1, 2, 3});
  std::size_t seen = 0;
  const Store::Reader reader(f.store());
  CHECK(reader.scan(kStream, 0, [&](const Record&) { return ++seen < 2; }));
  CHECK(seen == 2);
}

TEST_CASE("store: a table is read by key and in the order of keys", "[persistence][store]") {
  Fixture f;
  for (const char* key : {"b", "a", "c", "ab"}) f.put(Table::orders, key, std::string("row ") + key);
  f.put(Table::orders, "b", "another row");
  {
    Store::Writer writer(f.store());
    CHECK(writer.erase(Table::orders, "c"));
    CHECK(writer.erase(Table::orders, "never there"));
    REQUIRE(writer.commit());
  }
  const Store::Reader reader(f.store());
  const auto keys_from = [&](std::string_view from) {
    std::string keys;
    CHECK(reader.scan(Table::orders, from, [&](std::string_view key, const Record&) {
      keys.append(key).append(" ");
      return true;
    }));
    return keys;
  };
  CHECK(keys_from("") == "a ab b ");
  CHECK(keys_from("aa") == "ab b ");
  CHECK(keys_from("bb").empty());
  CHECK(reader.get(Table::orders, "b")->payload == "another row");
  CHECK(reader.get(Table::orders, "c").code() == Errc::not_found);
}

TEST_CASE("store: truncation takes whole records from the front, as many as asked", "[persistence][store]") {
  Fixture f;
  f.append(kStream, {1, 2, 3, 4, 5, 6}, GENERATE(30u, 100'000u));
  Store::Writer writer(f.store());
  CHECK(writer.truncate(kStream, 1, 10) == 0);
  CHECK(writer.truncate(kStream, 5, 3) == 3);
  CHECK(writer.truncate(kStream, 5, 10) == 1);
  CHECK(writer.truncate(kStream, 5, 10) == 0);
  CHECK(writer.truncate(Stream::payment, 5, 10) == 0);
  REQUIRE(writer.commit());
  CHECK(f.positions(kStream) == Positions{5, 6});
}

}  // namespace kontor::persistence

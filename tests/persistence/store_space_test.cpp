// Where records lie in the file: cut into parts where free space is scattered, and room kept ahead of use.
#include <csignal>
#include <set>
#include <string>

#include <sys/resource.h>
#include <sys/stat.h>

#include "persistence/store.hpp"
#include "tests/persistence/lmdb_file.hpp"
#include "tests/support/catch.hpp"

namespace kontor::persistence {
namespace {

namespace fs = std::filesystem;
using testing::read_bytes, testing::TempDir, testing::write_bytes;

constexpr Stream kStream = Stream::order;
constexpr std::size_t kPage = 4'096;

std::unique_ptr<Store> open_store(const TempDir& dir, std::uint64_t map_bytes = 64u << 20) {
  std::string why;
  auto store = Store::open({dir.path(), map_bytes}, &why);
  INFO(why);
  REQUIRE(store);
  return std::move(*store);
}

std::string payload(Position position, std::size_t bytes) {
  std::string text = "record " + std::to_string(position) + ' ';
  for (std::size_t i = text.size(); i < bytes; ++i) text.push_back(static_cast<char>(position * 31 + i * i));
  return text;
}

void append(Store& store, Position position, std::size_t bytes) {
  RecordHeader header;
  header.key = position;
  header.written_at_ns = 77;
  header.kind = RecordKind::order_prepared;
  Store::Writer writer(store);
  REQUIRE(writer.append(kStream, header, payload(position, bytes)));
  REQUIRE(writer.commit());
}

void settle(Store& store) {
  Store::Writer writer(store);
  REQUIRE(writer.settle());
  REQUIRE(writer.commit());
}

/// Fills a table with values of a page each and erases every second: `pages` single free pages.
void scatter_free_pages(Store& store, int pages) {
  const std::string value(3'900, 'v');
  Store::Writer writer(store);
  for (int i = 0; i < 2 * pages; ++i) REQUIRE(writer.put(Table::orders, std::to_string(i), {}, value));
  REQUIRE(writer.commit());
  Store::Writer eraser(store);
  for (int i = 0; i < 2 * pages; i += 2) REQUIRE(eraser.erase(Table::orders, std::to_string(i)));
  REQUIRE(eraser.commit());
  settle(store);  // Only the commit after the next may use them.
}

/// Values that the journal of a closed store holds, by LMDB's own count.
std::size_t values_in_journal(const TempDir& dir) {
  MDB_env* env = nullptr;
  testing::must(mdb_env_create(&env));
  testing::must(mdb_env_set_maxdbs(env, 1));
  testing::must(mdb_env_open(env, dir.path().c_str(), MDB_RDONLY | MDB_NOLOCK, 0600));
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  MDB_stat stat = {};
  testing::must(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn));
  testing::must(mdb_dbi_open(txn, to_string(kStream).data(), 0, &dbi));
  testing::must(mdb_stat(txn, dbi, &stat));
  mdb_txn_abort(txn);
  mdb_env_close(env);
  return stat.ms_entries;
}

/// A store with records 1 (one value), 2 and 3 (many parts), 4 (one value).
void write_parts(const TempDir& dir) {
  const auto store = open_store(dir);
  append(*store, 1, 100);
  scatter_free_pages(*store, 600);
  append(*store, 2, 400'000);
  append(*store, 3, 300'001);
  append(*store, 4, 1'000);
}

}  // namespace

// --- Parts.

TEST_CASE("store: where free pages are scattered a long record is cut, and read as one", "[persistence][store]") {
  const TempDir dir;
  write_parts(dir);
  CHECK(values_in_journal(dir) > 150);
  const auto store = open_store(dir);
  const Store::Reader reader(*store);
  CHECK(reader.count(kStream) == 4);
  CHECK(reader.last(kStream) == 4);
  const auto second = reader.get(kStream, 2), third = reader.at_or_before(kStream, 3);
  REQUIRE(second);
  REQUIRE(third);
  CHECK(second->payload == payload(2, 400'000));  // Still valid after the other was read.
  CHECK(second->header.size == 400'000);
  CHECK(second->header.version == 1);
  CHECK(second->header.written_at_ns == 77);
  CHECK(third->payload == payload(3, 300'001));
  CHECK(reader.at_or_after(kStream, 2)->header.key == 2);
  CHECK(reader.at_or_after(kStream, 3)->payload == third->payload);
  const auto glimpsed = reader.glimpse(kStream, 2);
  REQUIRE(glimpsed);
  CHECK((glimpsed->header.key == 2 && glimpsed->header.version == 1 && second->payload.starts_with(glimpsed->payload)));
  CHECK(glimpsed->payload.size() > 100);
  Position expected = 0;
  CHECK(reader.scan(kStream, 0, [&](const Record& record) {
    const bool right = record.header.key == ++expected && record.payload == payload(expected, record.payload.size());
    return right && reader.get(kStream, 2);  // A visit may read, too.
  }));
  CHECK(expected == 4);
}

TEST_CASE("store: a record that finds no pages in a row in a full map is told so, and fits in single ones",
          "[persistence][store]") {
  constexpr std::uint64_t kMap = 4u << 20;
  constexpr std::size_t kRun = 40;
  const TempDir dir;
  const auto store = open_store(dir, kMap);
  const std::string page(3'900, 'v');
  {
    Store::Writer writer(*store);
    REQUIRE(writer.put(Table::products, "run", {}, std::string((kRun - 1) * kPage, 'r')));
    REQUIRE(writer.commit());
  }
  scatter_free_pages(*store, 200);
  for (int i = 0; store->used_bytes() + 30 * kPage < kMap; ++i) {  // The scattered pages are used again, then the end.
    Store::Writer writer(*store);
    REQUIRE(writer.put(Table::accounts, std::to_string(i), {}, page));
    REQUIRE(writer.commit());
  }
  {
    Store::Writer writer(*store);
    REQUIRE(writer.erase(Table::products, "run"));
    for (int i = 1; i < 400; i += 2) REQUIRE(writer.erase(Table::orders, std::to_string(i)));
    REQUIRE(writer.commit());
  }
  settle(*store);
  settle(*store);

  const auto write = [&](Store::Writer& writer) {
    for (int i = 0; i < 20; ++i)  // They take of the run, as its pages are the first of all.
      if (!writer.put(Table::orders, "n" + std::to_string(i), {}, page)) return false;
    RecordHeader header;
    header.key = 1;
    return writer.append(kStream, header, payload(1, (kRun - 2) * kPage)) && writer.commit();
  };
  {
    Store::Writer writer(*store);
    CHECK_FALSE(write(writer));
    CHECK(writer.map_full());
  }
  Store::Writer writer(*store, Store::Writer::Parts::pages);
  CHECK(write(writer));
  CHECK_FALSE(writer.map_full());
  CHECK(Store::Reader(*store).get(kStream, 1)->payload == payload(1, (kRun - 2) * kPage));
}

TEST_CASE("store: a cut record is truncated as a whole", "[persistence][store]") {
  const TempDir dir;
  write_parts(dir);
  {
    const auto store = open_store(dir);
    Store::Writer writer(*store);
    CHECK(writer.truncate(kStream, 4, 2) == 2);
    CHECK(writer.truncate(kStream, 4, 2) == 1);
    REQUIRE(writer.commit());
    CHECK(Store::Reader(*store).count(kStream) == 1);
    CHECK(Store::Reader(*store).at_or_after(kStream, 0)->header.key == 4);
  }
  CHECK(values_in_journal(dir) == 1);
}

TEST_CASE("store: damage in any part of a cut record is found", "[persistence][store]") {
  const TempDir dir;
  write_parts(dir);
  const std::string whole = read_bytes(dir.file()), text = payload(2, 400'000);
  for (const std::size_t at : {std::size_t{10}, std::size_t{4'500}, std::size_t{100'000}, text.size() - 20}) {
    std::string bytes = whole;
    const std::size_t found = bytes.find(text.substr(at, 16));
    REQUIRE(found != bytes.npos);
    bytes[found] = static_cast<char>(bytes[found] ^ 1);
    write_bytes(dir.file(), bytes);
    const auto store = open_store(dir);
    const Store::Reader reader(*store);
    CHECK(reader.get(kStream, 2).code() == Errc::corrupt_journal);
    Position failed_at = 0;
    CHECK(reader
              .scan(
                  kStream, 0, [](const Record&) { return true; }, &failed_at)
              .code() == Errc::corrupt_journal);
    CHECK(failed_at == 2);
    CHECK(reader.get(kStream, 3));
  }
}

TEST_CASE("store: a cut record that lost a part is found", "[persistence][store]") {
  const TempDir dir;
  write_parts(dir);
  // Which part: the first, one between, the last of record 2; a missing first leaves parts that no record owns.
  const auto part = GENERATE(as<std::uint64_t>(), 0, 1, 50);
  {
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    testing::must(mdb_env_create(&env));
    testing::must(mdb_env_set_maxdbs(env, 1));
    testing::must(mdb_env_set_mapsize(env, 64u << 20));
    testing::must(mdb_env_open(env, dir.path().c_str(), 0, 0600));
    testing::must(mdb_txn_begin(env, nullptr, 0, &txn));
    testing::must(mdb_dbi_open(txn, to_string(kStream).data(), 0, &dbi));
    std::uint64_t key = std::uint64_t{2} << 16 | part;
    MDB_val k{sizeof key, &key};
    testing::must(mdb_del(txn, dbi, &k, nullptr));
    testing::must(mdb_txn_commit(txn));
    mdb_env_close(env);
  }
  const auto store = open_store(dir);
  const Store::Reader reader(*store);
  CHECK(reader.at_or_after(kStream, 2).code() == Errc::corrupt_journal);
  CHECK(reader.at_or_before(kStream, 2).code() == Errc::corrupt_journal);
  CHECK(reader.glimpse(kStream, 2).code() == (part == 0 ? Errc::corrupt_journal : Errc::none));
  Position failed_at = 0;
  CHECK(reader
            .scan(
                kStream, 0, [](const Record&) { return true; }, &failed_at)
            .code() == Errc::corrupt_journal);
  CHECK(failed_at == 2);
  CHECK(reader.get(kStream, 3));
}

TEST_CASE("store: without scattered pages a record is one value", "[persistence][store]") {
  const TempDir dir;
  {
    const auto store = open_store(dir);
    for (Position p = 1; p <= 30; ++p) append(*store, p, 300'000);
  }
  CHECK(values_in_journal(dir) == 30);
}

// --- Space.

TEST_CASE("store: what truncation lets go is free two commits later, and used again", "[persistence][store]") {
  const TempDir dir;
  const auto store = open_store(dir);
  for (Position p = 1; p <= 20; ++p) append(*store, p, 100'000);
  const std::uint64_t used = store->space().used_bytes;
  CHECK(used == store->used_bytes());
  CHECK(used > 2'000'000);
  CHECK(store->space().free_bytes < 200'000);
  {
    Store::Writer writer(*store);
    CHECK(writer.truncate(kStream, 21, 100) == 20);
    REQUIRE(writer.commit());
  }
  CHECK(store->space().settling_bytes > 2'000'000);
  CHECK(store->space().free_bytes < 200'000);
  settle(*store);
  CHECK(store->space().free_bytes > 2'000'000);
  for (Position p = 21; p <= 38; ++p) append(*store, p, 100'000);
  CHECK(store->used_bytes() < used + 200'000);
}

TEST_CASE("store: settling changes no contents", "[persistence][store]") {
  const TempDir dir;
  const auto store = open_store(dir);
  settle(*store);
  settle(*store);
  std::size_t rows = 0;
  CHECK(Store::Reader(*store).scan(Table::meta, "", [&](auto, const Record&) { return ++rows > 0; }));
  CHECK(rows == 0);
}

TEST_CASE("store: room is reserved on disk, up to the map's end", "[persistence][store]") {
  const TempDir dir;
  const auto store = open_store(dir, 8u << 20);
  CHECK(store->reserve(1u << 20));
  CHECK(fs::file_size(dir.file()) == 1u << 20);
  struct stat status = {};
  REQUIRE(::stat(dir.file().c_str(), &status) == 0);
  CHECK(static_cast<std::uint64_t>(status.st_blocks) * 512 >= 1u << 20);  // No holes.
  CHECK(store->reserve(100));
  CHECK(fs::file_size(dir.file()) == 1u << 20);
  CHECK(store->reserve(1u << 30));
  CHECK(fs::file_size(dir.file()) == 8u << 20);
}

TEST_CASE("store: room that cannot be had changes nothing", "[persistence][store]") {
  const TempDir dir;
  const auto store = open_store(dir);
  REQUIRE(store->reserve(1u << 20));
  rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 2u << 20;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const bool got = store->reserve(4u << 20);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  ::signal(SIGXFSZ, handler);
  CHECK_FALSE(got);
  CHECK(fs::file_size(dir.file()) == 1u << 20);
  CHECK(store->reserve(4u << 20));
  append(*store, 1, 100);
}

TEST_CASE("store: a map smaller than the file grows to hold it", "[persistence][store]") {
  const TempDir dir;
  {
    const auto store = open_store(dir);
    append(*store, 1, 3'000'000);
  }
  const auto store = open_store(dir, 1u << 20);
  CHECK(store->space().map_bytes >= store->used_bytes());
  CHECK(Store::Reader(*store).get(kStream, 1)->payload == payload(1, 3'000'000));
}

}  // namespace kontor::persistence

#include "persistence/structure_check.hpp"

#include <algorithm>
#include <random>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "persistence/lmdb_format.hpp"
#include "tests/persistence/lmdb_file.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using namespace kontor::persistence;
using namespace kontor::persistence::testing;

namespace {

constexpr std::size_t kPage = 4096;

std::string faults(const StructureReport& report) {
  if (report.sound()) return "none";
  std::string text;
  for (const std::string& fault : report.faults) text += fault + "\n";
  return text;
}

/// A bit of everything: branch pages in journals and tables, small and large values, free pages, a list of free pages
/// too long for its leaf.
void fill_small(LmdbFile& file) {
  file.begin();
  for (Position p = 1; p <= 150; ++p) file.append(Stream::order, p, p % 10 == 0 ? 5000 : 40);
  for (int i = 0; i < 150; ++i) file.put(Table::orders, "order_" + std::to_string(i * 7919 % 1000), 30);
  file.append(Stream::coordinator, 7, 1'200'000);
  file.append(Stream::coordinator, 9, 10);
  file.put(Table::meta, "format", 16);
  file.commit();
  file.begin();
  for (std::size_t i = 0; i < 20; ++i)
    file.put(Table::accounts, std::string(1 + i % 30, static_cast<char>('a' + i)), 100 + i);
  file.erase(Stream::coordinator, 7);
  file.commit();
  for (Position p = 1; p < 40; p += 13) {
    file.begin();
    for (Position q = p; q < p + 13; ++q) file.erase(Stream::order, q);
    file.append(Stream::inventory, p, 5);
    file.commit();
  }
}

/// All keys and values through LMDB, by cursor and by search. Nothing if LMDB refuses. May crash: call it in a child.
struct Contents {
  std::uint64_t hash = 14695981039346656037u;
  std::vector<std::pair<std::size_t, std::size_t>> values;  ///< Where in the file: offset, size.
  std::vector<std::uint64_t> free;                          ///< Pages.

  void add(const MDB_val& value) {
    hash = (hash ^ std::hash<std::string_view>{}({static_cast<const char*>(value.mv_data), value.mv_size})) *
           1099511628211u;
  }
  bool add(MDB_txn* txn, std::string_view name, unsigned flags, const char* map) {
    MDB_dbi dbi = 0;
    MDB_stat stat = {};
    MDB_cursor* cursor = nullptr;
    if (mdb_dbi_open(txn, name.data(), flags, &dbi) != 0 || mdb_stat(txn, dbi, &stat) != 0) return false;
    if (mdb_cursor_open(txn, dbi, &cursor) != 0) return false;
    MDB_val key, value, found;
    int rc = 0;
    std::size_t entries = 0;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
      add(key), add(value);
      if (map != nullptr) values.emplace_back(static_cast<const char*>(value.mv_data) - map, value.mv_size);
      if (mdb_get(txn, dbi, &key, &found) != 0 || found.mv_data != value.mv_data) return false;
      if (++entries > stat.ms_entries) return false;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND && entries == stat.ms_entries;
  }
};

/// Every page in LMDB's list of free pages, database 0.
std::vector<std::uint64_t> free_pages(MDB_txn* txn) {
  std::vector<std::uint64_t> pages;
  MDB_cursor* cursor = nullptr;
  must(mdb_cursor_open(txn, 0, &cursor));
  MDB_val key, value;
  while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
    const auto* list = static_cast<const std::uint64_t*>(value.mv_data);
    pages.insert(pages.end(), list + 1, list + 1 + list[0]);
  }
  mdb_cursor_close(cursor);
  return pages;
}

const char* map_of(const std::filesystem::path& file) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.ends_with(file.string()))
      return reinterpret_cast<const char*>(std::stoull(line, nullptr, 16));  // NOLINT(performance-no-int-to-ptr)
  return nullptr;
}

std::optional<Contents> read_contents(const std::filesystem::path& dir, bool with_places = false) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  must(mdb_env_create(&env));
  must(mdb_env_set_mapsize(env, std::size_t{1} << 30));
  must(mdb_env_set_maxdbs(env, kStreams + kTables));
  Contents contents;
  bool sound = mdb_env_open(env, dir.c_str(), MDB_RDONLY | MDB_NOLOCK, 0) == 0;
  sound = sound && mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) == 0;
  const char* map = with_places ? map_of(dir / "data.mdb") : nullptr;
  for (std::size_t i = 0; i < kStreams && sound; ++i)
    sound = contents.add(txn, to_string(static_cast<Stream>(i)), MDB_INTEGERKEY, map);
  for (std::size_t i = 0; i < kTables && sound; ++i)
    sound = contents.add(txn, to_string(static_cast<Table>(i)), 0, map);
  if (with_places && sound) contents.free = free_pages(txn);
  if (txn != nullptr) mdb_txn_abort(txn);
  mdb_env_close(env);
  if (!sound) return std::nullopt;
  return contents;
}

/// Every bit that is not inside a value of a journal or a table. `gaps`: with free pages and the unused space of
/// others.
std::vector<std::size_t> structural_bits(const std::string& bytes, const Contents& contents, bool gaps) {
  std::vector<bool> structural(bytes.size(), false);
  for (std::size_t page = 0; page < bytes.size() / kPage; ++page) {
    const std::size_t at = page * kPage;
    const auto header = lmdb::load<lmdb::PageHeader>(bytes.data() + at);
    std::size_t lower = kPage, upper = kPage;
    if (header.number != page) continue;  // Inside an overflow value.
    if (header.flags == lmdb::kMetaPage) lower = sizeof header + sizeof(lmdb::MetaRecord);
    if (header.flags == lmdb::kOverflowPage) lower = sizeof header;
    if (header.flags == lmdb::kBranchPage || header.flags == lmdb::kLeafPage)
      lower = header.lower, upper = header.upper;
    if (gaps && header.flags != lmdb::kOverflowPage) lower = upper = kPage;
    for (std::size_t i = 0; i < kPage; ++i) structural[at + i] = i < lower || i >= upper;
  }
  for (const std::uint64_t page : contents.free)
    if (!gaps) std::fill_n(structural.begin() + static_cast<std::ptrdiff_t>(page * kPage), kPage, false);
  for (const auto& [offset, size] : contents.values)
    std::fill_n(structural.begin() + static_cast<std::ptrdiff_t>(offset), size, false);
  std::vector<std::size_t> bits;
  for (std::size_t i = 0; i < structural.size(); ++i)
    for (std::size_t bit = 0; structural[i] && bit < 8; ++bit) bits.push_back(i * 8 + bit);
  return bits;
}

/// What a child that flips bits tells its parent, who sees how far it came when LMDB crashes on one.
struct Progress {
  std::size_t at = 0;
  std::size_t reported = 0, harmless = 0, missed = 0;
  std::size_t missed_bits[16] = {};
  void miss(std::size_t bit) { missed_bits[missed++ % 16] = bit; }
};

void flip(int file, std::size_t bit) {
  char byte = 0;
  REQUIRE(::pread(file, &byte, 1, static_cast<off_t>(bit / 8)) == 1);
  byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  REQUIRE(::pwrite(file, &byte, 1, static_cast<off_t>(bit / 8)) == 1);
}

void flip_all(const TempDir& dir, const std::vector<std::size_t>& bits, std::uint64_t want, Progress& progress) {
  const int file = ::open(dir.file().c_str(), O_RDWR | O_CLOEXEC);
  for (; progress.at < bits.size(); ++progress.at) {
    const std::size_t bit = bits[progress.at];
    flip(file, bit);
    if (!check_structure(dir.file()).sound()) {
      ++progress.reported;
    } else {
      const std::optional<Contents> contents = read_contents(dir.path());
      if (contents && contents->hash == want)
        ++progress.harmless;
      else
        progress.miss(bit);
    }
    flip(file, bit);
  }
  ::close(file);
}

/// Flips each of `bits` in turn: a missed one made LMDB crash, refuse, or read other contents, unreported.
Progress flip_in_children(const TempDir& dir, const std::vector<std::size_t>& bits, std::uint64_t want) {
  void* shared = ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  auto* progress = new (shared) Progress;
  while (progress->at < bits.size()) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      flip_all(dir, bits, want, *progress);
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (status == 0) break;
    const int file = ::open(dir.file().c_str(), O_RDWR | O_CLOEXEC);
    flip(file, bits[progress->at]);
    ::close(file);
    progress->miss(bits[progress->at++]);
  }
  const Progress result = *progress;
  ::munmap(shared, sizeof(Progress));
  return result;
}

void check_flips(bool exhaustive) {
  const TempDir dir;
  {
    LmdbFile file(dir.path());
    fill_small(file);
  }
  const StructureReport report = check_structure(dir.file());
  REQUIRE(faults(report) == "none");
  REQUIRE(report.branch_pages > 1);
  REQUIRE(report.overflow_pages > 10);
  REQUIRE(report.free_pages > 290);
  const std::optional<Contents> contents = read_contents(dir.path(), true);
  REQUIRE(contents);
  REQUIRE(contents->values.size() > 200);
  std::vector<std::size_t> bits = structural_bits(read_bytes(dir.file()), *contents, exhaustive);
  if (!exhaustive) {
    std::mt19937_64 random(42);
    std::shuffle(bits.begin(), bits.end(), random);
    bits.resize(20'000);
  }
  const Progress progress = flip_in_children(dir, bits, contents->hash);
  CAPTURE(bits.size(), progress.reported, progress.harmless);
  for (std::size_t i = 0; i < std::min<std::size_t>(progress.missed, 16); ++i) {
    const std::size_t bit = progress.missed_bits[i];
    UNSCOPED_INFO("missed: page " << bit / 8 / kPage << ", byte " << bit / 8 % kPage << ", bit " << bit % 8);
  }
  CHECK(progress.missed == 0);
  // Harmless are e.g. separators that still separate, and most of the older meta page.
  CHECK(progress.reported > (exhaustive ? bits.size() / 20 : bits.size() / 2));
}

}  // namespace

TEST_CASE("structure_check: a new environment and its first commits are sound", "[persistence][structure_check]") {
  const TempDir dir;
  {
    MDB_env* env = nullptr;
    must(mdb_env_create(&env));
    must(mdb_env_open(env, dir.path().c_str(), 0, 0644));
    CHECK(faults(check_structure(dir.file())) == "none");  // Both meta pages of transaction 0.
    mdb_env_close(env);
  }
  LmdbFile file(dir.path());
  CHECK(faults(check_structure(dir.file())) == "none");
  for (Position p = 1; p < 6; ++p) {
    file.begin();
    file.append(Stream::order, p, 100);
    file.commit();
    CHECK(faults(check_structure(dir.file())) == "none");
  }
}

TEST_CASE("structure_check: what LMDB writes is sound and counted as LMDB counts", "[persistence][structure_check]") {
  const std::uint64_t seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  const TempDir dir;
  LmdbFile file(dir.path());
  Position next = 1, first = 1;
  for (int transaction = 0; transaction < 200; ++transaction) {
    file.begin();
    for (std::uint64_t i = below(60); i > 0; --i) {
      const std::size_t size = below(12) == 0 ? below(200'000) : below(300);
      file.append(static_cast<Stream>(below(kStreams)), next++, size);
      const std::string key = std::to_string(below(800)) + std::string(below(40), 'x');
      const auto table = static_cast<Table>(below(kTables));
      if (below(3) == 0)
        file.erase(table, key);
      else
        file.put(table, key, below(15) == 0 ? below(70'000) : below(900));
      if (below(20) == 0) file.put(table, "brief", 300'000), file.erase(table, "brief");
    }
    for (; first + 900 < next; ++first)
      for (std::size_t s = 0; s < kStreams; ++s) file.erase(static_cast<Stream>(s), first);
    file.commit();
    if (transaction % 5 != 0) continue;
    const StructureReport report = check_structure(dir.file());
    REQUIRE(faults(report) == "none");
    const MDB_stat want = file.totals();
    CHECK(report.branch_pages == want.ms_branch_pages);
    CHECK(report.leaf_pages == want.ms_leaf_pages);
    CHECK(report.overflow_pages == want.ms_overflow_pages);
    CHECK(report.pages == file.pages());
  }
}

TEST_CASE("structure_check: a crash between a commit's pages and its meta page is sound",
          "[persistence][structure_check]") {
  const TempDir dir;
  LmdbFile file(dir.path());
  fill_small(file);
  for (Position p = 200; p < 260; ++p) {
    const std::string before = read_bytes(dir.file());
    file.begin();
    file.append(Stream::order, p, p % 7 == 0 ? 9000 : 60);
    file.erase(Stream::order, p - 150);
    file.put(Table::orders, "order_" + std::to_string(p), 30);
    file.commit();
    std::string torn = read_bytes(dir.file());
    const auto newest = lmdb::load<lmdb::MetaRecord>(torn.data() + sizeof(lmdb::PageHeader)).transaction;
    const auto other = lmdb::load<lmdb::MetaRecord>(torn.data() + kPage + sizeof(lmdb::PageHeader)).transaction;
    const std::size_t meta = newest > other ? 0 : kPage;
    torn.replace(meta, kPage, before, meta, kPage);
    const TempDir copy;
    write_bytes(copy.file(), torn);
    REQUIRE(faults(check_structure(copy.file())) == "none");
  }
}

TEST_CASE("structure_check: no flip of a transaction number goes back a commit", "[persistence][structure_check]") {
  const TempDir dir;
  for (Position p = 1; p < 70; ++p) {
    {
      LmdbFile file(dir.path());
      file.begin();
      file.append(Stream::order, p, 60);
      file.commit();
    }
    const int file = ::open(dir.file().c_str(), O_RDWR | O_CLOEXEC);
    for (std::size_t bit = 0; bit < 128; ++bit) {
      const std::size_t meta = bit / 64 * kPage + sizeof(lmdb::PageHeader);
      const std::size_t at = (meta + offsetof(lmdb::MetaRecord, transaction)) * 8 + bit % 64;
      flip(file, at);
      CAPTURE(p, bit);
      REQUIRE_FALSE(check_structure(dir.file()).sound());
      flip(file, at);
    }
    ::close(file);
    REQUIRE(check_structure(dir.file()).sound());
  }
}

TEST_CASE("structure_check: room reserved behind the last page is sound, a cut is not",
          "[persistence][structure_check]") {
  const TempDir dir;
  {
    LmdbFile file(dir.path());
    fill_small(file);
    file.begin();
    file.append(Stream::order, 1000, 9000);  // The last pages of the file are in use.
    for (Position p = 1001; p < 1400; ++p) file.append(Stream::order, p, 3000);
    file.commit();
  }
  const std::uintmax_t size = std::filesystem::file_size(dir.file());
  std::filesystem::resize_file(dir.file(), size + 12'345'678);
  CHECK(faults(check_structure(dir.file())) == "none");
  for (std::uintmax_t cut = size - 1; cut > 0; cut = cut > 8000 ? cut - 7919 : cut - 1) {
    std::filesystem::resize_file(dir.file(), cut);
    CAPTURE(cut);
    REQUIRE_FALSE(check_structure(dir.file()).sound());
  }
  std::filesystem::resize_file(dir.file(), 0);
  CHECK_FALSE(check_structure(dir.file()).sound());
  std::filesystem::remove(dir.file());
  CHECK_FALSE(check_structure(dir.file()).sound());
}

TEST_CASE("structure_check: free pages that were never written may lie behind the end",
          "[persistence][structure_check]") {
  const TempDir dir;
  LmdbFile file(dir.path());
  fill_small(file);
  file.begin();
  for (int i = 0; i < 30; ++i) file.put(Table::orders, "brief" + std::to_string(i), 300'000);
  for (int i = 0; i < 30; ++i) file.erase(Table::orders, "brief" + std::to_string(i));
  file.put(Table::orders, "stays", 10);
  file.commit();
  REQUIRE(std::filesystem::file_size(dir.file()) < file.pages() * kPage);
  CHECK(faults(check_structure(dir.file())) == "none");
}

TEST_CASE("structure_check: a value of another key, or cut short, is reported", "[persistence][structure_check]") {
  const TempDir dir;
  {
    LmdbFile file(dir.path());
    file.begin();
    file.append(Stream::order, 0x1122334455667788, 9000);
    file.put(Table::meta, "format_of_the_store", 16);
    file.commit();
  }
  const std::string good = read_bytes(dir.file());
  const auto change = [&](std::string_view find, std::size_t offset, char to) {
    std::string bad = good;
    for (std::size_t at = 0; (at = bad.find(find, at)) != std::string::npos; ++at) bad[at + offset] = to;
    write_bytes(dir.file(), bad);
    return faults(check_structure(dir.file()));
  };
  using Catch::Matchers::Contains;
  const std::string node("\x48\x23\0\0\1\0\x08\0\x88\x77\x66\x55\x44\x33\x22\x11", 16);  // Size, flags, key size, key.
  CHECK_THAT(change(node, 0, 0x47), Contains("a value's size is not its record's"));
  CHECK_THAT(change(node, 8, 0x40), Contains("a record does not belong to its key"));
  CHECK_THAT(change("format_of_the_store", 3, 'n'), Contains("a record does not belong to its key"));
  CHECK_THAT(change("coordinator", 0, 'b'), Contains("names a database that Kontor does not have"));
}

TEST_CASE("structure_check: a flipped bit is reported or harmless", "[persistence][structure_check]") {
  check_flips(false);
}

TEST_CASE("structure_check: every flipped bit is reported or harmless", "[.slow][persistence][structure_check]") {
  check_flips(true);
}

TEST_CASE("structure_check: no damage crashes the checker", "[persistence][structure_check]") {
  const TempDir dir;
  {
    LmdbFile file(dir.path());
    fill_small(file);
    file.begin();
    file.append(Stream::payment, 5000, 200'000);
    for (Position p = 5001; p < 6000; ++p) file.append(Stream::payment, p, 500);
    file.commit();
  }
  const std::string good = read_bytes(dir.file());
  const std::size_t pages = good.size() / kPage;
  std::mt19937_64 random(7);
  const auto below = [&](std::uint64_t n) { return static_cast<std::size_t>(random() % n); };
  std::size_t sound = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bad = good;
    for (std::size_t i = 1 + below(8); i > 0; --i) {
      // Headers and pointers are where damage leads astray: aim at the first bytes of a page half the time.
      const std::size_t page = below(3) == 0 ? below(12) : below(pages);
      const std::size_t at = page * kPage + (below(2) == 0 ? below(64) : below(kPage));
      switch (below(5)) {
        case 0: bad[at] = static_cast<char>(bad[at] ^ (1 << below(8))); break;
        case 1: bad[at] = static_cast<char>(random()); break;
        case 2: bad.replace(page * kPage, kPage, good, below(pages) * kPage, kPage); break;
        case 3:
          std::memset(bad.data() + at, below(2) == 0 ? 0 : 0xff, std::min<std::size_t>(8, bad.size() - at));
          break;
        default:
          if (below(20) == 0) bad.resize(below(bad.size() + 1));
          if (bad.size() < good.size()) i = 1;
      }
    }
    write_bytes(dir.file(), bad);
    const StructureReport report = check_structure(dir.file());
    CHECK(report.faults.size() <= 64);
    sound += report.sound();
  }
  CHECK(sound < 2500);  // Some changes hit values and unused space.
}

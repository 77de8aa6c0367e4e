#include "persistence/journal.hpp"

#include <atomic>
#include <string>

#include "tests/persistence/journal_fixture.hpp"

namespace kontor::persistence {
namespace {

using Catch::Matchers::Contains;
using testing::eventually, testing::Gate, testing::JournalFixture;

constexpr Stream kStream = Stream::order;

}  // namespace

// --- Failure.

TEST_CASE("journal: a write that fails ends the journal, once, and nothing is announced", "[persistence][journal]") {
  JournalFixture f(1u << 20, 64u << 10);
  std::atomic<Position> announced{0};
  f.on_durable = [&](Position durable) { announced = durable; };
  f.started();
  f.append(kStream, "fits");
  f.wait();
  f.append(kStream, std::string(2u << 20, 'x'));  // Larger than the map, which a caller that asks would not do.
  std::atomic<bool> ran{false};
  f.journal().after_durable([&] { ran = true; });
  REQUIRE(eventually([&] { return !f.failures().empty(); }));
  CHECK(f.append(kStream, "only queues") == 3);
  f.journal().after_durable([&] { ran = true; });
  f.close_journal();

  REQUIRE(f.failures().size() == 1);
  CHECK_THAT(f.failures()[0], Contains(f.file().string()) && Contains("write") && Contains("after position 1") &&
                                  Contains("MDB_MAP_FULL"));
  CHECK(announced == 1);
  CHECK_FALSE(ran);
  f.open_store();
  CHECK(f.last() == 1);
}

// --- The order of things.

TEST_CASE("journal: positions are given out in order over all streams, and continue after a restart",
          "[persistence][journal]") {
  JournalFixture f;
  f.started();
  CHECK(f.journal().appended() == 0);
  CHECK(f.append(Stream::payment, "a") == 1);
  CHECK(f.append(Stream::order, "b") == 2);
  CHECK(f.append(Stream::payment, "c") == 3);
  CHECK(f.journal().appended() == 3);
  f.wait();
  CHECK(f.journal().durable() == 3);
  f.open_store();
  f.started();
  CHECK(f.journal().durable() == 3);
  CHECK(f.append(Stream::order, "d") == 4);
}

TEST_CASE("journal: what is durable is found again with all its fields", "[persistence][journal]") {
  JournalFixture f;
  f.started();
  f.journal().append(Stream::payment, RecordKind::payment_prepared, "the payload", 1'234);
  f.journal().put(Table::accounts, "key", RecordKind::account_block, "the block");
  f.journal().put(Table::accounts, "gone", RecordKind::account_block, "x");
  f.journal().erase(Table::accounts, "gone");
  f.wait();
  f.open_store();
  const Store::Reader reader(f.store());
  const auto record = reader.get(Stream::payment, 1);
  REQUIRE(record);
  CHECK(record->payload == "the payload");
  CHECK(record->header.kind == RecordKind::payment_prepared);
  CHECK(record->header.written_at_ns == 1'234);
  const auto block = reader.get(Table::accounts, "key");
  REQUIRE(block);
  CHECK(block->payload == "the block");
  CHECK(block->header.kind == RecordKind::account_block);
  CHECK(reader.get(Table::accounts, "gone").code() == Errc::not_found);
}

TEST_CASE("journal: what gathers during a commit is the next one", "[persistence][journal]") {
  JournalFixture f;
  f.started();
  const auto release = f.hold_writer();
  for (int i = 0; i < 100; ++i) f.append(static_cast<Stream>(i % 4), std::to_string(i));
  f.journal().put(Table::orders, "key", RecordKind::order_row, "row");
  CHECK(f.journal().queued_bytes() > 100 * sizeof(RecordHeader));
  CHECK(f.journal().durable() == 1);
  release->open();
  f.wait();
  CHECK(f.journal().durable() == 101);
  CHECK(f.journal().queued_bytes() == 0);
  const JournalCounters counters = f.journal().counters();
  CHECK(counters.commits == 2);
  CHECK(counters.records == 101);
  CHECK(counters.bytes >= 101 * sizeof(RecordHeader));
  CHECK(counters.table_bytes == sizeof(RecordHeader) + 6);
  CHECK(counters.sync_ns > 0);
}

TEST_CASE("journal: a very large queue is several transactions, in order", "[persistence][journal]") {
  JournalFixture f(64u << 20, 1u << 20);
  std::vector<Position> announced;
  f.on_durable = [&](Position durable) { announced.push_back(durable); };
  f.started();
  const auto release = f.hold_writer();
  for (int i = 0; i < 20; ++i) f.append(kStream, std::string(100'000, 'x'));
  release->open();
  f.wait();
  f.journal().stop();
  CHECK(announced.size() > 5);
  CHECK(std::is_sorted(announced.begin(), announced.end()));
  CHECK(announced.back() == 21);
  CHECK(f.count(kStream) == 21);
}

TEST_CASE("journal: an action runs when all before it is durable, and not before", "[persistence][journal]") {
  JournalFixture f;
  f.started();
  const auto release = f.hold_writer();
  Position durable_then = 0, durable_later = 0;
  std::vector<int> order;
  bool stored = false;
  const Position first = f.append(kStream, "first");
  f.journal().after_durable([&] {
    durable_then = f.journal().durable();
    order.push_back(1);
  });
  const Position second = f.append(kStream, "second");
  f.journal().after_durable([&] {
    durable_later = f.journal().durable();
    order.push_back(2);
    stored = Store::Reader(f.store()).get(kStream, second).code() == Errc::none;
  });
  CHECK(order.empty());
  release->open();
  f.wait();
  CHECK(durable_then >= first);
  CHECK(durable_later >= second);
  CHECK(stored);
  CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("journal: with nothing queued an action runs at once, and nothing is committed", "[persistence][journal]") {
  JournalFixture f;
  f.started();
  std::thread::id ran_on;
  f.journal().after_durable([&] { ran_on = std::this_thread::get_id(); });
  CHECK(ran_on == std::this_thread::get_id());
  const auto release = f.hold_writer();
  f.journal().after_durable([&] { ran_on = std::this_thread::get_id(); });  // The writer is not done with its commit.
  release->open();
  f.wait();
  CHECK(ran_on != std::this_thread::get_id());
  CHECK(f.journal().counters().commits == 1);
}

TEST_CASE("journal: an action may queue more", "[persistence][journal]") {
  JournalFixture f;
  f.started();
  const auto done = std::make_shared<Gate>();
  f.append(kStream, "first");
  f.journal().after_durable([&] {
    f.append(kStream, "second");
    f.journal().after_durable([&, done] { done->open(); });
  });
  done->wait();
  CHECK(f.journal().durable() == 2);
}

TEST_CASE("journal: stop writes all that is queued and runs what waits for it", "[persistence][journal]") {
  JournalFixture f;
  f.started();
  const auto release = f.hold_writer();
  for (int i = 0; i < 50; ++i) f.append(kStream, "queued");
  bool ran = false;
  f.journal().after_durable([&] { ran = true; });
  std::thread stopper([&] { f.journal().stop(); });
  release->open();
  stopper.join();
  CHECK(ran);
  CHECK(f.count(kStream) == 51);
  f.journal().stop();  // Again is nothing.
}

TEST_CASE("journal: stopped before it was started it drops what was queued", "[persistence][journal]") {
  JournalFixture f;
  f.journal();
  f.append(kStream, "never");
  f.close_journal();
  CHECK(f.count(kStream) == 0);
}

// --- Truncation.

TEST_CASE("journal: truncation never runs ahead of what was queued before it", "[persistence][journal]") {
  JournalFixture f;
  f.started();
  for (int i = 0; i < 10; ++i) f.append(kStream, "old");
  f.wait();
  const auto release = f.hold_writer();
  f.journal().put(Table::meta, "checkpoint", RecordKind::meta_checkpoint, "replay starts at 11");
  f.journal().truncate(kStream, 11);
  CHECK(f.count(kStream) == 11);
  release->open();
  REQUIRE(eventually([&] { return f.count(kStream) == 1; }));
  CHECK(Store::Reader(f.store()).get(Table::meta, "checkpoint"));
}

TEST_CASE("journal: truncation goes on by itself when nothing else is written", "[persistence][journal]") {
  JournalFixture f;
  f.started();
  for (int i = 0; i < 2'000; ++i) f.append(static_cast<Stream>(i % 2), "small");
  f.append(kStream, "last");
  f.wait();
  f.journal().truncate(Stream::coordinator, 2'001);
  f.journal().truncate(Stream::order, 2'001);
  REQUIRE(eventually([&] { return f.count(Stream::order) + f.count(Stream::coordinator) == 1; }));
  const std::uint64_t commits = f.journal().counters().commits;
  CHECK(commits >= 4);  // In slices.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(f.journal().counters().commits == commits);  // And then it rests.
}

TEST_CASE("journal: a journal appended at one end and truncated at the other keeps its size",
          "[persistence][journal]") {
  JournalFixture f(256u << 20);
  f.started();
  std::uint64_t settled = 0;
  for (Position p = 1; p <= 1'200; ++p) {
    f.append(kStream, std::string(150'000 + p % 7 * 10'000, 'x'));
    if (p % 50 == 0) f.journal().truncate(kStream, p - 49);
    if (p % 5 == 0) f.wait();
    if (p == 400) settled = f.store().used_bytes();
  }
  CHECK(f.store().used_bytes() < settled + settled / 4);
}

// --- Space.

TEST_CASE("journal: a nearly full map refuses new work, promised work is written, and room clears it",
          "[persistence][journal]") {
  constexpr std::uint64_t kReserve = 512u << 10;
  JournalFixture f(4u << 20, kReserve);
  f.started();
  Position last = 0;
  while (!f.journal().storage_full()) {
    REQUIRE(last < 1'000);
    last = f.append(kStream, std::string(20'000, 'x'));
    f.wait();
  }
  CHECK(f.store().used_bytes() + kReserve + (64u << 10) > (4u << 20));
  CHECK(last > 100);

  // What is promised fits: all but what the tree itself takes.
  for (std::uint64_t promised = 0; promised + 40'000 < kReserve * 3 / 4; promised += 20'000) {
    last = f.append(kStream, std::string(20'000, 'p'));
    if (promised % 60'000 == 0) f.wait();
  }
  f.wait();
  CHECK(f.journal().durable() == last);
  CHECK(f.journal().storage_full());
  CHECK(f.failures().empty());

  f.journal().truncate(kStream, last);
  REQUIRE(eventually([&] { return !f.journal().storage_full(); }));
  CHECK(f.count(kStream) == 1);
  for (int i = 0; i < 50; ++i) f.append(kStream, std::string(20'000, 'n'));
  f.wait();
  CHECK_FALSE(f.journal().storage_full());
}

TEST_CASE("journal: a map smaller than the reserve is full from the start", "[persistence][journal]") {
  JournalFixture f(2u << 20, 4u << 20);
  f.started();
  CHECK(f.journal().storage_full());
  f.append(kStream, "is written all the same");
  f.wait();
  CHECK(f.journal().durable() == 1);
}

TEST_CASE("journal: pages that a reader still holds do not count as room", "[persistence][journal]") {
  JournalFixture f(4u << 20, 256u << 10);
  f.started();
  Position last = 0;
  while (!f.journal().storage_full()) {
    last = f.append(kStream, std::string(20'000, 'x'));
    f.wait();
  }
  auto reader = std::make_unique<Store::Reader>(f.store());
  f.journal().truncate(kStream, last);
  REQUIRE(eventually([&] { return f.count(kStream) == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(1'200));
  CHECK(f.journal().storage_full());
  CHECK(reader->count(kStream) == last);
  reader.reset();
  CHECK(eventually([&] { return !f.journal().storage_full(); }));
}

TEST_CASE("journal: room is kept on disk ahead of use", "[persistence][journal]") {
  JournalFixture f(64u << 20, 2u << 20);
  f.started();
  CHECK(std::filesystem::file_size(f.file()) >= f.store().used_bytes() + (2u << 20));
  for (int i = 0; i < 100; ++i) f.append(kStream, std::string(50'000, 'x'));
  f.wait();
  f.journal().stop();
  CHECK(std::filesystem::file_size(f.file()) >= f.store().used_bytes() + (2u << 20));
  CHECK(std::filesystem::file_size(f.file()) <= (64u << 20));
}

}  // namespace kontor::persistence

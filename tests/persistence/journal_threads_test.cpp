// Under ThreadSanitizer: the journal as actors, the engine and metrics use it, all at once.
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/persistence/journal_fixture.hpp"

namespace kontor::persistence {
namespace {

using testing::JournalFixture;

constexpr std::size_t kProducers = kStreams;
constexpr int kRecordsEach = 300;

/// What one producer saw. Catch2's macros are for one thread only, so it is judged when all have ended.
struct Seen {
  std::vector<Position> positions;
  std::atomic<int> actions{0};
  std::atomic<int> early{0};         ///< Actions that ran before their record was durable.
  std::atomic<int> out_of_order{0};  ///< Actions of this producer that overtook an earlier one.
};

void produce(Journal& journal, std::size_t producer, Seen& seen) {
  for (int i = 0; i < kRecordsEach; ++i) {
    const std::string text = std::to_string(producer) + ":" + std::to_string(i);
    const Position position = journal.append(static_cast<Stream>(producer), RecordKind::decided, text, i);
    seen.positions.push_back(position);
    journal.after_durable([&journal, &seen, position, i] {
      if (journal.durable() < position) ++seen.early;
      if (seen.actions++ != i) ++seen.out_of_order;
    });
    if (i % 10 == 0) journal.put(Table::orders, text, RecordKind::order_row, text);
    if (i % 20 == 0) journal.erase(Table::orders, text);
    if (i == kRecordsEach / 2) journal.truncate(static_cast<Stream>(producer), seen.positions[50]);
    if (i % 64 == 0) std::this_thread::yield();
  }
}

/// Looks at everything, as metrics and queries do.
int observe(JournalFixture& f, const std::atomic<bool>& done) {
  int faults = 0;
  Position last = 0;
  while (!done) {
    const Position durable = f.journal().durable();
    faults += durable < last || durable > f.journal().appended();
    last = durable;
    faults += f.journal().storage_full();
    f.journal().queued_bytes();
    f.journal().counters();
    const StoreSpace space = f.store().space();
    faults += space.used_bytes > space.map_bytes;
    const Store::Reader reader(f.store());
    Position newest = 0;
    for (std::size_t s = 0; s < kStreams; ++s) newest = std::max(newest, reader.last(static_cast<Stream>(s)));
    faults += newest < durable;  // What was announced is there.
    faults += !reader.scan(Stream::order, 0, [](const Record&) { return true; });
  }
  return faults;
}

}  // namespace

TEST_CASE("journal: producers, readers and metrics at once", "[persistence][journal][threads]") {
  JournalFixture f;
  std::atomic<Position> announced{0};
  std::atomic<int> announced_backwards{0};
  f.on_durable = [&](Position durable) {
    if (announced.exchange(durable) > durable) ++announced_backwards;
  };
  f.started();
  std::array<Seen, kProducers> seen;
  std::atomic<bool> done{false};
  int observed_faults = 0;
  {
    std::thread observer([&] { observed_faults = observe(f, done); });
    std::vector<std::thread> producers;
    for (std::size_t p = 0; p < kProducers; ++p) producers.emplace_back([&, p] { produce(f.journal(), p, seen[p]); });
    for (std::thread& producer : producers) producer.join();
    f.journal().stop();
    done = true;
    observer.join();
  }
  CHECK(observed_faults == 0);
  CHECK(announced_backwards == 0);
  CHECK(announced == kProducers * kRecordsEach);
  CHECK(f.failures().empty());
  const Store::Reader reader(f.store());
  for (std::size_t p = 0; p < kProducers; ++p) {
    CHECK(seen[p].actions == kRecordsEach);
    CHECK(seen[p].early == 0);
    CHECK(seen[p].out_of_order == 0);
    CHECK(std::is_sorted(seen[p].positions.begin(), seen[p].positions.end()));
    const auto record = reader.get(static_cast<Stream>(p), seen[p].positions.back());
    REQUIRE(record);
    CHECK(record->payload == std::to_string(p) + ":" + std::to_string(kRecordsEach - 1));
  }
}

TEST_CASE("journal: it may be stopped by one thread while others still wait for it",
          "[persistence][journal][threads]") {
  for (int round = 0; round < 20; ++round) {
    JournalFixture f;
    f.started();
    std::atomic<int> ran{0};
    std::vector<std::thread> producers;
    for (std::size_t p = 0; p < kProducers; ++p)
      producers.emplace_back([&, p] {
        for (int i = 0; i < 20; ++i) f.journal().append(static_cast<Stream>(p), RecordKind::decided, "x", 0);
        f.journal().after_durable([&] { ++ran; });
      });
    for (std::thread& producer : producers) producer.join();
    std::thread first([&] { f.journal().stop(); }), second([&] { f.journal().stop(); });
    first.join();
    second.join();
    CHECK(ran == kProducers);
    CHECK(f.journal().durable() == kProducers * 20);
  }
}

}  // namespace kontor::persistence

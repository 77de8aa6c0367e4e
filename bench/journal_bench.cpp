#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "persistence/journal.hpp"

// The journal alone, on the disk under the current directory, fsync on. `depth` records are queued, then all are waited
// for: what a closed loop of so many clients gets from group commit. `steady` is the engine at full load for long: four
// large records a commit, checkpoints rewrite a table, truncation follows; its figures must not depend on how long.

namespace {

using namespace kontor;
using namespace kontor::persistence;

/// A journal on an empty store, gone afterwards.
class Bench {
 public:
  Bench() : dir_(std::filesystem::current_path() / ("journal_bench_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(dir_);
    StoreOptions options;
    options.dir = dir_;
    store_ = std::move(*Store::open(options));
    JournalOptions journal_options;
    journal_options.on_failure = [](const std::string&) { std::abort(); };
    journal_ = std::make_unique<Journal>(*store_, 1, journal_options);
    journal_->start();
  }
  ~Bench() {
    journal_->stop();
    std::filesystem::remove_all(dir_);
  }

  Journal& journal() { return *journal_; }
  Store& store() { return *store_; }
  /// Waits until all that is queued is durable.
  void wait() {
    bool done = false;
    journal_->after_durable([&] {
      const std::lock_guard lock(mutex_);
      done = true;
      changed_.notify_one();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done; });
  }

 private:
  std::filesystem::path dir_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Journal> journal_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// Of the whole process: the writer thread's work is the point, and the waiting thread does little.
double cpu_seconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void report(benchmark::State& state, Bench& bench, const JournalCounters& before, double cpu_before) {
  const JournalCounters after = bench.journal().counters();
  const auto commits = static_cast<double>(after.commits - before.commits);
  state.SetItemsProcessed(static_cast<std::int64_t>(after.records - before.records));
  state.SetBytesProcessed(static_cast<std::int64_t>(after.bytes - before.bytes));
  state.counters["commits_per_s"] = benchmark::Counter(commits, benchmark::Counter::kIsRate);
  state.counters["sync_us"] = static_cast<double>(after.sync_ns - before.sync_ns) / commits / 1e3;
  state.counters["cpu_us_per_commit"] = (cpu_seconds() - cpu_before) / commits * 1e6;
}

void BM_JournalAppend(benchmark::State& state) {
  Bench bench;
  const auto record_bytes = static_cast<std::size_t>(state.range(0));
  const std::int64_t depth = state.range(1);
  const JournalCounters before = bench.journal().counters();
  const double cpu_before = cpu_seconds();
  Position last = 0;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < depth; ++i)
      last = bench.journal().append(static_cast<Stream>(i % 4), RecordKind::decided, std::string(record_bytes, 'r'), 1);
    if (last % 256 < static_cast<Position>(depth))  // The file keeps its size.
      for (std::size_t s = 0; s < kStreams; ++s) bench.journal().truncate(static_cast<Stream>(s), last - 128);
    bench.wait();
  }
  report(state, bench, before, cpu_before);
}

/// `blocks` rows of a table, a page each, all rewritten per checkpoint; 128 MiB of journal between checkpoints.
class Steady {
 public:
  Steady(Bench& bench, std::int64_t blocks) : journal_(bench.journal()), blocks_(blocks) {}

  void queue_commit() {
    for (std::size_t s = 0; s < kStreams; ++s) {
      const std::size_t size = (s == 0 ? 20'000 : 100'000) + last_ * 7'919 % (s == 0 ? 60'000 : 400'000);
      last_ = journal_.append(static_cast<Stream>(s), RecordKind::decided, std::string(size, 'r'), 1);
      since_checkpoint_ += size;
    }
    if (!writing_ && since_checkpoint_ > kCheckpointJournalBytes) {
      writing_ = true;
      block_ = 0;
      since_checkpoint_ = 0;
      replay_from_ = last_;
    }
    if (!writing_) return;
    for (const auto until = std::min<std::int64_t>(blocks_, block_ + 200); block_ < until; ++block_)
      journal_.put(Table::accounts, std::to_string(1'000'000 + block_), RecordKind::account_block,
                   std::string(3'900, 'b'));
    writing_ = block_ < blocks_;
    if (writing_) return;
    for (std::size_t s = 0; s < kStreams; ++s) journal_.truncate(static_cast<Stream>(s), replay_from_);
  }

 private:
  Journal& journal_;
  const std::int64_t blocks_;
  std::int64_t block_ = 0;
  bool writing_ = false;  ///< A checkpoint is under way.
  std::uint64_t since_checkpoint_ = 0;
  Position last_ = 0, replay_from_ = 0;
};

void BM_JournalSteady(benchmark::State& state) {
  Bench bench;
  Steady steady(bench, state.range(0));
  for (std::int64_t i = 0; i < state.range(1); ++i) {  // What came before.
    steady.queue_commit();
    bench.wait();
  }
  const JournalCounters before = bench.journal().counters();
  const double cpu_before = cpu_seconds();
  for (auto _ : state) {
    steady.queue_commit();
    bench.wait();
  }
  report(state, bench, before, cpu_before);
  state.counters["file_MB"] = static_cast<double>(bench.store().used_bytes()) / 1e6;
}

}  // namespace

BENCHMARK(BM_JournalAppend)
    ->ArgNames({"bytes", "depth"})
    ->ArgsProduct({{100, 4'000, 40'000, 400'000}, {1, 4, 64}})
    ->UseRealTime()
    ->MinTime(1.0)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_JournalSteady)
    ->ArgNames({"blocks", "commits_before"})
    ->ArgsProduct({{0, 20'000}, {0, 1'000, 5'000}})
    ->UseRealTime()
    ->Iterations(500)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_MAIN();

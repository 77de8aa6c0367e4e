#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <random>
#include <thread>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "persistence/journal.hpp"
#include "persistence/key_index.hpp"

// Idempotency keys over a store on disk: what a request pays (check, mark, insert), what a repeat pays (find), and what
// the actor pays in steps. `keys` is what the index holds before; runs of 1 Mi keys, fsync on.

namespace {

using namespace kontor;
using namespace kontor::persistence;

constexpr std::size_t kGenerationKeys = std::size_t{1} << 20;

/// Of this thread: how long others held the processor is not the step's cost.
double cpu_ns() {
  timespec now = {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Steps {
  double total_ns = 0, longest_ns = 0;
  std::uint64_t count = 0;
};

/// An index with so many keys, all in runs. Key i is the i-th output of a fixed generator.
class Population {
 public:
  explicit Population(std::uint64_t keys)
      : dir_(std::filesystem::current_path() / ("key_index_bench_" + std::to_string(::getpid()))), keys_(keys) {
    std::filesystem::remove_all(dir_);
    StoreOptions options;
    options.dir = dir_;
    store_ = std::move(*Store::open(options));
    JournalOptions journal_options;
    journal_options.on_failure = [](const std::string&) { std::abort(); };
    journal_ = std::make_unique<Journal>(*store_, 1, journal_options);
    journal_->start();
    index_ = std::make_unique<KeyIndex>(*store_, journal_.get());
    for (std::uint64_t i = 0; i < keys; ++i) {
      index_->insert(hash(i), Locator::of(i + 1, 0));
      if (index_->keys_in_memory() == kGenerationKeys) settle();
    }
    settle();
  }
  ~Population() {
    journal_->stop();
    std::filesystem::remove_all(dir_);
  }

  /// SplitMix64: as uniform as the hashes of keys.
  static std::uint64_t hash(std::uint64_t i) {
    std::uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  const Store& store() const { return *store_; }
  KeyIndex& index() { return *index_; }
  std::uint64_t keys() const { return keys_; }
  std::uint64_t next() { return keys_++; }

  Steps settle() {
    Steps steps;
    if (!index_->writing()) index_->begin_run();
    while (!index_->idle()) {
      const double begin = cpu_ns();
      const bool more = index_->step();
      const double took = cpu_ns() - begin;
      if (!more) std::this_thread::sleep_for(std::chrono::microseconds(100));
      steps.total_ns += took;
      steps.longest_ns = std::max(steps.longest_ns, took);
      ++steps.count;
    }
    return steps;
  }

  /// The one that is kept: building 24 million keys takes a while.
  static Population& of(std::int64_t keys) {
    static std::unique_ptr<Population> kept;
    static std::int64_t kept_keys = -1;
    if (kept_keys != keys) {
      kept.reset();
      kept = std::make_unique<Population>(static_cast<std::uint64_t>(keys));
      kept_keys = keys;
    }
    return *kept;
  }

 private:
  std::filesystem::path dir_;
  std::uint64_t keys_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<KeyIndex> index_;
};

/// A new request: never seen, marked when prepared, inserted when committed. 512 at a time, as batches come.
void BM_KeyIndexNewKey(benchmark::State& bench) {
  Population& population = Population::of(bench.range(0));
  KeyIndex& index = population.index();
  constexpr std::uint64_t kBatch = 512;
  std::uint64_t said_maybe = 0;
  for (auto _ : bench) {
    const std::uint64_t first = population.keys();
    for (std::uint64_t i = 0; i < kBatch; ++i) index.prefetch(Population::hash(first + i));
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      const std::uint64_t hash = Population::hash(population.next());
      said_maybe += index.maybe(hash);
      index.mark(hash);
    }
    for (std::uint64_t i = 0; i < kBatch; ++i) index.insert(Population::hash(first + i), Locator::of(first + i, 0));
  }
  const auto items = static_cast<double>(bench.iterations()) * kBatch;
  bench.SetItemsProcessed(static_cast<std::int64_t>(items));
  bench.counters["false_maybe_percent"] = 100.0 * static_cast<double>(said_maybe) / items;
}

/// A repeat of a key whose order is in a run.
void BM_KeyIndexFind(benchmark::State& bench) {
  Population& population = Population::of(bench.range(0));
  std::mt19937_64 random(1);
  for (auto _ : bench) {
    const std::uint64_t i = random() % static_cast<std::uint64_t>(bench.range(0));
    const auto found = population.index().find(Population::hash(i));
    if (!found || found->empty()) bench.SkipWithError("a key is missing");
  }
  bench.counters["runs"] = static_cast<double>(population.index().runs());
}

/// All steps that one generation of 1 Mi keys costs: its run, and the merges that it sets off.
void BM_KeyIndexSteps(benchmark::State& bench) {
  Population& population = Population::of(bench.range(0));
  population.settle();
  Steps steps;
  std::uint64_t keys = 0;
  for (auto _ : bench) {
    bench.PauseTiming();
    for (; population.index().keys_in_memory() < kGenerationKeys; ++keys)
      population.index().insert(Population::hash(population.next()), Locator::of(population.keys(), 0));
    bench.ResumeTiming();
    const Steps one = population.settle();
    steps.total_ns += one.total_ns;
    steps.longest_ns = std::max(steps.longest_ns, one.longest_ns);
    steps.count += one.count;
  }
  bench.counters["step_ns_per_key"] = steps.total_ns / static_cast<double>(keys);
  bench.counters["step_us_mean"] = steps.total_ns / static_cast<double>(steps.count) / 1e3;
  bench.counters["step_us_max"] = steps.longest_ns / 1e3;
}

/// What a start costs: the filter is rebuilt from the runs.
void BM_KeyIndexLoad(benchmark::State& bench) {
  Population& population = Population::of(bench.range(0));
  for (auto _ : bench) {
    KeyIndex index(population.store(), nullptr);
    if (!index.load()) bench.SkipWithError("damaged");
  }
}

constexpr std::int64_t kMillion = 1'000'000;

}  // namespace

// By size, then by kind: each population is built once.
int main(int argc, char** argv) {
  for (const std::int64_t keys : {kMillion / 10, kMillion, 10 * kMillion, 24 * kMillion}) {
    const auto add = [&](const char* name, auto* function) {
      return benchmark::RegisterBenchmark(name, function)->ArgName("keys")->Arg(keys);
    };
    add("find", BM_KeyIndexFind)->Iterations(50'000);
    add("load", BM_KeyIndexLoad)->Iterations(3)->Unit(benchmark::kMillisecond);
    add("new_key", BM_KeyIndexNewKey)->Iterations(1'500);
    add("steps", BM_KeyIndexSteps)->Iterations(4)->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}

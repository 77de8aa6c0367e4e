#include "cmd/kontor/load/run.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/load/seeding.hpp"

namespace kontor::cmd {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
}

EngineOptions engine_options(const LoadOptions& options) {
  EngineOptions engine;
  engine.dir = options.dir;
  engine.shards = options.shards;
  engine.protocol = options.protocol;
  engine.checkpoint_journal_bytes = options.checkpoint_bytes;
  // A closed loop is to find its own bound; the open loop must find the engine's.
  if (options.drive.rate_per_s <= 0)
    engine.open_transactions_max = std::max(engine.open_transactions_max, options.drive.outstanding);
  return engine;
}

/// What was counted between two looks. Levels (open, in doubt, full) are those of the later one.
EngineCounters difference(EngineCounters now, const EngineCounters& before) {
  now.submitted -= before.submitted;
  now.committed -= before.committed;
  now.aborted -= before.aborted;
  now.unknown -= before.unknown;
  now.replayed -= before.replayed;
  now.prepared -= before.prepared;
  now.begun -= before.begun;
  now.journal_commits -= before.journal_commits;
  now.journal_records -= before.journal_records;
  now.journal_bytes -= before.journal_bytes;
  now.checkpoints -= before.checkpoints;
  return now;
}

std::string pulse_words(const Pulse& pulse, std::uint64_t committed_before, double elapsed_before_s,
                        const DriveOptions& drive) {
  const double span_s = std::max(pulse.elapsed_s - elapsed_before_s, 1e-3);
  const double rate = static_cast<double>(pulse.committed - committed_before) / span_s;
  const double duration_s = std::chrono::duration<double>(drive.duration).count();
  return "driving  " + decimal(std::min(pulse.elapsed_s, duration_s), 0) + " of " + decimal(duration_s, 0) + " s  " +
         grouped(static_cast<std::uint64_t>(rate)) + " checkouts/s  " + grouped(pulse.in_flight) + " in flight";
}

/// Drives the open engine and fills in what that shows.
void drive(Engine& engine, const Workload& workload, const LoadOptions& options, LoadWatcher& watcher,
           const std::atomic<bool>& stop, LoadReport& report) {
  const EngineCounters before = engine.counters();
  Driver driver(workload, options.drive,
                [&](auto requests, OnOutcomes then) { engine.submit(requests, std::move(then)); });
  Pulse last;
  const auto on_pulse = [&](const Pulse& pulse) {
    report.memory.add(pulse.elapsed_s, process_memory());
    watcher.on_progress(pulse_words(pulse, last.committed, last.elapsed_s, options.drive));
    last = pulse;
  };
  report.memory.add(0, process_memory());
  watcher.on_driving();
  const double cpu_before_s = process_cpu_s();
  report.tally = driver.run(on_pulse, stop);
  report.cpu_s = process_cpu_s() - cpu_before_s;
  report.memory.add(report.tally.elapsed_s, process_memory());
  report.counters = difference(engine.counters(), before);
}

}  // namespace

double LoadReport::committed_per_s() const {
  return tally.elapsed_s > 0 ? static_cast<double>(tally.committed) / tally.elapsed_s : 0;
}
double LoadReport::cpu_us_per_checkout() const {
  return tally.answered() == 0 ? 0 : cpu_s * 1e6 / static_cast<double>(tally.answered());
}
double LoadReport::p1() const { return share_of(counters.prepared, counters.begun); }
double LoadReport::p2() const { return share_of(counters.committed, counters.prepared); }
double LoadReport::success() const { return share_of(tally.committed, tally.answered()); }

Result<LoadReport> run_load(const LoadOptions& options, LoadWatcher& watcher, const std::atomic<bool>& stop,
                            std::string& explanation) {
  LoadReport report;
  report.run = options.run.value_or(std::random_device{}());
  const Workload workload(options.workload, report.run);

  auto step = Clock::now();
  watcher.on_progress("opening " + options.dir.string());
  auto engine = Engine::open(engine_options(options), &explanation);
  if (!engine) return engine.error();
  report.open_s = seconds_since(step);
  report.recovery = (*engine)->recovery();
  report.shards = (*engine)->shards();
  watcher.on_opened(report.recovery);

  if (!options.open_only) {
    step = Clock::now();
    const auto submit = [&](auto requests, OnOutcomes then) { (*engine)->submit(requests, std::move(then)); };
    const auto seeding = [&](std::uint64_t done, std::uint64_t total) {
      watcher.on_progress("seeding  " + grouped(done) + " of " + grouped(total));
    };
    if (const auto seeded = seed(workload, submit, seeding, explanation); !seeded) return seeded.error();
    report.seed_s = seconds_since(step);
    drive(**engine, workload, options, watcher, stop, report);
  }
  report.interrupted = stop.load();
  watcher.on_measured(report);

  step = Clock::now();
  watcher.on_progress("closing");
  engine->reset();
  report.close_s = seconds_since(step);
  if (!options.audit || options.open_only || report.interrupted) return report;
  watcher.on_progress("auditing");
  auto audit = persistence::audit(options.dir, &explanation);
  if (!audit) return audit.error();
  report.audit = std::move(*audit);
  return report;
}

}  // namespace kontor::cmd

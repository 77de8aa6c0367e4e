#pragma once
#include <atomic>
#include <optional>
#include <string>

#include "actors/engine.hpp"
#include "cmd/kontor/load/driver.hpp"
#include "cmd/kontor/load/options.hpp"
#include "cmd/kontor/load/process_usage.hpp"
#include "persistence/audit.hpp"

namespace kontor::cmd {

/// Everything a load run measured.
struct LoadReport {
  RecoveryReport recovery;
  double open_s = 0, seed_s = 0, close_s = 0;
  double cpu_s = 0;  ///< Processor time of the drive, this program's own part included.
  std::uint16_t shards = 1;
  std::uint32_t run = 0;
  Tally tally;
  EngineCounters counters;  ///< Of the drive alone.
  MemoryTrace memory;
  std::optional<persistence::AuditReport> audit;
  bool interrupted = false;

  double committed_per_s() const;
  double cpu_us_per_checkout() const;
  /// Share of begun checkouts whose every vote was yes; 1 when none began.
  double p1() const;
  /// Share of those that committed.
  double p2() const;
  /// What a caller sees: committed of all answered.
  double success() const;
};

/// Is told where a run is.
class LoadWatcher {
 public:
  virtual ~LoadWatcher() = default;
  virtual void on_progress(const std::string& words) = 0;
  virtual void on_opened(const RecoveryReport& recovery) = 0;
  virtual void on_driving() = 0;
  /// Everything but the end is known; the engine is still open.
  virtual void on_measured(const LoadReport& report) = 0;
};

/// Opens, seeds, drives, closes, audits. Returns early, with what was measured, when `stop` is set.
/// Errors: those of Engine::open, of seeding and of the audit; `explanation` gets a sentence for people.
Result<LoadReport> run_load(const LoadOptions& options, LoadWatcher& watcher, const std::atomic<bool>& stop,
                            std::string& explanation);

}  // namespace kontor::cmd

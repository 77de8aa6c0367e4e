#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "actors/engine.hpp"
#include "cmd/kontor/demo/verify.hpp"
#include "persistence/audit.hpp"

namespace kontor::cmd {

struct DemoOptions {
  std::filesystem::path dir;
  WorkloadOptions workload;
  std::chrono::nanoseconds leg{std::chrono::seconds(2)};  ///< How long each child drives checkouts.
  std::size_t outstanding = 4'096;
  std::uint16_t shards = 1;
  std::size_t verify_max = 25'000;  ///< Answered checkouts of each child that are asked for again.
};

/// One child process: what it found, did, and how it ended.
struct Leg {
  std::uint32_t run = 0;
  bool killed = false;
  RecoveryReport recovery;
  std::vector<Answered> answered;  ///< As the child wrote them down.
  double driving_s = 0;
  boost::json::object report;  ///< Its own, when it ended in good order.

  double answered_per_s() const;
};

struct DemoReport {
  std::vector<Leg> legs;
  Verification verification;  ///< Over all legs.
  persistence::AuditReport audit;
  double seconds = 0;

  std::uint64_t answered() const;
  /// Nothing answered was lost and the audit is clean.
  bool good() const { return audit.clean() && verification.lost == 0 && verification.asked > 0; }
};

/// Why a demo could not be carried out.
struct DemoFailure {
  int exit_code = 0;
  std::string explanation;
};

/// Drives a directory with three children, of which two die by SIGKILL in mid-flow, then asks again for what was
/// answered, and audits. False: see `failure`.
bool run_demo(const DemoOptions& options, const std::function<void(const std::string&)>& on_progress,
              const std::atomic<bool>& stop, DemoReport& report, DemoFailure& failure);

std::string to_text(const DemoReport& report, const DemoOptions& options, bool colour);
boost::json::value to_json(const DemoReport& report);

}  // namespace kontor::cmd

#pragma once
#include <chrono>
#include <mutex>

#include "actors/engine.hpp"

namespace kontor::cmd::serve {

inline constexpr std::chrono::seconds kStandstillMax{5};  // A healthy disk commits within milliseconds.

/// Whether the durable position moves while requests wait for it, as far as those who ask now and then can tell. Any
/// thread.
class JournalWatch {
 public:
  /// False: there was work at each look for kStandstillMax, and not one commit.
  bool moves(const EngineCounters& counters, std::chrono::steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (counters.open == 0 || counters.journal_commits != commits_ || !waiting_) {
      commits_ = counters.journal_commits;
      waiting_ = counters.open != 0;
      since_ = now;
    }
    return now - since_ <= kStandstillMax;
  }

 private:
  std::mutex mutex_;
  std::uint64_t commits_ = 0;
  bool waiting_ = false;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace kontor::cmd::serve

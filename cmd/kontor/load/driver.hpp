#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "actors/engine.hpp"
#include "cmd/kontor/load/answered_log.hpp"
#include "cmd/kontor/load/histogram.hpp"
#include "cmd/kontor/load/workload.hpp"

namespace kontor::cmd {

struct DriveOptions {
  std::chrono::nanoseconds duration{std::chrono::seconds(5)};
  std::size_t outstanding = 4'096;  ///< Closed loop: as many are always in flight.
  double rate_per_s = 0;            ///< Above 0: open loop, one checkout each 1 / rate seconds, come what may.
  std::size_t batch_max = 0;        ///< Requests of one submit call; 0: chosen.
  std::uint64_t checkouts_max = 0;  ///< Ends the run early; 0: no bound.
  int answered_fd = -1;             ///< Where committed checkouts are noted down (answered_log.hpp); -1: nowhere.
};

/// What became of the checkouts of a run.
struct Tally {
  std::uint64_t committed = 0;
  std::uint64_t replayed = 0;  ///< Of these, from an earlier use of the key: none in a run of its own.
  std::uint64_t unknown = 0;
  std::array<std::uint64_t, 256> aborted{};  ///< By Errc.
  Histogram latency;                         ///< Of committed checkouts, in nanoseconds.
  double elapsed_s = 0;                      ///< From the first request to the last answer.

  std::uint64_t aborted_total() const;
  std::uint64_t answered() const { return committed + unknown + aborted_total(); }
};

/// A look at a running drive, taken about ten times a second.
struct Pulse {
  double elapsed_s = 0;
  std::uint64_t committed = 0, answered = 0, in_flight = 0;
};

/// Hands checkouts to an engine and counts what becomes of them. Requests are made on the thread of `run`; engine
/// threads only count. In the closed loop latency runs from submit to answer. In the open loop it runs from the moment
/// at which the checkout was due, whether or not it could be submitted then, so that a stall is charged to every
/// checkout that it delayed.
class Driver {
 public:
  using Submit = std::function<void(std::span<const Request>, OnOutcomes)>;
  using OnPulse = std::function<void(const Pulse&)>;

  Driver(const Workload& workload, DriveOptions options, Submit submit);

  /// Returns when all that was submitted is answered. `stop` ends it early.
  Tally run(const OnPulse& on_pulse, const std::atomic<bool>& stop);

 private:
  using Clock = std::chrono::steady_clock;

  /// The requests of one submit call, until the last of them is answered.
  struct Flight {
    std::uint64_t first = 0;  ///< Number of the first checkout.
    std::size_t unanswered = 0;
    Clock::time_point submitted;
  };

  void run_closed(const OnPulse& on_pulse, const std::atomic<bool>& stop);
  void run_open(const OnPulse& on_pulse, const std::atomic<bool>& stop);
  void launch(std::size_t count);
  void on_outcomes(Flight& flight, std::span<const Outcome> outcomes);
  void count(const Flight& flight, std::span<const Outcome> outcomes);
  /// Waits until fewer than `bound` are in flight or `until` has come; says how many are.
  std::size_t await_below(std::size_t bound, Clock::time_point until);
  void pulse(const OnPulse& on_pulse, Clock::time_point now);
  bool over(Clock::time_point now, const std::atomic<bool>& stop) const;
  Clock::time_point due(std::uint64_t n) const;

  const Workload& workload_;
  const DriveOptions options_;
  const Submit submit_;

  // Of the thread of `run`.
  std::vector<Request> requests_;
  std::uint64_t next_ = 0;
  Clock::time_point start_, end_, next_pulse_;

  std::mutex mutex_;  // Guards the rest.
  std::condition_variable answered_;
  std::vector<std::unique_ptr<Flight>> flights_;
  std::vector<Flight*> idle_;
  std::vector<Answered> notes_;
  std::size_t in_flight_ = 0;
  std::size_t wake_below_ = 0;  ///< The driver sleeps until fewer are in flight; 0: it does not sleep.
  Clock::time_point last_answer_;
  Tally tally_;
};

}  // namespace kontor::cmd

#include "cmd/kontor/load/driver.hpp"

#include <algorithm>
#include <cassert>
#include <thread>

#include <sys/prctl.h>

namespace kontor::cmd {
namespace {

constexpr std::chrono::milliseconds kPulseEvery{100};

/// Small enough that the engine starts on the first requests while the rest is made, large enough that a submit call
/// costs little beside its requests.
constexpr std::size_t kBatchDefault = 256;

/// An open loop that slept for each checkout would spend its time falling asleep: what comes due meanwhile goes out
/// together, and latency counts from when each was due.
constexpr std::chrono::microseconds kSleepMin{50};

}  // namespace

std::uint64_t Tally::aborted_total() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : aborted) sum += count;
  return sum;
}

Driver::Driver(const Workload& workload, DriveOptions options, Submit submit)
    : workload_(workload), options_(options), submit_(std::move(submit)) {
  requests_.resize(options_.batch_max > 0 ? options_.batch_max : kBatchDefault);
}

Tally Driver::run(const OnPulse& on_pulse, const std::atomic<bool>& stop) {
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // Nanoseconds; the default of 50 us would be in every latency of the open loop.
  start_ = last_answer_ = Clock::now();
  end_ = start_ + options_.duration;
  next_pulse_ = start_ + kPulseEvery;
  if (options_.rate_per_s > 0)
    run_open(on_pulse, stop);
  else
    run_closed(on_pulse, stop);
  while (await_below(1, next_pulse_) > 0) pulse(on_pulse, Clock::now());
  const std::lock_guard lock(mutex_);
  tally_.elapsed_s = std::chrono::duration<double>(last_answer_ - start_).count();
  return tally_;
}

bool Driver::over(Clock::time_point now, const std::atomic<bool>& stop) const {
  return now >= end_ || stop.load(std::memory_order_relaxed) ||
         (options_.checkouts_max > 0 && next_ >= options_.checkouts_max);
}

void Driver::run_closed(const OnPulse& on_pulse, const std::atomic<bool>& stop) {
  for (auto now = start_; !over(now, stop); now = Clock::now()) {
    pulse(on_pulse, now);
    const std::size_t in_flight = await_below(options_.outstanding, std::min(next_pulse_, end_));
    launch(options_.outstanding - std::min(in_flight, options_.outstanding));
  }
}

void Driver::run_open(const OnPulse& on_pulse, const std::atomic<bool>& stop) {
  for (auto now = start_; !over(now, stop); now = Clock::now()) {
    pulse(on_pulse, now);
    const auto elapsed_s = std::chrono::duration<double>(now - start_).count();
    const auto due_by_now = static_cast<std::uint64_t>(elapsed_s * options_.rate_per_s) + 1;
    if (due_by_now > next_) launch(due_by_now - next_);
    std::this_thread::sleep_until(std::min({std::max(due(next_), Clock::now() + kSleepMin), next_pulse_, end_}));
  }
}

Driver::Clock::time_point Driver::due(std::uint64_t n) const {
  const std::chrono::duration<double> after(static_cast<double>(n) / options_.rate_per_s);
  return start_ + std::chrono::duration_cast<Clock::duration>(after);
}

void Driver::launch(std::size_t count) {
  if (options_.checkouts_max > 0) count = std::min(count, options_.checkouts_max - next_);
  while (count > 0) {
    const std::size_t size = std::min(count, requests_.size());
    for (std::size_t i = 0; i < size; ++i) workload_.checkout(next_ + i, requests_[i]);
    Flight* flight = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (idle_.empty()) idle_.push_back(flights_.emplace_back(std::make_unique<Flight>()).get());
      flight = idle_.back();
      idle_.pop_back();
      in_flight_ += size;
      *flight = {next_, size, Clock::now()};
    }
    next_ += size;
    count -= size;
    submit_({requests_.data(), size}, [this, flight](auto outcomes) { on_outcomes(*flight, outcomes); });
  }
}

void Driver::on_outcomes(Flight& flight, std::span<const Outcome> outcomes) {
  const std::lock_guard lock(mutex_);
  last_answer_ = Clock::now();
  count(flight, outcomes);
  assert(outcomes.size() <= flight.unanswered && "an outcome came twice");
  flight.unanswered -= outcomes.size();
  in_flight_ -= outcomes.size();
  if (flight.unanswered == 0) idle_.push_back(&flight);
  if (in_flight_ >= wake_below_) return;
  wake_below_ = 0;
  answered_.notify_one();  // Under the lock: after the last answer `run` may return and take the driver with it.
}

void Driver::count(const Flight& flight, std::span<const Outcome> outcomes) {
  const bool open_loop = options_.rate_per_s > 0;
  const auto ns_since = [&](Clock::time_point then) {
    return static_cast<std::uint64_t>(std::max<Clock::rep>((last_answer_ - then).count(), 0));
  };
  std::uint64_t committed = 0;
  for (const Outcome& outcome : outcomes) {
    if (outcome.verdict == Verdict::aborted) ++tally_.aborted[static_cast<std::size_t>(outcome.error.code)];
    if (outcome.verdict == Verdict::unknown) ++tally_.unknown;
    if (outcome.verdict != Verdict::committed) continue;
    ++committed;
    tally_.replayed += outcome.replayed;
    const std::uint64_t n = flight.first + outcome.index;
    if (open_loop) tally_.latency.record(ns_since(due(n)));
    if (options_.answered_fd < 0) continue;
    const TransactionId& id = outcome.transaction;
    notes_.push_back({n, id.sequence, id.incarnation, id.shard, 0});
  }
  tally_.committed += committed;
  if (!open_loop) tally_.latency.record(ns_since(flight.submitted), committed);
  if (notes_.empty()) return;
  write_answered(options_.answered_fd, notes_);
  notes_.clear();
}

std::size_t Driver::await_below(std::size_t bound, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  if (in_flight_ < bound) return in_flight_;
  wake_below_ = bound;
  answered_.wait_until(lock, until, [&] { return in_flight_ < bound; });
  wake_below_ = 0;
  return in_flight_;
}

void Driver::pulse(const OnPulse& on_pulse, Clock::time_point now) {
  if (now < next_pulse_) return;
  next_pulse_ = now + kPulseEvery;
  if (!on_pulse) return;
  Pulse pulse;
  {
    const std::lock_guard lock(mutex_);
    pulse = {std::chrono::duration<double>(now - start_).count(), tally_.committed, tally_.answered(), in_flight_};
  }
  on_pulse(pulse);
}

}  // namespace kontor::cmd

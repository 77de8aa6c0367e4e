#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "actors/engine.hpp"

namespace kontor::tests {

/// Stands in for an engine: a thread of its own answers what was submitted, in order, as it is told.
class EngineDouble {
 public:
  /// Decides the outcome of one request; on the double's thread. It may sleep.
  using Answer = std::function<Outcome(const Request&)>;

  explicit EngineDouble(Answer answer) : answer_(std::move(answer)), thread_([this] { run(); }) {}
  EngineDouble(const EngineDouble&) = delete;
  EngineDouble& operator=(const EngineDouble&) = delete;
  ~EngineDouble() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  auto submit() {
    return [this](std::span<const Request> requests, OnOutcomes then) {
      const std::lock_guard lock(mutex_);
      unanswered_ += requests.size();
      unanswered_max = std::max(unanswered_max, unanswered_);
      submitted += requests.size();
      queue_.push_back({{requests.begin(), requests.end()}, std::move(then)});
      wake_.notify_one();
    };
  }

  std::size_t submitted = 0, unanswered_max = 0;  ///< Read when nothing is in flight.

  static Outcome committed(std::uint64_t sequence) {
    return {.index = 0, .verdict = Verdict::committed, .replayed = false, .transaction = {0, 1, sequence}, .error = {}};
  }
  static Outcome aborted(Errc code) {
    return {.index = 0, .verdict = Verdict::aborted, .replayed = false, .transaction = {}, .error = {code, ""}};
  }

 private:
  struct Submitted {
    std::vector<Request> requests;
    OnOutcomes then;
  };

  void run() {
    for (;;) {
      std::vector<Submitted> batch;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        batch = std::exchange(queue_, {});
      }
      for (const Submitted& submitted_now : batch) answer(submitted_now);
    }
  }

  /// In two parts where there are several, as an engine may.
  void answer(const Submitted& submitted_now) {
    std::vector<Outcome> outcomes;
    for (std::uint32_t i = 0; i < submitted_now.requests.size(); ++i) {
      outcomes.push_back(answer_(submitted_now.requests[i]));
      outcomes.back().index = i;
    }
    {
      const std::lock_guard lock(mutex_);
      unanswered_ -= outcomes.size();
    }
    const std::span all(outcomes);
    const std::size_t half = all.size() / 2;
    if (half > 0) submitted_now.then(all.first(half));
    submitted_now.then(all.subspan(half));
  }

  const Answer answer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Submitted> queue_;
  std::size_t unanswered_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kontor::tests

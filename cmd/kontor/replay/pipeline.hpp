#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "actors/engine.hpp"
#include "cmd/kontor/replay/step.hpp"

/// Keeps many steps under way at once and each behind those that it needs (step.hpp has the rule and its proof).
namespace kontor::cmd::replay {

struct PipelineOptions {
  std::size_t steps_max = 8'192;    ///< Added and not finished: bounds memory, and what a crash leaves half way.
  std::size_t batch_steps = 512;    ///< Ready ones are sent at the latest when they are this many.
  std::uint32_t attempts_max = 14;  ///< Of one step: about four seconds in all.
};

/// What an outcome that is not `committed` asks of the replay.
enum class NextMove : std::uint8_t {
  give_up,
  try_again,
  /// By the books there is enough, so something is in the way that will pass: a repeat of an earlier request claims
  /// money and stock anew until the home of its key has said what it is.
  wait_a_moment,
  stop,
};
NextMove next_move(Errc code);

/// How the pipeline reaches the engine: Engine::submit, or a stand-in.
using Submit = std::function<void(std::span<const Request>, OnOutcomes)>;
/// Called on the caller's thread, once for each step that ended: `Errc::none` when it is durable.
using OnFinished = std::function<void(const Step& step, Errc code)>;

class Pipeline {
 public:
  /// `orders`: how many there may be, by Step::order.
  Pipeline(PipelineOptions options, std::size_t orders, Submit submit, OnFinished on_finished);

  /// Takes steps in the order of the file; waits while there are too many. One thread only, as all members.
  void add(Step step);
  /// Waits until every step ended, or the replay stopped.
  void finish();
  /// Why nothing more is sent: storage_full, shutting_down. What is under way still gets its answer in `finish`.
  const std::optional<Error>& stopped() const { return stopped_; }
  /// Makes it so.
  void stop(Error reason) { stopped_ = reason; }

 private:
  using StepNumber = std::uint64_t;
  using Clock = std::chrono::steady_clock;

  struct Slot {
    Step step;
    std::vector<StepNumber> waiting;  ///< Steps that need this one.
    std::uint32_t needs = 0;          ///< Steps that are not finished.
    std::uint32_t attempts = 0;
    bool finished = false;
  };
  /// Unfinished steps that others may have to wait for.
  struct Unfinished {
    std::vector<StepNumber> creators, givers;
  };
  struct Answer {
    StepNumber number = 0;
    Outcome outcome;
  };
  /// Outlives the pipeline when an answer comes late.
  struct Inbox {
    std::mutex mutex;
    std::condition_variable arrived;
    std::vector<Answer> answers;
  };
  struct Retry {
    Clock::time_point due;
    StepNumber number = 0;
  };

  Slot& slot(StepNumber number) { return slots_[number - first_]; }
  void enrol(StepNumber number);
  void wait_for(const std::vector<StepNumber>& needed, StepNumber number);
  void make_ready(StepNumber number);
  void send_ready();
  void pump();
  std::vector<Answer> await_answers();
  void take(const Answer& answer);
  void retry_due();
  void end(StepNumber number, Errc code);
  void leave(const Touch& touch, StepNumber number);

  const PipelineOptions options_;
  const Submit submit_;
  const OnFinished on_finished_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::deque<Slot> slots_;  ///< Of steps first_, first_ + 1, …; finished ones leave at the front.
  StepNumber first_ = 0;
  std::size_t under_way_ = 0;  ///< Sent and not answered.
  std::vector<StepNumber> ready_;
  std::vector<Retry> retries_;
  std::vector<Request> batch_;
  boost::unordered_flat_map<Object, Unfinished> unfinished_;
  std::vector<OrderId> orders_;
  std::vector<Errc> order_faults_;
  bool lost_patience_ = false;  ///< A moment's wait was not enough for one step: the books are not the engine's.
  std::optional<Error> stopped_;
};

}  // namespace kontor::cmd::replay

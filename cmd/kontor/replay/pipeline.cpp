#include "cmd/kontor/replay/pipeline.hpp"

#include <algorithm>
#include <cassert>

namespace kontor::cmd::replay {
namespace {

std::chrono::milliseconds retry_delay(std::uint32_t attempts) {
  constexpr std::uint32_t kDoublingsMax = 9;
  return std::chrono::milliseconds(1u << std::min(attempts, kDoublingsMax));
}

}  // namespace

NextMove next_move(Errc code) {
  switch (code) {
    case Errc::storage_full:
    case Errc::shutting_down: return NextMove::stop;
    case Errc::unknown_account:
    case Errc::unknown_sku:
    case Errc::unknown_order:
    case Errc::insufficient_funds:
    case Errc::out_of_stock: return NextMove::wait_a_moment;
    default: break;
  }
  const Advice what = advice(code);
  const bool again = what == Advice::retry_same_request || what == Advice::ask_for_outcome;
  return again ? NextMove::try_again : NextMove::give_up;
}

Pipeline::Pipeline(PipelineOptions options, std::size_t orders, Submit submit, OnFinished on_finished)
    : options_(options),
      submit_(std::move(submit)),
      on_finished_(std::move(on_finished)),
      orders_(orders),
      order_faults_(orders, Errc::none) {}

void Pipeline::add(Step step) {
  while (slots_.size() >= options_.steps_max && !stopped_) pump();
  if (stopped_) return;
  const StepNumber number = first_ + slots_.size();
  slots_.emplace_back().step = std::move(step);
  enrol(number);
  if (slot(number).needs == 0) make_ready(number);
  if (ready_.size() >= options_.batch_steps) send_ready();
}

void Pipeline::finish() {
  while (under_way_ > 0 || (!slots_.empty() && !stopped_)) pump();
}

/// Counts whom step `number` waits for, then lists it for those that come after it.
void Pipeline::enrol(StepNumber number) {
  for (const Touch& touch : slot(number).step.touches) {
    if (touch.role == Role::names || touch.role == Role::gives) {
      const auto at = unfinished_.find(touch.object);
      if (at != unfinished_.end()) wait_for(at->second.creators, number);
      if (touch.role == Role::gives) unfinished_[touch.object].givers.push_back(number);
      continue;
    }
    if (touch.role == Role::creates) {
      unfinished_[touch.object].creators.push_back(number);
      continue;
    }
    const auto at = unfinished_.find(touch.object);
    if (at != unfinished_.end()) {
      wait_for(at->second.creators, number);
      wait_for(at->second.givers, number);
    }
    if (touch.role == Role::amends) unfinished_[touch.object].givers.push_back(number);
  }
}

void Pipeline::wait_for(const std::vector<StepNumber>& needed, StepNumber number) {
  for (const StepNumber before : needed) {
    assert(before < number);
    slot(before).waiting.push_back(number);  // Twice when two objects say so; it is counted off twice, too.
    ++slot(number).needs;
  }
}

void Pipeline::make_ready(StepNumber number) {
  Step& step = slot(number).step;
  if (auto* refund = std::get_if<Refund>(&step.request.operation)) {
    if (!orders_[step.order]) return end(number, order_faults_[step.order]);
    refund->order = orders_[step.order];
  }
  ready_.push_back(number);
}

void Pipeline::send_ready() {
  if (ready_.empty() || stopped_) return;
  batch_.clear();
  for (const StepNumber number : ready_) batch_.push_back(slot(number).step.request);
  under_way_ += ready_.size();
  auto numbers = std::make_shared<const std::vector<StepNumber>>(std::move(ready_));
  ready_.clear();
  submit_(batch_, [inbox = inbox_, numbers](std::span<const Outcome> outcomes) {
    const std::lock_guard lock(inbox->mutex);
    for (const Outcome& outcome : outcomes) inbox->answers.push_back({(*numbers)[outcome.index], outcome});
    inbox->arrived.notify_one();
  });
}

/// Sends what can be sent, waits for answers, and takes them in.
void Pipeline::pump() {
  send_ready();
  for (const Answer& answer : await_answers()) take(answer);
  retry_due();
  while (!slots_.empty() && slots_.front().finished) {
    slots_.pop_front();
    ++first_;
  }
}

std::vector<Pipeline::Answer> Pipeline::await_answers() {
  const auto has_answers = [&] { return !inbox_->answers.empty(); };
  std::unique_lock lock(inbox_->mutex);
  if (retries_.empty()) {
    if (under_way_ > 0) inbox_->arrived.wait(lock, has_answers);
  } else {
    const auto soonest = std::min_element(retries_.begin(), retries_.end(),
                                          [](const Retry& a, const Retry& b) { return a.due < b.due; });
    inbox_->arrived.wait_until(lock, soonest->due, has_answers);
  }
  return std::exchange(inbox_->answers, {});
}

void Pipeline::take(const Answer& answer) {
  --under_way_;
  Slot& done = slot(answer.number);
  const Outcome& outcome = answer.outcome;
  if (outcome.verdict == Verdict::committed) {
    const bool places_order = std::holds_alternative<Checkout>(done.step.request.operation);
    if (places_order) orders_[done.step.order] = outcome.transaction;
    return end(answer.number, Errc::none);
  }
  const bool unnamed = outcome.error.code == Errc::none;  // An unknown verdict without a reason is still unknown.
  const Errc code = unnamed ? Errc::outcome_unknown : outcome.error.code;
  const NextMove move = next_move(code);
  if (move == NextMove::stop) {
    stopped_ = Error{code, outcome.error.detail};
    return;
  }
  const bool again = move == NextMove::try_again || (move == NextMove::wait_a_moment && !lost_patience_);
  if (again && ++done.attempts < options_.attempts_max) {
    retries_.push_back({Clock::now() + retry_delay(done.attempts), answer.number});
    return;
  }
  lost_patience_ = lost_patience_ || move == NextMove::wait_a_moment;
  end(answer.number, code);
}

void Pipeline::retry_due() {
  const auto now = Clock::now();
  const auto waiting = std::partition(retries_.begin(), retries_.end(), [&](const Retry& r) { return r.due > now; });
  for (auto retry = waiting; retry != retries_.end(); ++retry) ready_.push_back(retry->number);
  retries_.erase(waiting, retries_.end());
}

void Pipeline::end(StepNumber number, Errc code) {
  Slot& ended = slot(number);
  ended.finished = true;
  const bool places_order = std::holds_alternative<Checkout>(ended.step.request.operation);
  if (places_order) order_faults_[ended.step.order] = code;
  for (const Touch& touch : ended.step.touches) leave(touch, number);
  on_finished_(ended.step, code);
  ended.step = Step{};  // A slot stays until all before it are finished; its lines need not.
  for (const StepNumber next : std::exchange(ended.waiting, {}))
    if (--slot(next).needs == 0) make_ready(next);
}

void Pipeline::leave(const Touch& touch, StepNumber number) {
  const auto at = unfinished_.find(touch.object);
  if (at == unfinished_.end()) return;
  for (auto* numbers : {&at->second.creators, &at->second.givers}) {
    const auto own = std::find(numbers->begin(), numbers->end(), number);
    if (own == numbers->end()) continue;
    *own = numbers->back();
    numbers->pop_back();
  }
  if (at->second.creators.empty() && at->second.givers.empty()) unfinished_.erase(at);
}

}  // namespace kontor::cmd::replay

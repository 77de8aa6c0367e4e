#include "tests/cmd/chaotic_engine.hpp"

#include <algorithm>

namespace kontor::tests {
namespace {

/// Checkouts of a replay name every price.
struct NoPrices final : PriceList {
  const ListedPrice* find(const Sku&) const override { return nullptr; }
};

template <class Resource, class Claim>
void commit(Resource& resource, const Claim& claim) {
  for (const auto& posting : claim.postings) {
    resource.hold(posting);
    resource.settle(posting, true);
  }
  if (!claim.creation) return;
  resource.hold_creation(*claim.creation);
  resource.settle_creation(*claim.creation, true);
}

}  // namespace

ChaoticEngine::~ChaoticEngine() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  arrived_.notify_one();
  worker_.join();
}

void ChaoticEngine::submit(std::span<const Request> requests, OnOutcomes on_outcomes) {
  const auto shared = std::make_shared<OnOutcomes>(std::move(on_outcomes));
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = 0; i < requests.size(); ++i) pending_.push_back({requests[i], i, shared});
  pending_max_ = std::max(pending_max_.load(), pending_.size());
  arrived_.notify_one();
}

void ChaoticEngine::stop_after(std::uint64_t effects, Errc code) {
  const std::lock_guard lock(mutex_);
  effects_max_ = effects_ + effects;
  stop_code_ = code;
}

void ChaoticEngine::go_on() { stop_after(~std::uint64_t{0} - effects_, Errc::none); }

void ChaoticEngine::hesitate(unsigned percent, Errc code) {
  const std::lock_guard lock(mutex_);
  hesitation_percent_ = percent;
  hesitation_ = code;
}

void ChaoticEngine::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return closing_ || !pending_.empty(); });
    if (pending_.empty()) return;
    std::swap(pending_[random_() % pending_.size()], pending_.back());
    Pending next = std::move(pending_.back());
    pending_.pop_back();
    const Outcome outcome = answer(next);
    lock.unlock();
    (*next.on_outcomes)({&outcome, 1});
  }
}

Outcome ChaoticEngine::answer(Pending& pending) {
  Outcome outcome;
  outcome.index = pending.index;
  outcome.verdict = Verdict::aborted;
  const auto done = keys_.find(pending.request.key);
  if (done == keys_.end() && random_() % 100 < hesitation_percent_) {
    outcome.error = Error{hesitation_};
    if (hesitation_ == Errc::outcome_unknown) outcome.verdict = Verdict::unknown;
    return outcome;
  }
  if (effects_ >= effects_max_) {
    outcome.error = Error{stop_code_};
    return outcome;
  }
  const auto happened = happen(pending.request);
  if (!happened) {
    outcome.error = happened.error();
    return outcome;
  }
  outcome.verdict = Verdict::committed;
  outcome.transaction = *happened;
  outcome.replayed = done != keys_.end();
  return outcome;
}

Result<TransactionId> ChaoticEngine::happen(const Request& request) {
  const std::uint64_t print = fingerprint(request.operation);
  if (const auto done = keys_.find(request.key); done != keys_.end()) {
    ++replays_;
    if (done->second.fingerprint != print) return Error{Errc::idempotency_key_reused, "key"};
    return done->second.transaction;
  }
  Plan plan;
  if (const auto planned = make_plan(request.operation, plan); !planned) return planned.error();
  const auto money = ledger_.decide(plan.payments);
  if (!money) return money.error();
  const auto goods = inventory_.decide(plan.stocks);
  if (!goods) return goods.error();
  commit(ledger_, *money);
  commit(inventory_, *goods);
  const TransactionId transaction{0, 1, ++effects_};
  record(request.operation, plan, transaction);
  keys_[request.key] = {transaction, print};
  return transaction;
}

Result<void> ChaoticEngine::make_plan(const Operation& operation, Plan& plan) {
  const auto* refund = std::get_if<Refund>(&operation);
  if (!refund) return kontor::plan(operation, NoPrices{}, plan);
  const auto order = orders_.find(refund->order);
  if (order == orders_.end()) return Error{Errc::unknown_order, "order"};
  return plan_amendment(operation, order->second, plan);
}

void ChaoticEngine::record(const Operation& operation, const Plan& plan, const TransactionId& transaction) {
  if (const auto* checkout = std::get_if<Checkout>(&operation))
    orders_[transaction] = Order{transaction, *checkout, placed(*checkout)};
  const auto* refund = std::get_if<Refund>(&operation);
  if (!refund) return;
  std::vector<Amendment> amendments;
  for (const OrderDemand& demand : plan.amendments) amendments.push_back({demand.action, demand.line, demand.quantity});
  amend(orders_[refund->order].progress, amendments);
}

}  // namespace kontor::tests

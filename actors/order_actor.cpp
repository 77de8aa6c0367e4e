#include "actors/intake.hpp"
#include "actors/participant_actors.hpp"
#include "actors/participant_behavior.hpp"
#include "domain/placement.hpp"

namespace kontor::actors {
namespace {

struct State : ParticipantState<OrderParticipant> {
  State() = default;
  std::shared_ptr<std::atomic<std::size_t>> expiring;  ///< Of the last sweep: not released yet.
  std::int64_t swept_at_ns = 0;
};
static_assert(!std::is_aggregate_v<State>);

/// Plans amendments against the orders as they are now and hands them to the coordinators of their keys.
void amend(OrderActor::stateful_pointer<State> self, const Amend::List& list) {
  const Site& site = self->state.site;
  const std::int64_t now_ns = site.fabric->now_ns();
  Intake intake(site.fabric->size(), list.requests.size(), site.fabric->protocol, now_ns,
                site.fabric->deadline_from(now_ns));
  std::vector<Outcome> refused;
  for (std::size_t i = 0; i < list.requests.size(); ++i) {
    const Request& request = list.requests[i];
    const OrderId* order = order_amended(request.operation);
    assert(order);
    // Only now is it known how long it is.
    const ShardId home = home_of(request.key, site.fabric->size());
    Fabric::Shard& at = site.fabric->shards[home];
    if (at.open_bytes + intake.bytes(home) >= site.fabric->open_bytes_max) {
      --at.open_transactions;
      refused.push_back({list.indexes[i], Verdict::aborted, false, {}, {Errc::overloaded, "open bytes"}});
      continue;
    }
    intake.amend(request, list.indexes[i], self->state.participant->order(*order));
  }
  for (ShardId home = 0; home < site.fabric->size(); ++home) {
    auto submission = intake.take(home);
    if (!submission) continue;
    submission->on_outcomes = list.on_outcomes;
    site.fabric->shards[home].open_bytes += submission->bytes;
    self->send(site.fabric->shards[home].coordinator, Submit{std::move(submission)});
  }
  if (refused.empty()) return;
  site.fabric->totals.aborted += refused.size();
  site.fabric->totals.count_codes(refused);
  list.on_outcomes(refused);
}

/// At most one effect, whoever asks and however often.
IdempotencyKey expiry_key(const OrderId& order) {
  return IdempotencyKey::unchecked("expiry/" + reservation_text(order));
}

/// Asks for the release of what has expired, again while it is there: some of the last sweep may have been refused, or
/// have met a shard that was not; these are asked for again after kSweepPatience. A timer may only ask.
void sweep(OrderActor::stateful_pointer<State> self) {
  State& state = self->state;
  const std::int64_t now_ns = state.site.fabric->now_ns();
  const bool patient =
      now_ns >= state.swept_at_ns && now_ns - state.swept_at_ns < std::chrono::nanoseconds(kSweepPatience).count();
  if (state.expiring && *state.expiring != 0 && patient) return;
  if (const auto& full = state.site.fabric->storage_full; full && full()) return;
  Amend::List list;
  for (const OrderId& order : state.participant->due(now_ns)) {
    list.indexes.push_back(static_cast<std::uint32_t>(list.requests.size()));
    list.requests.push_back({expiry_key(order), Release{order, ReleaseReason::expired}});
    ++state.site.fabric->shards[home_of(list.requests.back().key, state.site.fabric->size())].open_transactions;
  }
  if (list.requests.empty()) return;
  state.swept_at_ns = now_ns;
  state.expiring = std::make_shared<std::atomic<std::size_t>>(list.requests.size());
  state.site.fabric->totals.submitted += list.requests.size();
  list.on_outcomes = [expiring = state.expiring](std::span<const Outcome> told) {
    for (const Outcome& outcome : told)
      if (outcome.verdict == Verdict::committed) --*expiring;
  };
  amend(self, list);
}

OrderActor::behavior_type order(OrderActor::stateful_pointer<State> self, Site site,
                                std::shared_ptr<std::unique_ptr<OrderParticipant>> participant) {
  self->state.site = site;
  self->state.participant = std::move(*participant);
  return {
      [=](const Prepare& message) { on_prepare(self, message); },
      [=](const Decide& message) { self->state.participant->decide(*message.list); },
      [=](Slice) { on_slice(self, commit::Role::order); },
      [=](const Amend& message) { amend(self, *message.list); },
      [=](Capture) { on_capture(self); },
      [=](Sweep) { sweep(self); },
      [=](const ReadOrder& message) {
        answer_durably(site, message.answer, self->state.participant->order(message.order));
      },
      [=](const ReadTransaction& message) {
        answer_durably(site, message.answer, self->state.participant->transaction(message.transaction));
      },
      [=](const ReadEvents& message) {  // Decided is durable.
        message.answer(self->state.participant->events(persistence::Locator{message.after}, message.most));
      },
  };
}

}  // namespace

OrderActor spawn_order(caf::actor_system& system, Site site, std::unique_ptr<OrderParticipant> participant) {
  // CAF copies the arguments of a behaviour, so what can only be moved travels in a shared box.
  return system.spawn(order, site, std::make_shared<std::unique_ptr<OrderParticipant>>(std::move(participant)));
}

}  // namespace kontor::actors

#include <algorithm>

#include "actors/coordinator_state.hpp"
#include "persistence/record_codec.hpp"
#include "persistence/table_codec.hpp"

namespace kontor::actors {

using persistence::RecordKind;
using persistence::Stream;
using persistence::Table;

void CoordinatorState::start(Self self, Site site, CoordinatorOptions options, const CoordinatorStart& start) {
  self_ = self;
  site_ = site;
  options_ = std::move(options);
  machine_.emplace(site.shard, start.incarnation, 1);
  for (const auto& [transaction, sites] : start.unacknowledged) machine_->await_acknowledgements(transaction, sites);
  quorum_.emplace(site.shard, [this](const TransactionId& transaction) { return known(transaction); });
  for (const auto& [transaction, stance] : start.stances) quorum_->restore(transaction, stance);
  for (const auto& [unused, transaction] : start.high_water) foreign_.raise_high_water(transaction);
  for (const auto& [transaction, voters, since_ns] : start.in_doubt) {
    foreign_.prepared(transaction, voters);
    if (since_ns != 0) doubted_since_ns_.emplace(transaction, since_ns);
  }
  durable_ = told_ = start.durable;
  opened_ = start.durable + 1;
  own_doubts_ = quorum_->own_doubts().size();
  show_doubts();
  show_oldest_doubt(site_.fabric->now_ns());
  // What recovery left unanswered is asked about at once.
  for (const auto& [transaction, sites] : machine_->unacknowledged()) stale_commits_.insert(transaction);
  release_refused();
  for (const TransactionId& transaction : foreign_.in_doubt()) stale_doubts_.insert(transaction);
  self_->delayed_send(self_, kTickEvery, Tick{});
}

/// A crash may keep the record of this site's no, and lose the next one, of which its promises would have ended; and
/// which alone says, when the no is forgotten, that a prepare which comes then is late.
void CoordinatorState::release_refused() {
  const auto release = [this](const TransactionId& transaction) {
    const commit::Decision abort{transaction, false};
    if (quorum_->over(transaction) && !quorum_->committed(transaction)) learn(transaction.shard, {&abort, 1}, false);
  };
  for (const TransactionId& transaction : foreign_.in_doubt()) release(transaction);
  for (const auto& [transaction, stance] : quorum_->stances())
    if (transaction.shard != site_.shard && (stance.voters & commit::site_bit(site_.shard)) != 0 && !stance.voted &&
        !foreign_.seen(transaction))
      release(transaction);
}

/// For whoever asks how many are in doubt.
void CoordinatorState::show_doubts() { site_.self().in_doubt = foreign_.open() + own_doubts_; }

void CoordinatorState::on_tick() {
  self_->delayed_send(self_, kTickEvery, Tick{});
  if (!site_.fabric->complete) return;
  const std::int64_t now_ns = site_.fabric->now_ns();
  std::vector<commit::Coordinator::Made> made;
  machine_->expire(now_ns, made);
  journal_decisions(std::move(made));
  commit::Effects effects;
  quorum_->tick(effects);
  act(effects);
  own_doubts_ = quorum_->own_doubts().size();
  show_doubts();
  if (site_.self().reservations != 0) self_->send(site_.self().order, Sweep{});
  expire_resolving();
  const auto& resend_after = site_.fabric->resend_after;
  const std::int64_t resend_after_ns =
      (resend_after ? resend_after() : std::chrono::nanoseconds(kResendAfterMin)).count();
  resend_on_new_road();
  if (resent_at_ns_ != 0 && now_ns - resent_at_ns_ < resend_after_ns && now_ns >= resent_at_ns_) return;
  resent_at_ns_ = now_ns;
  show_oldest_doubt(now_ns);
  resend(false);
}

/// What was said before may be lost. It goes ahead of what is said next: a prepare that comes after a later one is
/// late.
void CoordinatorState::resend_on_new_road() {
  const std::uint64_t roads = site_.fabric->roads;
  if (std::exchange(roads_, roads) == roads) return;
  resent_at_ns_ = site_.fabric->now_ns();
  show_oldest_doubt(resent_at_ns_);
  resend(true);
}

/// The question or its answer was lost: a site that has voted says so again.
void CoordinatorState::resend_prepares(bool all) {
  std::set<std::uint64_t> unanswered;
  for (const InFlight& flight : in_flight_) {
    const std::uint64_t awaited = machine_->awaited(flight.batch->first, flight.batch->count);
    if ((awaited & ~commit::site_bit(site_.shard)) == 0) continue;
    unanswered.insert(flight.batch->first);
    if (!all && !stale_prepares_.contains(flight.batch->first)) continue;
    for (ShardId shard = 0; shard < site_.fabric->size(); ++shard)
      if (shard != site_.shard && (awaited >> shard & 1) != 0)
        self_->send(site_.fabric->shards[shard].coordinator, Prepare{flight.batch});
  }
  stale_prepares_ = std::move(unanswered);
}

/// Sends again what was unanswered at the last look and still is, or all that is unanswered: prepares to sites that
/// have not voted, commits to sites that owe an acknowledgement, and inquiries about transactions in doubt. A timer may
/// only ask.
void CoordinatorState::resend(bool all) {
  resend_prepares(all);
  std::map<ShardId, std::vector<commit::Decision>> commits;
  std::set<TransactionId> unanswered;
  for (const auto& [transaction, sites] : machine_->unacknowledged()) {
    unanswered.insert(transaction);
    if ((!all && !stale_commits_.contains(transaction)) || undurable(transaction)) continue;
    for (ShardId shard = 0; shard < site_.fabric->size(); ++shard)
      if (sites >> shard & 1) commits[shard].push_back({transaction, true});
  }
  stale_commits_ = std::move(unanswered);
  for (auto& [shard, decisions] : commits)
    self_->send(site_.fabric->shards[shard].coordinator,
                Decisions{site_.shard, std::make_shared<const std::vector<commit::Decision>>(std::move(decisions))});

  std::map<ShardId, std::vector<TransactionId>> doubts;
  std::set<TransactionId> in_doubt;
  for (const TransactionId& transaction : foreign_.in_doubt()) {
    if (quorum_->knows(transaction)) continue;  // Ended by an election, not by asking its coordinator.
    in_doubt.insert(transaction);
    if (all || stale_doubts_.contains(transaction)) doubts[transaction.shard].push_back(transaction);
  }
  stale_doubts_ = std::move(in_doubt);
  for (auto& [shard, transactions] : doubts)
    self_->send(site_.fabric->shards[shard].coordinator,
                Inquire{site_.shard, std::make_shared<const std::vector<TransactionId>>(std::move(transactions))});
}

void CoordinatorState::on_checkpoint(std::shared_ptr<std::function<void()>> done) {
  if (checkpointing_) {
    if (done) next_waiting_.push_back(std::move(done));  // The running one began before this was asked for.
    return;
  }
  if (done) waiting_.push_back(std::move(done));
  begin_checkpoint();
}

/// Participants first. What they do not have in by then is decided above `told_`: from there on their replay needs this
/// coordinator's journal.
void CoordinatorState::begin_checkpoint() {
  checkpointing_ = true;
  captured_ = 0;
  replay_from_ = told_ + 1;
  stances_at_checkpoint_ = quorum_->stances();
  bytes_at_checkpoint_ = options_.journal_bytes();
  const Fabric::Shard& own = site_.self();
  self_->send(own.order, Capture{});
  self_->send(own.inventory, Capture{});
  self_->send(own.payment, Capture{});
}

void CoordinatorState::on_captured(commit::Role role) {
  captured_ = static_cast<commit::Roles>(captured_ | role_bit(role));
  constexpr unsigned kAll =
      role_bit(commit::Role::order) | role_bit(commit::Role::inventory) | role_bit(commit::Role::payment);
  if (captured_ == kAll) finish_checkpoint();
}

void CoordinatorState::finish_checkpoint() {
  persistence::CoordinatorCheckpoint checkpoint;
  checkpoint.replay_from = replay_from_;
  checkpoint.incarnation = machine_->incarnation();
  for (const auto& [transaction, sites] : machine_->unacknowledged()) {
    // A commit decided and not yet durable is found again by replay: its record is above replay_from.
    if (!undurable(transaction)) checkpoint.unacknowledged.emplace_back(transaction, sites);
  }
  checkpoint.high_water = foreign_.high_water();
  note_still_asked();
  std::map<TransactionId, commit::Stance> stances(stances_at_checkpoint_.begin(), stances_at_checkpoint_.end());
  for (const auto& [transaction, stance] : quorum_->stances()) stances[transaction] = stance;
  checkpoint.stances.assign(stances.begin(), stances.end());
  site_.journal->put(Table::meta, persistence::checkpoint_key(Stream::coordinator), RecordKind::meta_checkpoint,
                     persistence::write_checkpoint(checkpoint));
  site_.journal->truncate(Stream::coordinator, replay_from_);
  auto waiting = std::exchange(waiting_, {});
  const auto self = caf::actor_cast<CoordinatorActor>(self_);
  site_.journal->after_durable([self, waiting = std::move(waiting)] {
    for (const auto& done : waiting) (*done)();
    caf::anon_send(self, CheckpointDone{});
  });
}

void CoordinatorState::on_checkpoint_done() {
  checkpointing_ = false;
  ++site_.fabric->totals.checkpoints;
  if (next_waiting_.empty()) return;
  waiting_ = std::exchange(next_waiting_, {});
  begin_checkpoint();
}

}  // namespace kontor::actors

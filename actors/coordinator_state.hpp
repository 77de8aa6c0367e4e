#pragma once
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "actors/coordinator_actor.hpp"
#include "domain/commit/ballot.hpp"
#include "domain/commit/coordinator.hpp"
#include "domain/commit/quorum.hpp"
#include "domain/commit/site.hpp"

namespace kontor::actors {

/// The coordinator of one shard: gathers, begins, decides and tells. It also speaks for its shard where another shard
/// coordinates: one vote per site, told only when durable. All rules are in domain/commit; here are the messages, the
/// journal and the answers, in the one order that is safe: append, wait until durable, tell.
class CoordinatorState {
 public:
  CoordinatorState() = default;
  using Self = CoordinatorActor::stateful_pointer<CoordinatorState>;

  void start(Self self, Site site, CoordinatorOptions options, const CoordinatorStart& start);

  // coordinator_own.cpp: own transactions.
  void on_submit(SubmissionPtr submission);
  void on_flush();
  void on_votes(const Votes& votes);
  void on_site_votes(const SiteVotes& votes);
  void on_durable(Position position);
  void on_acknowledge(const Acknowledge& message);
  void on_inquire(const Inquire& message);
  void on_give_up(std::promise<void>& done);

  // coordinator_foreign.cpp: transactions that another shard coordinates.
  void on_prepare(const Prepare& message);
  void on_decisions(const Decisions& message);

  // coordinator_quorum.cpp: three-phase commit.
  void on_notices(const Notices& message);

  // coordinator_doubts.cpp: what is in doubt, told and asked about on demand.
  void on_read_doubts(const ReadDoubts& message);
  void on_resolve_doubt(const ResolveDoubt& message);

  // coordinator_upkeep.cpp: deadlines, re-sending, checkpoints.
  void on_tick();
  void on_checkpoint(std::shared_ptr<std::function<void()>> done);
  void on_captured(commit::Role role);
  void on_checkpoint_done();

 private:
  /// A batch of own transactions that still has undecided ones.
  struct InFlight {
    BatchPtr batch;
    commit::Ballot ballot{0};
    std::uint32_t unanswered = 0;
    std::vector<bool> answered;
    std::int64_t decided_at_ns = 0;  ///< When the last decision on it was durable.
  };
  /// Something to be told once its record is durable.
  struct Pending {
    Position position = 0;
    std::int64_t decided_at_ns = 0;                 ///< When own decisions were made.
    std::vector<commit::Coordinator::Made> own;     ///< Own decisions: participants, sites and callers wait.
    std::vector<commit::Coordinator::Made> agreed;  ///< Own, ended by a quorum and among `learned`: callers wait.
    std::vector<commit::Decision> learned, early;   ///< Others' decisions: participants wait.
    std::map<ShardId, std::vector<TransactionId>> acknowledge;
    std::optional<SiteVotes> votes;  ///< To the coordinator of a foreign batch.
    std::vector<commit::Letter> letters;
  };
  /// A batch of another shard's coordinator that this site is voting on.
  struct ForeignBatch {
    commit::Ballot ballot{0};
    std::vector<commit::Decision> early;  ///< What was decided before the votes were complete.
    std::vector<TransactionId> late;      ///< Settled here before this prepare came; ascending.
    std::vector<TransactionId> open;      ///< Asked about again: each was voted on before.
    bool unasked = false;                 ///< Refused without asking the participants.
  };
  /// Somebody who waits for the end of a doubt.
  struct Resolving {
    TransactionId transaction;
    std::uint32_t ticks_left = 0;
    OnRead<bool> answer;
  };
  using ForeignKey = std::pair<TransactionId, std::uint32_t>;  ///< First transaction of a foreign batch, and its count.

  static commit::Roles roles_asked(const Batch& batch, ShardId shard);
  void send_prepare(const BatchPtr& batch, ShardId shard, commit::Roles roles);
  void begin_batch(std::vector<SubmissionPtr> submissions);
  void journal_decisions(std::vector<commit::Coordinator::Made> made);
  void tell(const Pending& pending);
  void tell_participants(const Pending& pending);
  void tell_quorum(const std::vector<commit::Letter>& letters);
  void act(const commit::Effects& effects);
  std::vector<commit::Coordinator::Made> agreed(std::span<const commit::Decision> decisions);
  void enlist_own(const Batch& batch, const std::vector<commit::Refusal>& refusals);
  std::vector<commit::Decision> enlist_foreign(const Batch& batch, const ForeignBatch& votes,
                                               std::vector<commit::Refusal>& refusals);
  std::vector<commit::Coordinator::Made> hand_to_quorum(std::vector<commit::Coordinator::Made> made);
  commit::Known known(const TransactionId& transaction);
  void confirm(std::span<const TransactionId> transactions);
  bool confirmed(const TransactionId& transaction) const;
  void tell_sites(const Pending& pending);
  void tell_callers(const std::vector<commit::Coordinator::Made>& made);
  void add_pending(Pending pending);
  void on_foreign_votes(const Votes& votes);
  void learn(ShardId coordinator, std::span<const commit::Decision> decisions, bool decided);
  std::vector<TransactionId> late_in(const Batch& batch) const;
  void refuse(const BatchPtr& batch, const Error& error);
  bool untold(const TransactionId& transaction) const;
  void bury(const std::vector<TransactionId>& late);
  std::vector<TransactionId> open_in(const Batch& batch) const;
  void add_ended(const Batch& batch, ForeignBatch& votes, std::vector<commit::Refusal>& refusals);
  ForeignBatch* voting_on(const TransactionId& transaction);
  std::deque<InFlight>::iterator flight_of(std::uint64_t sequence);
  InFlight* in_flight(std::uint64_t sequence);
  const Batch::Part& part_of(const Batch& batch, std::uint32_t index) const;
  Outcome outcome_of(const Batch::Part& part, std::uint32_t index, const commit::Coordinator::Made& made) const;
  void answer(const SubmissionPtr& submission, std::vector<Outcome>& outcomes);
  bool undurable(const TransactionId& transaction) const;
  void show_doubts();
  void show_oldest_doubt(std::int64_t now_ns);
  Doubt doubt_of(const TransactionId& transaction) const;
  Error why_not_now(const Doubt& doubt) const;
  void note_asked(const Batch& batch, const std::vector<TransactionId>& late);
  void note_still_asked();
  void write_asked(std::span<const persistence::Asked> asked, std::int64_t now_ns);
  void tell_resolving(std::span<const commit::Decision> decisions);
  void expire_resolving();
  void note_voted(const Batch& batch, bool decided);
  void note_durable(const Pending& pending);
  void note_answered(const std::vector<std::int64_t>& decided_at_ns);
  void release_refused();
  void resend(bool all);
  void resend_on_new_road();
  void resend_prepares(bool all);
  void begin_checkpoint();
  void finish_checkpoint();

  Self self_ = nullptr;
  Site site_;
  CoordinatorOptions options_;
  std::optional<commit::Coordinator> machine_;
  commit::Site foreign_;
  std::optional<commit::Quorum> quorum_;
  std::size_t own_doubts_ = 0;  ///< Own three-phase transactions in doubt, as of the last tick.
  /// Own transactions by sequence whose outcome is a quorum's to say; their callers wait.
  std::map<std::uint64_t, commit::Coordinator::Made> proposed_;

  std::vector<SubmissionPtr> gathered_;
  bool flush_sent_ = false;
  std::deque<InFlight> in_flight_;
  std::map<ForeignKey, ForeignBatch> ballots_;
  std::deque<Pending> pending_;  ///< Ascending by position.
  /// Durable commits by sequence whose callers wait until every site has them in: what is answered is seen by all.
  /// One for every checkout across shards that is under way: flat, because a tree's nodes cost more than all else here.
  boost::unordered_flat_map<std::uint64_t, commit::Coordinator::Made> unconfirmed_;
  /// Likewise: repeats of requests whose commit some site has yet to take in.
  std::map<TransactionId, std::vector<commit::Coordinator::Made>> replays_;
  Position durable_ = 0;
  Position opened_ = 0;  ///< Of the record that begins this life.
  Position told_ = 0;    ///< All decisions up to here were sent to the participants.

  // Checkpoint: participants first, then the coordinator, whose journal their replay needs.
  bool checkpointing_ = false;
  commit::Roles captured_ = 0;
  Position replay_from_ = 0;
  persistence::Stances stances_at_checkpoint_;  ///< As it began: replay starts before what has been forgotten since.
  std::uint64_t bytes_at_checkpoint_ = 0;
  std::vector<std::shared_ptr<std::function<void()>>> waiting_;
  std::vector<std::shared_ptr<std::function<void()>>> next_waiting_;

  // What was unanswered at the last look; sent again if it still is at the next.
  std::int64_t resent_at_ns_ = 0;
  std::uint64_t roads_ = 0;  ///< Of the fabric, at the last look.
  std::set<TransactionId> stale_commits_, stale_doubts_;
  std::map<TransactionId, std::int64_t> doubted_since_ns_;  ///< What is in doubt: when that was first noticed.
  std::vector<Resolving> resolving_;                        ///< Up to kResolvingMax.
  std::set<std::uint64_t> stale_prepares_;                  ///< First sequences of own batches.
};

}  // namespace kontor::actors

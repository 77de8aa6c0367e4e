#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "domain/commit/stance.hpp"
#include "domain/commit/vote.hpp"

/// Three-phase commit with quorum termination, at one site: as voter, witness, coordinator and, when the coordinator
/// seems gone, as leader of an election. Pure: time comes as ticks, and suspicion may be wrong; safety never depends on
/// either. The rules, and why they hold: ARCHITECTURE.md, "Commit protocols".
namespace kontor::commit {

/// One message about one transaction.
struct Notice {
  enum class Kind : std::uint8_t {
    vote,         ///< Voter -> collectors (optimised): yes, durably.
    propose,      ///< Leader -> sites: take on `phase` (pre_committed or pre_aborted).
    accept,       ///< Site -> leader: taken on, durably.
    ask,          ///< Leader -> sites: adopt `number`, and say where you stand.
    report,       ///< Site -> leader: `phase` and `attempt`; `number` is adopted durably.
    refuse,       ///< Site -> leader: I know of the higher `number`.
    decide,       ///< Leader -> sites: `phase` is the outcome.
    acknowledge,  ///< Site -> coordinator: the outcome is durable here.
    forget,       ///< Coordinator -> sites, or any voter -> a witness that asks: it is over everywhere.
  };
  Kind kind = Kind::vote;
  TransactionId transaction;
  Protocol protocol = Protocol::three_phase;
  std::uint64_t sites = 0, voters = 0;
  Election number;
  Phase phase = Phase::waiting;
  Election attempt;
};
std::string_view to_string(Notice::Kind kind);

struct Letter {
  ShardId to = 0;  ///< May be the sender itself: it hears itself only when what it says is durable.
  Notice notice;
};

/// What a step of the machine asks of its shell, for any number of transactions.
struct Effects {
  std::vector<std::pair<TransactionId, Stance>> forced;  ///< Write these.
  std::vector<Decision> decided;                         ///< Write these too; own participants hear them when durable.
  std::vector<TransactionId> confirmed;                  ///< Own commits that every voter has in.
  std::vector<TransactionId> forgotten;                  ///< Write these some time.
  std::vector<Letter> now;    ///< Send when all that was written before this step is durable.
  std::vector<Letter> after;  ///< Send when all of this step is durable as well.
  bool empty() const {
    return forced.empty() && decided.empty() && confirmed.empty() && forgotten.empty() && now.empty() && after.empty();
  }
};

/// What the rest of the shard knows about a transaction for which there is no stance.
enum class Known : std::uint8_t {
  never,   ///< Not heard of: it has not voted.
  voting,  ///< Own transaction, votes are still awaited.
  over,    ///< Refused, aborted by its coordinator alone, or finished and forgotten.
};

class Quorum {
 public:
  Quorum(ShardId self, std::function<Known(const TransactionId&)> known);

  /// From recovery or a checkpoint.
  void restore(const TransactionId& transaction, const Stance& stance);
  /// All participants of this site have promised; the vote may leave when what is forced here is durable too. False:
  /// an election asked before, and was told that this site never votes. It must refuse, and release what it holds.
  bool enlist(const TransactionId& transaction, Protocol protocol, std::uint64_t sites, std::uint64_t voters,
              Effects& effects);
  /// This site votes no: on record before it is told, for ever. Were it to vote yes after a crash, a quorum could
  /// commit what the coordinator aborts on hearing the no.
  void refuse(const TransactionId& transaction, Protocol protocol, std::uint64_t sites, std::uint64_t voters,
              Effects& effects);
  /// Coordinator: all voters said yes. Leads the first round, unless an election overtook it.
  void propose(const TransactionId& transaction, Effects& effects);
  /// The coordinator alone aborts, which it may only as long as nobody can have pre-committed. The stance goes, and
  /// witnesses are told so; voters hear the decision.
  void abandon(const TransactionId& transaction, Effects& effects);
  /// Voter: heard of that. The stance goes.
  void drop(const TransactionId& transaction);
  /// A message. Repeats get the same answer; stale ones change nothing.
  void receive(ShardId from, const Notice& notice, Effects& effects);
  /// Leads an election: the coordinator seems gone, or (optimised form) a vote is missing.
  void suspect(const TransactionId& transaction, Effects& effects);
  /// Somebody asks for its end now: likewise, unless what this site leads already is still fresh. Its patience stays.
  void hurry(const TransactionId& transaction, Effects& effects);
  /// One tick has passed: what stands still is asked about, what is unacknowledged is sent again.
  void tick(Effects& effects);

  bool knows(const TransactionId& transaction) const;
  bool in_doubt(const TransactionId& transaction) const;
  bool committed(const TransactionId& transaction) const;
  bool over(const TransactionId& transaction) const;  ///< Has its outcome here, and is not forgotten.
  /// Has a stance here, and no claims to vote on.
  bool witnesses(const TransactionId& transaction) const;
  /// Own transaction, ended: every voter has the outcome durably.
  bool confirmed(const TransactionId& transaction) const;
  /// All stances, for a checkpoint and for `explain`.
  std::vector<std::pair<TransactionId, Stance>> stances() const;
  std::size_t size() const { return entries_.size(); }
  std::vector<TransactionId> own_doubts() const;  ///< In doubt, and coordinated here.
  /// nullptr: there is none.
  const Stance* stance(const TransactionId& transaction) const;

 private:
  /// An election that this site leads, or the first round at the coordinator.
  struct Campaign {
    Election number;
    std::uint64_t reported = 0;
    std::vector<Stance> reports;
    std::optional<Phase> proposed;  ///< Set when a quorum has reported.
    std::uint64_t accepted = 0;
  };
  struct Entry {
    Stance stance;
    bool enlisted = false;       ///< False: only early votes were heard; nothing is on disk.
    std::uint64_t yes = 0;       ///< Optimised form: votes heard.
    std::uint64_t early = 0;     ///< Optimised form, coordinator: collectors that were faster than its own count.
    std::uint64_t owing = 0;     ///< Coordinator: sites whose acknowledgement is awaited.
    std::uint32_t round = 1;     ///< The highest heard of.
    std::uint32_t age = 0;       ///< Ticks since something moved.
    std::uint32_t patience = 0;  ///< Ticks until the next step; grows with each election in vain.
    std::optional<Campaign> campaign;
  };
  using Entries = std::map<TransactionId, Entry>;

  Entry& add(const TransactionId& transaction, const Notice& notice);
  Entry* find(const TransactionId& transaction);
  Notice about(Notice::Kind kind, const TransactionId& transaction, const Entry& entry) const;
  void send(std::vector<Letter>& letters, std::uint64_t to, const Notice& notice) const;
  void on_vote(ShardId from, const Notice& notice, Effects& effects);
  bool answered_at_once(ShardId from, const Notice& notice, const Entry& entry, Effects& effects) const;
  void on_propose(ShardId from, const Notice& notice, Effects& effects);
  void on_accept(ShardId from, const Notice& notice, Effects& effects);
  void on_ask(ShardId from, const Notice& notice, Effects& effects);
  void on_ask_unknown(ShardId from, const Notice& notice, Effects& effects);
  void on_report(ShardId from, const Notice& notice, Effects& effects);
  void on_refuse(const Notice& notice);
  void on_decide(const Notice& notice, Effects& effects);
  void on_acknowledge(ShardId from, const Notice& notice, Effects& effects);
  void on_forget(const Notice& notice, Effects& effects);
  void pre_commit_when_all_voted(const TransactionId& transaction, Entry& entry, Effects& effects);
  void take_on(const TransactionId& transaction, Entry& entry, Election number, Phase phase, Effects& effects);
  void finish(const TransactionId& transaction, Entry& entry, Phase outcome, Effects& effects);
  void repeat(const TransactionId& transaction, Entry& entry, Effects& effects);
  std::uint32_t first_patience() const;

  ShardId self_;
  std::function<Known(const TransactionId&)> known_;
  Entries entries_;
};

}  // namespace kontor::commit

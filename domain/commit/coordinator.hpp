#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "domain/bundle.hpp"
#include "domain/commit/vote.hpp"

/// The coordinator's side: from votes to one decision each. In two_phase it is final, with presumed abort; in the
/// three-phase forms a commit is a proposal that a quorum has yet to take on (quorum.hpp).
namespace kontor::commit {

/// What an inquiry about a transaction is told.
enum class Status : std::uint8_t { voting, committed, aborted };
std::string_view to_string(Status status);

/// Own transactions of one shard in one incarnation, numbered by sequence. Pure.
///
/// A decision is made once: when every site voted yes, or on the first no, or when the deadline has passed before. But
/// no abort before the coordinator's own site has voted: it is the home of the idempotency key, and a repeat of a
/// committed request must be told so, though another site would refuse it by now. "No record" means abort (presumed
/// abort), but only for a transaction that is not open here: `status`.
class Coordinator {
 public:
  struct Made {
    std::uint64_t sequence = 0;
    std::uint64_t sites = 0;  ///< All that take part, as begun.
    bool commit = false;
    bool prepared = false;  ///< Every site had voted yes (a deadline may still have aborted it).
    bool unsure = false;    ///< Optimised form: to be aborted, but others may have pre-committed. An election decides.
    Protocol protocol = Protocol::two_phase;
    Error error;              ///< Why not, when aborted.
    TransactionId repeat_of;  ///< The request had its effect before, by this transaction.
  };

  /// `self` is the coordinator's shard; `next` its first free sequence.
  Coordinator(ShardId self, std::uint32_t incarnation, std::uint64_t next);

  /// Begins one transaction and returns its sequence: they ascend by one. Its sites' votes are awaited from now on.
  std::uint64_t begin(const TransactionHead& head);

  /// Site `site` answered all transactions [first, first + count) in which it takes part: yes but for `refusals`.
  /// `now_ns` is the time of the event. New decisions are appended to `made`, ascending. Repeats change nothing.
  void votes(ShardId site, std::uint64_t first, std::uint32_t count, std::span<const Refusal> refusals,
             std::int64_t now_ns, std::vector<Made>& made);
  /// An election ended an own transaction whose votes were still awaited. Nothing if they were not.
  std::optional<Made> settle(const TransactionId& transaction, bool commit);
  /// Sites whose votes on any of [first, first + count) are still awaited.
  std::uint64_t awaited(std::uint64_t first, std::uint32_t count) const;
  /// Aborts what is undecided and past its deadline.
  void expire(std::int64_t now_ns, std::vector<Made>& made);

  /// A commit was decided (or found on record) whose `sites` must acknowledge before it may be forgotten.
  void await_acknowledgements(const TransactionId& transaction, std::uint64_t sites);
  /// Returns true when this was the last one: write `ended` and forget. An unknown transaction: false.
  bool acknowledge(const TransactionId& transaction, ShardId site);
  /// Commits not yet acknowledged by all, with the sites that lack.
  const boost::unordered_flat_map<TransactionId, std::uint64_t>& unacknowledged() const { return unacknowledged_; }

  /// For a participant in doubt.
  Status status(const TransactionId& transaction) const;

  ShardId shard() const { return self_; }
  std::uint32_t incarnation() const { return incarnation_; }
  std::uint64_t next() const { return first_open_ + open_.size(); }
  std::size_t open() const { return undecided_; }

 private:
  struct Open {
    std::uint64_t sites = 0;
    std::uint64_t awaited = 0;
    std::int64_t deadline_ns = 0;
    bool decided = false;
    Protocol protocol = Protocol::two_phase;
    Error refusal;
  };
  Open* find(std::uint64_t sequence);
  void decide(std::uint64_t sequence, Open& open, bool commit, bool prepared, const Error& error,
              const TransactionId& repeat_of, std::vector<Made>& made);
  void forget_decided();

  ShardId self_;
  std::uint32_t incarnation_;
  std::uint64_t first_open_;  ///< Sequence of open_.front().
  std::deque<Open> open_;
  std::size_t undecided_ = 0;
  std::size_t with_deadline_ = 0;
  boost::unordered_flat_map<TransactionId, std::uint64_t> unacknowledged_;
};

}  // namespace kontor::commit

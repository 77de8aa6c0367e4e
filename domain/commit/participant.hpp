#pragma once
#include <deque>
#include <span>

#include <boost/unordered/unordered_flat_map.hpp>

#include "domain/commit/vote.hpp"
#include "domain/limits.hpp"

namespace kontor::commit {

/// The participant's side of two-phase commit with presumed abort, written once for every resource.
///
/// A Resource (Ledger, Inventory, OrderBook) says what can be promised (`decide`), sets it aside (`hold`) and ends the
/// promise (`settle`). The participant adds what the protocol asks: which transactions are open, the same answer to a
/// repeat, a tombstone for an abort that came first. A promise ends by decision only: nothing here knows time.
/// Source: Mohan, Lindsay, Obermarck, "Transaction management in the R* distributed DBMS" (1986), presumed abort.
template <class Resource>
class Participant {
 public:
  using Demand = typename Resource::Demand;
  using Claim = typename Resource::Claim;

  struct Promise {
    Claim claim;
    /// A position above every record this participant had appended before this one, and not above its own record: for
    /// replay, to tell which rows of a checkpoint have the claim in.
    Position prepared = 0;
  };
  using Open = boost::unordered_flat_map<TransactionId, Promise>;

  static_assert(kTombstonesMax >= kSubmitRequestsMax, "one batch buries a whole submission");

  Resource resource;
  std::size_t tombstones_max = kTombstonesMax;  ///< Not below what one batch may bury.

  /// Voted yes, decision not known: a repeated prepare is answered yes again and changes nothing.
  bool holds(const TransactionId& transaction) const { return open_.contains(transaction); }

  /// May this be promised? Changes nothing. Must not be asked while `holds`.
  /// Errors: the resource's; transaction_aborted when the abort came first.
  template <class... Known>
  auto decide(const TransactionId& transaction, std::span<const Demand> demands, const Known&... known) const
      -> decltype(resource.decide(demands, known...)) {
    if (tombstones_.contains(transaction)) return Error{Errc::transaction_aborted, "abort came before prepare"};
    return resource.decide(demands, known...);
  }

  /// Takes in what `decide` allowed. `applies(row)` says whether a row lacks this event; see recovery.
  template <class Applies>
  void hold(const TransactionId& transaction, Claim claim, Position prepared, const Applies& applies) {
    if constexpr (requires { claim.postings; }) {
      for (const auto& posting : claim.postings)
        if (applies(posting.row)) resource.hold(posting);
      if (claim.creation) resource.hold_creation(*claim.creation);
    } else {
      resource.hold(claim, transaction);
    }
    open_.emplace(transaction, Promise{std::move(claim), prepared});
  }
  void hold(const TransactionId& transaction, Claim claim, Position prepared) {
    hold(transaction, std::move(claim), prepared, [](auto) { return true; });
  }

  /// A hint that this transaction will be settled soon.
  void prefetch(const TransactionId& transaction) const {
    const auto it = open_.find(transaction);
    if (it == open_.end()) return;
    for (const auto& posting : it->second.claim.postings) resource.rows().prefetch(posting.row);
  }

  /// Takes in a decision, whose record is at `decided`. A decision for a transaction that is not open changes nothing:
  /// it is a repeat, or an abort of what was refused; `early` (the prepare may still come) leaves a tombstone.
  /// Returns whether a promise was ended.
  template <class Applies>
  bool settle(const Decision& decision, Position decided, bool early, const Applies& applies) {
    const auto it = open_.find(decision.transaction);
    if (it == open_.end()) {
      if (early && !decision.commit) bury(decision.transaction);
      return false;
    }
    Claim& claim = it->second.claim;
    if constexpr (requires { claim.postings; }) {
      for (const auto& posting : claim.postings)
        if (applies(posting.row)) resource.settle(posting, decision.commit);
      if (claim.creation) resource.settle_creation(*claim.creation, decision.commit);
    } else {
      resource.settle(claim, decision.commit, decided, decision.transaction);
    }
    open_.erase(it);
    return true;
  }
  bool settle(const Decision& decision, Position decided, bool early = false) {
    return settle(decision, decided, early, [](auto) { return true; });
  }

  const Open& open() const { return open_; }
  std::size_t tombstones() const { return tombstones_.size(); }

 private:
  /// Buried again it counts as new: its prepare may be next, and what else is buried with it must not push it out.
  void bury(const TransactionId& transaction) {
    tombstones_[transaction] = ++buried_;
    burials_.emplace_back(transaction, buried_);
    const auto stale = [this](const auto& burial) {
      const auto it = tombstones_.find(burial.first);
      return it == tombstones_.end() || it->second != burial.second;
    };
    for (; tombstones_.size() > tombstones_max; burials_.pop_front())
      if (!stale(burials_.front())) tombstones_.erase(burials_.front().first);
    if (burials_.size() > 2 * tombstones_max) std::erase_if(burials_, stale);
  }

  Open open_;
  boost::unordered_flat_map<TransactionId, std::uint64_t> tombstones_;  ///< With the number of its last burial.
  std::deque<std::pair<TransactionId, std::uint64_t>> burials_;         ///< Ascending by number.
  std::uint64_t buried_ = 0;
};

}  // namespace kontor::commit

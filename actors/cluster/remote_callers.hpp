#pragma once
#include "actors/cluster/peer.hpp"
#include "actors/fabric.hpp"
#include "domain/placement.hpp"

namespace kontor::actors {

/// The callers of one submission that another node works on, until each has its outcome.
class RemoteSubmission {
 public:
  RemoteSubmission(Fabric& fabric, ShardId home, SubmissionPtr submission)
      : fabric_(fabric), home_(home), submission_(std::move(submission)), open_(submission_->indexes.size(), true) {}

  /// It was not taken up, as the shard is elsewhere.
  void send_again() { caf::anon_send(fabric_.shards[home_].coordinator, Submit{submission_}); }

  bool on_reply(const Reply* reply, NoReply why) {
    std::vector<Outcome> outcomes = reply ? outcomes_in(*reply) : given_up(why);
    if (!outcomes.empty()) {
      left_ -= outcomes.size();
      fabric_.shards[home_].open_transactions -= outcomes.size();
      if (left_ == 0) fabric_.shards[home_].open_bytes -= submission_->bytes;
      submission_->on_outcomes(outcomes);
    }
    return left_ == 0;
  }

 private:
  std::vector<Outcome> outcomes_in(const Reply& reply) {
    persistence::ByteReader in(reply.body);
    std::vector<Outcome> told = wire::read_outcomes(in), outcomes;
    if (reply.kind != wire::Kind::outcomes || !in.ok()) return outcomes;
    for (Outcome& outcome : told) {
      const std::uint32_t number = outcome.index;
      if (number >= open_.size() || !open_[number]) continue;
      open_[number] = false;
      // Its caller must not see the price list without it.
      if (outcome.verdict == Verdict::committed && !outcome.replayed)
        for (const Listing& listing : submission_->listings)
          if (listing.transaction == number) fabric_.catalog.listed(listing.sku, listing.price, listing.first);
      outcome.index = submission_->indexes[number];
      outcomes.push_back(outcome);
    }
    return outcomes;
  }

  std::vector<Outcome> given_up(NoReply why) {
    std::vector<Outcome> outcomes;
    for (std::uint32_t number = 0; number < open_.size(); ++number) {
      if (!open_[number]) continue;
      Outcome& outcome = outcomes.emplace_back();
      outcome.index = submission_->indexes[number];
      outcome.verdict = why.asked ? Verdict::unknown : Verdict::aborted;
      outcome.error = why.asked ? Error{Errc::outcome_unknown, "link lost"} : Error{Errc::shard_unreachable, "node"};
    }
    (why.asked ? fabric_.totals.unknown : fabric_.totals.aborted) += outcomes.size();
    fabric_.totals.count_codes(outcomes);
    return outcomes;
  }

  Fabric& fabric_;
  const ShardId home_;
  const SubmissionPtr submission_;
  std::vector<bool> open_;
  std::size_t left_ = open_.size();
};

/// Likewise for amendments, which go to the home of the order first: each is counted at the home of its key.
class RemoteAmendment {
 public:
  RemoteAmendment(Fabric& fabric, ShardId at, std::shared_ptr<const Amend::List> list)
      : fabric_(fabric), at_(at), list_(std::move(list)), open_(list_->requests.size(), true) {}

  void send_again() { caf::anon_send(fabric_.shards[at_].order, Amend{list_}); }

  bool on_reply(const Reply* reply, NoReply why) {
    std::vector<Outcome> outcomes;
    persistence::ByteReader in(reply ? reply->body : std::string_view());
    if (reply && reply->kind == wire::Kind::outcomes) {
      const auto told = wire::read_outcomes(in);
      for (std::size_t i = 0; in.ok() && i < told.size(); ++i)
        if (told[i].index < open_.size() && open_[told[i].index]) settle(told[i], outcomes);
    } else if (!reply) {
      for (std::uint32_t number = 0; number < open_.size(); ++number) {
        if (!open_[number]) continue;
        Outcome outcome;
        outcome.index = number;
        outcome.verdict = why.asked ? Verdict::unknown : Verdict::aborted;
        outcome.error = why.asked ? Error{Errc::outcome_unknown, "link lost"} : Error{Errc::shard_unreachable, "node"};
        settle(outcome, outcomes);
      }
      (why.asked ? fabric_.totals.unknown : fabric_.totals.aborted) += outcomes.size();
      fabric_.totals.count_codes(outcomes);
    }
    if (!outcomes.empty()) list_->on_outcomes(outcomes);
    return left_ == 0;
  }

 private:
  void settle(Outcome outcome, std::vector<Outcome>& outcomes) {
    const std::uint32_t number = outcome.index;
    open_[number] = false;
    --left_;
    --fabric_.shards[home_of(list_->requests[number].key, fabric_.size())].open_transactions;
    outcome.index = list_->indexes[number];
    outcomes.push_back(outcome);
  }

  Fabric& fabric_;
  const ShardId at_;
  const std::shared_ptr<const Amend::List> list_;
  std::vector<bool> open_;
  std::size_t left_ = open_.size();
};

}  // namespace kontor::actors

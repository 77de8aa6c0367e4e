#include "actors/cluster/port.hpp"

#include "actors/cluster/wire_reads.hpp"
#include "domain/placement.hpp"

namespace kontor::actors {
namespace {

using persistence::ByteReader;
using persistence::ByteWriter;

/// The callers of one submission that another node works on, until each has its outcome.
class RemoteSubmission {
 public:
  RemoteSubmission(Fabric& fabric, ShardId home, SubmissionPtr submission)
      : fabric_(fabric), home_(home), submission_(std::move(submission)), open_(submission_->indexes.size(), true) {}

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
    ByteReader in(reply.body);
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
  RemoteAmendment(Fabric& fabric, std::shared_ptr<const Amend::List> list)
      : fabric_(fabric), list_(std::move(list)), open_(list_->requests.size(), true) {}

  bool on_reply(const Reply* reply, NoReply why) {
    std::vector<Outcome> outcomes;
    ByteReader in(reply ? reply->body : std::string_view());
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
  const std::shared_ptr<const Amend::List> list_;
  std::vector<bool> open_;
  std::size_t left_ = open_.size();
};

/// Takes what is sent to another node's shard, whatever its type, without a mailbox.
class Port final : public caf::monitorable_actor {
 public:
  Port(caf::actor_config& config, Fabric* fabric, ShardId shard, Peer* peer)
      : monitorable_actor(config), fabric_(*fabric), shard_(shard), peer_(*peer) {}

  using monitorable_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    const caf::message message = what->move_content_to_message();
    if (!(put<Prepare>(message) || put<SiteVotes>(message) || put<Decisions>(message) || put<Acknowledge>(message) ||
          put<Inquire>(message) || put<Notices>(message) || put<Submit>(message) || put<Amend>(message) ||
          put<ReadAccount>(message) || put<ReadAccounts>(message) || put<ReadProduct>(message) ||
          put<ReadProducts>(message) || put<ReadOrder>(message) || put<ReadTransaction>(message) ||
          put<ReadEvents>(message)))
      ++peer_.figures.dropped;  // What never leaves a shard was sent to one that is elsewhere: a bug, and no crash.
  }

 private:
  template <class Message>
  bool put(const caf::message& message) {
    if (!message.match_elements<Message>()) return false;
    put(message.get_as<Message>(0));
    return true;
  }

  void tell(wire::Kind kind, const ByteWriter& out) { peer_.put(shard_, kind, out.view()); }

  void put(const Prepare& message) {
    ByteWriter out;
    wire::write_prepare(out, *message.batch, shard_);
    tell(wire::Kind::prepare, out);
  }
  void put(const SiteVotes& message) {
    ByteWriter out;
    wire::write_site_votes(out, message);
    tell(wire::Kind::site_votes, out);
  }
  void put(const Decisions& message) {
    ByteWriter out;
    wire::write_decisions(out, message);
    tell(wire::Kind::decisions, out);
  }
  void put(const Acknowledge& message) {
    ByteWriter out;
    wire::write_transactions(out, message.site, *message.transactions);
    tell(wire::Kind::acknowledge, out);
  }
  void put(const Inquire& message) {
    ByteWriter out;
    wire::write_transactions(out, message.site, *message.transactions);
    tell(wire::Kind::inquire, out);
  }
  void put(const Notices& message) {
    ByteWriter out;
    wire::write_notices(out, message);
    tell(wire::Kind::notices, out);
  }
  void put(const Submit& message) {
    ByteWriter out;
    wire::write_submission(out, *message.submission);
    const auto remote = std::make_shared<RemoteSubmission>(fabric_, shard_, message.submission);
    peer_.ask(shard_, wire::Kind::submit, out.view(),
              [remote](const Reply* reply, NoReply why) { return remote->on_reply(reply, why); });
  }
  void put(const Amend& message) {
    ByteWriter out;
    wire::write_amend(out, *message.list);
    const auto remote = std::make_shared<RemoteAmendment>(fabric_, message.list);
    peer_.ask(shard_, wire::Kind::amend, out.view(),
              [remote](const Reply* reply, NoReply why) { return remote->on_reply(reply, why); });
  }

  void put(const ReadAccount& message) { ask(wire::Kind::read_account, message); }
  void put(const ReadAccounts& message) { ask(wire::Kind::read_accounts, message); }
  void put(const ReadProduct& message) { ask(wire::Kind::read_product, message); }
  void put(const ReadProducts& message) { ask(wire::Kind::read_products, message); }
  void put(const ReadOrder& message) { ask(wire::Kind::read_order, message); }
  void put(const ReadTransaction& message) { ask(wire::Kind::read_transaction, message); }
  void put(const ReadEvents& message) { ask(wire::Kind::read_events, message); }

  template <class Question>
  void ask(wire::Kind kind, const Question& question) {
    ByteWriter out;
    wire::write_question(out, question);
    peer_.ask(shard_, kind, out.view(), [answer = question.answer](const Reply* reply, NoReply) {
      deliver(answer, reply);
      return true;
    });
  }
  template <class Value>
  static void deliver(const OnRead<Value>& answer, const Reply* reply) {
    if (!reply || reply->kind != wire::Kind::answer) return answer(Error{Errc::shard_unreachable, "node"});
    ByteReader in(reply->body);
    answer(wire::read_answer<Value>(in));
  }

  Fabric& fabric_;
  const ShardId shard_;
  Peer& peer_;
};

}  // namespace

void stand_in(caf::actor_system& system, Fabric& fabric, ShardId shard, Peer& peer) {
  caf::actor_config config;
  const auto port = caf::make_actor<Port, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system, config,
                                                                 &fabric, shard, &peer);
  Fabric::Shard& to = fabric.shards[shard];
  to.coordinator = caf::actor_cast<CoordinatorActor>(port);
  to.order = caf::actor_cast<OrderActor>(port);
  to.inventory = caf::actor_cast<InventoryActor>(port);
  to.payment = caf::actor_cast<PaymentActor>(port);
}

}  // namespace kontor::actors

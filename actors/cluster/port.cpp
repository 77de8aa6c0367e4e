#include "actors/cluster/port.hpp"

#include <algorithm>

#include "actors/cluster/remote_callers.hpp"
#include "actors/cluster/route.hpp"
#include "actors/cluster/wire_reads.hpp"

namespace kontor::actors {
namespace {

using persistence::ByteReader;
using persistence::ByteWriter;

/// Takes what is sent to a shard, whatever its type, without a mailbox.
class Port final : public caf::monitorable_actor {
 public:
  Port(caf::actor_config& config, Fabric* fabric, ShardId shard, std::size_t role, Route* route)
      : monitorable_actor(config), fabric_(*fabric), shard_(shard), role_(role), route_(*route) {}

  using monitorable_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* unit) override {
    const auto [kind, requests] = sort(what->content());
    Peer* const peer = route_.send(role_, kind, requests, what, unit);
    if (!what) return;
    const caf::message message = what->move_content_to_message();
    if (peer)
      write(message, *peer);
    else
      refuse(message);
  }

 private:
  template <class Message>
  static const Message* as(const caf::message& message) {
    return message.match_elements<Message>() ? &message.get_as<Message>(0) : nullptr;
  }

  /// Whether somebody waits for an answer, and how many requests of it are counted as open at this shard.
  std::pair<Route::Kind, std::size_t> sort(const caf::type_erased_tuple& message) const {
    if (message.match_elements<Submit>())
      return {Route::Kind::caller, message.get_as<Submit>(0).submission->indexes.size()};
    if (message.match_elements<Amend>()) {
      const auto& requests = message.get_as<Amend>(0).list->requests;
      const auto here = [&](const Request& request) { return home_of(request.key, fabric_.size()) == shard_; };
      return {Route::Kind::caller, static_cast<std::size_t>(std::count_if(requests.begin(), requests.end(), here))};
    }
    const bool read = message.match_elements<ReadDoubts>() || message.match_elements<ResolveDoubt>() ||
                      message.match_elements<ReadAccount>() || message.match_elements<ReadAccounts>() ||
                      message.match_elements<ReadProduct>() || message.match_elements<ReadProducts>() ||
                      message.match_elements<ReadOrder>() || message.match_elements<ReadTransaction>() ||
                      message.match_elements<ReadEvents>();
    return {read ? Route::Kind::caller : Route::Kind::protocol, 0};
  }

  void write(const caf::message& message, Peer& peer) {
    const bool known = put<Prepare>(message, peer) || put<SiteVotes>(message, peer) || put<Decisions>(message, peer) ||
                       put<Acknowledge>(message, peer) || put<Inquire>(message, peer) || put<Notices>(message, peer) ||
                       put<Submit>(message, peer) || put<Amend>(message, peer) || put<ReadAccount>(message, peer) ||
                       put<ReadAccounts>(message, peer) || put<ReadProduct>(message, peer) ||
                       put<ReadProducts>(message, peer) || put<ReadOrder>(message, peer) ||
                       put<ReadTransaction>(message, peer) || put<ReadEvents>(message, peer);
    if (known) return;
    // Of what is in doubt there its new owner tells.
    if (const auto* read = as<ReadDoubts>(message)) return read->answer(DoubtPage{});
    if (const auto* resolve = as<ResolveDoubt>(message)) return resolve->answer(Error{Errc::not_found, "shard"});
    ++peer.figures.dropped;  // What never leaves a shard was meant for actors that are gone.
    refuse(message);
  }

  template <class Message>
  bool put(const caf::message& message, Peer& peer) {
    const Message* const known = as<Message>(message);
    if (known) put(*known, peer);
    return known != nullptr;
  }

  void tell(Peer& peer, wire::Kind kind, const ByteWriter& out) { peer.put(shard_, kind, out.view()); }

  void put(const Prepare& message, Peer& peer) {
    ByteWriter out;
    wire::write_prepare(out, *message.batch, shard_);
    tell(peer, wire::Kind::prepare, out);
  }
  void put(const SiteVotes& message, Peer& peer) {
    ByteWriter out;
    wire::write_site_votes(out, message);
    tell(peer, wire::Kind::site_votes, out);
  }
  void put(const Decisions& message, Peer& peer) {
    ByteWriter out;
    wire::write_decisions(out, message);
    tell(peer, wire::Kind::decisions, out);
  }
  void put(const Acknowledge& message, Peer& peer) {
    ByteWriter out;
    wire::write_transactions(out, message.site, *message.transactions);
    tell(peer, wire::Kind::acknowledge, out);
  }
  void put(const Inquire& message, Peer& peer) {
    ByteWriter out;
    wire::write_transactions(out, message.site, *message.transactions);
    tell(peer, wire::Kind::inquire, out);
  }
  void put(const Notices& message, Peer& peer) {
    ByteWriter out;
    wire::write_notices(out, message);
    tell(peer, wire::Kind::notices, out);
  }
  void put(const Submit& message, Peer& peer) {
    ByteWriter out;
    wire::write_submission(out, *message.submission, fabric_.now_ns());
    ask_for(std::make_shared<RemoteSubmission>(fabric_, shard_, message.submission), peer, wire::Kind::submit, out);
  }
  void put(const Amend& message, Peer& peer) {
    ByteWriter out;
    wire::write_amend(out, *message.list, fabric_.now_ns());
    ask_for(std::make_shared<RemoteAmendment>(fabric_, shard_, message.list), peer, wire::Kind::amend, out);
  }
  /// Callers whose request comes to a node that has given the shard away are sent on, as soon as it is known here where
  /// to: that node says so before it sends them back. Places only ever get newer, so nobody goes in circles.
  template <class Callers>
  void ask_for(std::shared_ptr<Callers> callers, Peer& peer, wire::Kind kind, const ByteWriter& out) {
    peer.ask(shard_, kind, out.view(), [this, &peer, callers](const Reply* reply, NoReply why) {
      if (!reply || reply->kind != wire::Kind::moved) return callers->on_reply(reply, why);
      if (route_.leads_to(peer)) return callers->on_reply(nullptr, {false});
      callers->send_again();
      return true;
    });
  }

  void put(const ReadAccount& message, Peer& peer) { ask(peer, wire::Kind::read_account, message); }
  void put(const ReadAccounts& message, Peer& peer) { ask(peer, wire::Kind::read_accounts, message); }
  void put(const ReadProduct& message, Peer& peer) { ask(peer, wire::Kind::read_product, message); }
  void put(const ReadProducts& message, Peer& peer) { ask(peer, wire::Kind::read_products, message); }
  void put(const ReadOrder& message, Peer& peer) { ask(peer, wire::Kind::read_order, message); }
  void put(const ReadTransaction& message, Peer& peer) { ask(peer, wire::Kind::read_transaction, message); }
  void put(const ReadEvents& message, Peer& peer) { ask(peer, wire::Kind::read_events, message); }

  template <class Question>
  void ask(Peer& peer, wire::Kind kind, const Question& question) {
    ByteWriter out;
    wire::write_question(out, question);
    peer.ask(shard_, kind, out.view(), [this, &peer, question](const Reply* reply, NoReply) {
      if (reply && reply->kind == wire::Kind::moved && !route_.leads_to(peer))
        enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, question), nullptr);
      else
        deliver(question.answer, reply);
      return true;
    });
  }
  template <class Value>
  static void deliver(const OnRead<Value>& answer, const Reply* reply) {
    if (!reply || reply->kind != wire::Kind::answer) return answer(Error{Errc::shard_unreachable, "node"});
    ByteReader in(reply->body);
    answer(wire::read_answer<Value>(in));
  }

  /// Nobody will answer: its sender must know, if it waits.
  void refuse(const caf::message& message) {
    if (const auto* submit = as<Submit>(message))
      RemoteSubmission(fabric_, shard_, submit->submission).on_reply(nullptr, {false});
    else if (const auto* amend = as<Amend>(message))
      RemoteAmendment(fabric_, shard_, amend->list).on_reply(nullptr, {false});
    else if (const auto* checkpoint = as<Checkpoint>(message); checkpoint && checkpoint->done)
      (*checkpoint->done)();
    else if (const auto* give_up = as<GiveUp>(message))
      give_up->done->set_value();
    else
      refuse_read<ReadDoubts>(message) || refuse_read<ResolveDoubt>(message) || refuse_read<ReadAccount>(message) ||
          refuse_read<ReadAccounts>(message) || refuse_read<ReadProduct>(message) ||
          refuse_read<ReadProducts>(message) || refuse_read<ReadOrder>(message) ||
          refuse_read<ReadTransaction>(message) || refuse_read<ReadEvents>(message);
  }
  template <class Question>
  static bool refuse_read(const caf::message& message) {
    const Question* const question = as<Question>(message);
    if (question) question->answer(Error{Errc::shard_unreachable, "it changes hands"});
    return question != nullptr;
  }

  Fabric& fabric_;
  const ShardId shard_;
  const std::size_t role_;
  Route& route_;
};

}  // namespace

caf::strong_actor_ptr make_port(caf::actor_system& system, Fabric& fabric, ShardId shard, std::size_t role,
                                Route& route) {
  caf::actor_config config;
  return caf::make_actor<Port, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system, config, &fabric,
                                                      shard, role, &route);
}

}  // namespace kontor::actors

#include "tests/simulation/wire.hpp"

namespace kontor::sim {
namespace {

std::string short_text(const TransactionId& id) {
  return std::to_string(id.shard) + "." + std::to_string(id.incarnation) + "." + std::to_string(id.sequence);
}
std::string batch_text(const actors::Batch& batch) {
  std::string out = " " + short_text(batch.at(0));
  if (batch.count > 1) out += ".." + std::to_string(batch.first + batch.count - 1);
  return out;
}

struct Name {
  std::string_view& out;
  void operator()(const actors::Prepare&) const { out = "Prepare"; }
  void operator()(const actors::SiteVotes&) const { out = "SiteVotes"; }
  void operator()(const actors::Decisions&) const { out = "Decisions"; }
  void operator()(const actors::Acknowledge&) const { out = "Acknowledge"; }
  void operator()(const actors::Inquire&) const { out = "Inquire"; }
  void operator()(const actors::Notices&) const { out = "Notices"; }
  void operator()(const actors::Submit&) const { out = "Submit"; }
};

struct Words {
  std::string& out;
  void operator()(const actors::Prepare& m) const { out += batch_text(*m.batch); }
  void operator()(const actors::SiteVotes& m) const {
    out += batch_text(*m.batch);
    for (const commit::Refusal& refusal : m.refusals)
      out += " no:" + std::to_string(m.batch->first + refusal.index) + ":" + std::string(to_string(refusal.error.code));
  }
  void operator()(const actors::Decisions& m) const {
    for (const commit::Decision& d : *m.decisions)
      out += " " + short_text(d.transaction) + (d.commit ? ":commit" : ":abort");
  }
  void operator()(const actors::Acknowledge& m) const {
    for (const TransactionId& id : *m.transactions) out += " " + short_text(id);
  }
  void operator()(const actors::Inquire& m) const {
    for (const TransactionId& id : *m.transactions) out += " " + short_text(id);
  }
  void operator()(const actors::Notices& m) const {
    for (const commit::Notice& notice : *m.notices)
      out += " " + std::string(to_string(notice.kind)) + ":" + short_text(notice.transaction) + ":" +
             std::string(to_string(notice.phase)) + ":" + std::to_string(notice.number.round) + "." +
             std::to_string(notice.number.leader);
  }
  void operator()(const actors::Submit&) const {}
};

}  // namespace

std::string_view name(const caf::message& message) {
  std::string_view out = "unknown";
  visit(message, Name{out});
  return out;
}

std::string words(const caf::message& message) {
  std::string out;
  visit(message, Words{out});
  return out;
}

void Port::enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) {
  outlet_.send(from_, to_, what->move_content_to_message());
}

actors::CoordinatorActor make_port(caf::actor_system& system, Outlet& outlet, ShardId from, ShardId to) {
  caf::actor_config config;
  const auto port = caf::make_actor<Port, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system, config,
                                                                 outlet, from, to);
  return caf::actor_cast<actors::CoordinatorActor>(port);
}

}  // namespace kontor::sim

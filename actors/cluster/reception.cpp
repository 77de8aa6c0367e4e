#include "actors/cluster/reception.hpp"

#include <algorithm>

#include "actors/cluster/wire_reads.hpp"
#include "domain/placement.hpp"

namespace kontor::actors {

using persistence::ByteReader;
using persistence::ByteWriter;
using wire::Kind;

void Reception::take(std::string_view frame) {
  ByteReader in(frame);
  while (in.ok() && !in.done()) {
    const wire::Envelope envelope = wire::read_envelope(in);
    if (!in.ok() || !take(envelope)) ++peer_.figures.refused;
  }
}

bool Reception::take(const wire::Envelope& envelope) {
  ByteReader in(envelope.body);
  switch (envelope.kind) {
    case Kind::outcomes:
    case Kind::moved:
    case Kind::verdict:
    case Kind::answer: peer_.reply(envelope.ticket, {envelope.kind, envelope.body}); return true;
    case Kind::listed: {
      const auto products = wire::read_products(in);
      for (const Product& product : products)
        if (!theirs(home_of(product.sku, fabric_.size()))) return false;
      if (in.ok()) fabric_.catalog.set(products);
      return in.ok();
    }
    case Kind::places:
    case Kind::move:
    case Kind::offer:
    case Kind::block:
    case Kind::seal:
    case Kind::whose: return moves_.take(from_, envelope);
    case Kind::members:
    case Kind::enlist: return roster_.take(from_, envelope);
    case Kind::prepare:
    case Kind::site_votes:
    case Kind::decisions:
    case Kind::acknowledge:
    case Kind::inquire:
    case Kind::notices: return here(envelope.to) && take_protocol(envelope, in);
    case Kind::submit:
    case Kind::amend:
    case Kind::read_account:
    case Kind::read_accounts:
    case Kind::read_product:
    case Kind::read_products:
    case Kind::read_order:
    case Kind::read_transaction:
    case Kind::read_events: return take_call(envelope, in);
  }
  return false;
}

bool Reception::take_call(const wire::Envelope& envelope, ByteReader& in) {
  if (envelope.to >= fabric_.size()) return false;
  if (!moves_.takes(envelope.to)) {
    moves_.send_back(from_, peer_.asked_by(envelope.ticket));
    return true;
  }
  if (envelope.kind == Kind::submit) return take_submit(envelope, in);
  if (envelope.kind == Kind::amend) return take_amend(envelope, in);
  return take_read(envelope, in);
}

bool Reception::take_protocol(const wire::Envelope& envelope, ByteReader& in) {
  const CoordinatorActor& coordinator = fabric_.shards[envelope.to].coordinator;
  if (envelope.kind == Kind::prepare) return take_prepare(envelope, in);
  if (envelope.kind == Kind::decisions) return take_decisions(envelope, in);
  if (envelope.kind == Kind::site_votes) {
    SiteVotes votes = wire::read_site_votes(in);
    if (!in.ok() || !theirs(votes.site) || votes.batch->coordinator != envelope.to) return false;
    caf::anon_send(coordinator, std::move(votes));
    return true;
  }
  if (envelope.kind == Kind::notices) {
    Notices notices = wire::read_notices(in);
    if (!in.ok() || !theirs(notices.site) || !wire::stays_within(notices, fabric_.size())) return false;
    caf::anon_send(coordinator, std::move(notices));
    return true;
  }
  auto [site, transactions] = wire::read_transactions(in);
  if (!in.ok() || !theirs(site)) return false;
  const auto own = [&](const TransactionId& id) { return id.shard == envelope.to; };
  if (!std::all_of(transactions->begin(), transactions->end(), own)) return false;
  if (envelope.kind == Kind::acknowledge)
    caf::anon_send(coordinator, Acknowledge{site, std::move(transactions)});
  else
    caf::anon_send(coordinator, Inquire{site, std::move(transactions)});
  return true;
}

bool Reception::take_prepare(const wire::Envelope& envelope, ByteReader& in) {
  BatchPtr batch = wire::read_prepare(in, envelope.to, fabric_.size());
  if (!in.ok() || !theirs(batch->coordinator)) return false;
  caf::anon_send(fabric_.shards[envelope.to].coordinator, Prepare{std::move(batch)});
  return true;
}

bool Reception::take_decisions(const wire::Envelope& envelope, ByteReader& in) {
  Decisions message = wire::read_decisions(in);
  if (!in.ok() || !theirs(message.coordinator)) return false;
  for (const commit::Decision& decision : *message.decisions)
    if (decision.transaction.shard != message.coordinator) return false;  // Only its own are its to decide.
  caf::anon_send(fabric_.shards[envelope.to].coordinator, std::move(message));
  return true;
}

/// A lost answer is no loss: whoever asked was told that the outcome is unknown when the link went.
OnOutcomes Reception::answerer(std::uint64_t ticket) const {
  return [&peer = peer_, asked = peer_.asked_by(ticket)](std::span<const Outcome> outcomes) {
    ByteWriter out;
    wire::write_outcomes(out, outcomes);
    peer.answer(asked, Kind::outcomes, out.view());
  };
}

namespace {
void refuse_all(const OnOutcomes& answer, std::size_t count, const Error& error) {
  std::vector<Outcome> refused(count);
  for (std::uint32_t i = 0; i < count; ++i)
    refused[i].index = i, refused[i].verdict = Verdict::aborted, refused[i].error = error;
  if (count > 0) answer(refused);
}
}  // namespace

bool Reception::take_submit(const wire::Envelope& envelope, ByteReader& in) {
  auto submission = wire::read_submission(in, fabric_.size(), fabric_.now_ns());
  if (!in.ok()) return false;
  Fabric::Shard& home = fabric_.shards[envelope.to];
  submission->on_outcomes = answerer(envelope.ticket);
  if (const Error full = fabric_.admission(envelope.to, submission->bytes); full.code != Errc::none) {
    refuse_all(submission->on_outcomes, submission->indexes.size(), full);
    return true;
  }
  home.open_transactions += submission->indexes.size();
  home.open_bytes += submission->bytes;
  caf::anon_send(home.coordinator, Submit{std::move(submission)});
  return true;
}

bool Reception::take_amend(const wire::Envelope& envelope, ByteReader& in) {
  auto list = wire::read_amend(in, envelope.to, fabric_.now_ns());
  if (!in.ok()) return false;
  list->on_outcomes = answerer(envelope.ticket);
  for (const Request& request : list->requests)
    ++fabric_.shards[home_of(request.key, fabric_.size())].open_transactions;
  caf::anon_send(fabric_.shards[envelope.to].order, Amend{std::move(list)});
  return true;
}

bool Reception::take_read(const wire::Envelope& envelope, ByteReader& in) {
  const auto start = [&](auto question, const auto& actor) {
    wire::read_question(in, question);
    if (!in.done()) return false;
    question.answer = [&peer = peer_, asked = peer_.asked_by(envelope.ticket)](const auto& answer) {
      ByteWriter out;
      wire::write_answer(out, answer);
      peer.answer(asked, Kind::answer, out.view());
    };
    caf::anon_send(actor, std::move(question));
    return true;
  };
  const Fabric::Shard& shard = fabric_.shards[envelope.to];
  switch (envelope.kind) {
    case Kind::read_account: return start(ReadAccount{}, shard.payment);
    case Kind::read_accounts: return start(ReadAccounts{}, shard.payment);
    case Kind::read_product: return start(ReadProduct{}, shard.inventory);
    case Kind::read_products: return start(ReadProducts{}, shard.inventory);
    case Kind::read_order: return start(ReadOrder{}, shard.order);
    case Kind::read_transaction: return start(ReadTransaction{}, shard.order);
    default: return start(ReadEvents{}, shard.order);
  }
}

}  // namespace kontor::actors

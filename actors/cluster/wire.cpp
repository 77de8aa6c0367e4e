#include "actors/cluster/wire.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>

#include "actors/intake.hpp"
#include "persistence/record_codec.hpp"

namespace kontor::actors::wire {
namespace {

using persistence::ByteReader;
using persistence::ByteWriter;
using persistence::read_transaction;
using persistence::write_transaction;

constexpr std::size_t kTransactionBytesMin = 3;
constexpr std::size_t kDetailBytesMax = 64;
constexpr std::size_t kDetailsMax = 1'024;  // All literals of this program are some two hundred.
constexpr std::uint8_t kNoProtocol = 0xff;

/// An Error's detail is a literal and lives for ever; so does what another node says, of which there is a bounded lot.
std::string_view keep(std::string_view detail) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> kept;
  const std::lock_guard guard(mutex);
  if (const auto it = kept.find(detail); it != kept.end()) return *it;
  if (kept.size() >= kDetailsMax) return "another node says so";
  return *kept.emplace(detail).first;
}

void write_protocol(ByteWriter& out, commit::Protocol protocol) { out.fixed(static_cast<std::uint8_t>(protocol)); }
commit::Protocol read_protocol(ByteReader& in) {
  const auto protocol = in.fixed<std::uint8_t>();
  if (protocol >= commit::kProtocols.size()) in.fail();
  return in.ok() ? static_cast<commit::Protocol>(protocol) : commit::Protocol::two_phase;
}

std::uint64_t all_of_them(std::uint16_t shards) {
  return shards >= kShardsMax ? ~std::uint64_t{0} : commit::site_bit(shards) - 1;
}
ShardId read_shard(ByteReader& in) { return in.varint_as<ShardId>(kShardsMax - 1); }

void write_demand(ByteWriter& out, const PaymentDemand& demand, std::string_view) {
  persistence::write_payment(out, demand);
}
void write_demand(ByteWriter& out, const StockDemand& demand, std::string_view) {
  persistence::write_stock(out, demand);
}
void write_demand(ByteWriter& out, const OrderDemand& demand, std::string_view bodies) {
  out.fixed(static_cast<std::uint8_t>(demand.action));
  if (demand.action == OrderAction::enroll) {
    out.fixed(static_cast<std::uint8_t>(demand.kind)), out.fixed(demand.fingerprint), out.text(demand.key);
    out.sized(bodies.substr(demand.body_begin, demand.body_end - demand.body_begin));
  } else if (demand.action == OrderAction::reserve) {
    out.fixed(demand.expires_at_ns);
  } else {
    write_transaction(out, demand.order), out.varint(demand.expected_version);
    out.varint(demand.line), out.zigzag(demand.quantity);
  }
}

void read_demand(ByteReader& in, PaymentDemand& demand, ByteWriter&) { demand = persistence::read_payment(in); }
void read_demand(ByteReader& in, StockDemand& demand, ByteWriter&) { demand = persistence::read_stock(in); }
void read_demand(ByteReader& in, OrderDemand& demand, ByteWriter& bodies) {
  demand.action = static_cast<OrderAction>(in.fixed<std::uint8_t>());
  if (demand.action == OrderAction::enroll) {
    const auto kind = in.fixed<std::uint8_t>();
    if (kind >= kOperationKinds) in.fail();
    demand.kind = static_cast<OperationKind>(kind);
    demand.fingerprint = in.fixed<std::uint64_t>(), demand.key = in.text<IdempotencyKey>();
    demand.body_begin = static_cast<std::uint32_t>(bodies.size());
    bodies.raw(in.sized());
    demand.body_end = static_cast<std::uint32_t>(bodies.size());
  } else if (demand.action == OrderAction::reserve) {
    demand.expires_at_ns = in.fixed<std::int64_t>();
  } else {
    if (demand.action < OrderAction::enroll || demand.action > OrderAction::expire) in.fail();
    demand.order = read_transaction(in), demand.expected_version = in.varint_as<std::uint32_t>();
    demand.line = in.varint_as<std::uint32_t>(), demand.quantity = in.zigzag();
  }
}

template <class Demand>
void write_demands(ByteWriter& out, const Demands<Demand>& demands, std::string_view bodies) {
  out.varint(demands.items.size());
  std::uint32_t before = 0;
  for (const auto& item : demands.items) {
    out.varint(item.transaction - before), out.varint(item.end - item.begin);
    before = item.transaction;
    for (const Demand& demand : demands.of(item)) write_demand(out, demand, bodies);
  }
}

template <class Demand>
void read_demands(ByteReader& in, Demands<Demand>& demands, std::size_t transactions, ByteWriter& bodies) {
  demands.items.resize(in.count(2));
  std::uint64_t transaction = 0;
  for (auto& item : demands.items) {
    const std::uint64_t step = in.varint();
    if (step == 0 && &item != demands.items.data()) in.fail();
    transaction += step;
    if (!in.ok() || step >= transactions || transaction >= transactions) return in.fail();
    item.transaction = static_cast<std::uint32_t>(transaction);
    item.begin = static_cast<std::uint32_t>(demands.demands.size());
    demands.demands.resize(demands.demands.size() + in.count(4));
    item.end = static_cast<std::uint32_t>(demands.demands.size());
    for (std::uint32_t i = item.begin; i < item.end; ++i) read_demand(in, demands.demands[i], bodies);
  }
}

void write_work(ByteWriter& out, const Work& work, std::string_view bodies) {
  write_demands(out, work.order, bodies);
  write_demands(out, work.inventory, bodies);
  write_demands(out, work.payment, bodies);
}
void read_work(ByteReader& in, Work& work, std::size_t transactions, ByteWriter& bodies) {
  read_demands(in, work.order, transactions, bodies);
  read_demands(in, work.inventory, transactions, bodies);
  read_demands(in, work.payment, transactions, bodies);
}

void write_heads(ByteWriter& out, std::span<const TransactionHead> heads) {
  out.varint(heads.size());
  for (const TransactionHead& head : heads) {
    out.varint(head.sites), out.varint(head.quorum), out.zigzag(head.deadline_ns);
    write_protocol(out, head.protocol), write_error(out, head.refusal);
  }
}
void read_heads(ByteReader& in, std::vector<TransactionHead>& heads, std::uint16_t shards) {
  constexpr std::size_t kHeadBytesMin =
      5;  // A byte each. More would refuse a large batch of which little is asked here.
  heads.resize(in.count(kHeadBytesMin));
  for (TransactionHead& head : heads) {
    head.sites = in.varint(), head.quorum = in.varint(), head.deadline_ns = in.zigzag();
    head.protocol = read_protocol(in), head.refusal = read_error(in);
    if (((head.sites | head.quorum) & ~all_of_them(shards)) != 0) in.fail();
  }
}

void write_batch_head(ByteWriter& out, const Batch& batch) {
  out.varint(batch.coordinator), out.fixed(batch.incarnation), out.varint(batch.first), out.varint(batch.count);
}
void read_batch_head(ByteReader& in, Batch& batch) {
  batch.coordinator = read_shard(in), batch.incarnation = in.fixed<std::uint32_t>(), batch.first = in.varint();
  batch.count = in.varint_as<std::uint32_t>(kSubmitRequestsMax);
  if (batch.incarnation == 0 || batch.first > ~std::uint64_t{0} - kSubmitRequestsMax) in.fail();
}

}  // namespace

void write(ByteWriter& out, const Envelope& envelope) {
  out.fixed(envelope.to), out.fixed(static_cast<std::uint8_t>(envelope.kind)), out.varint(envelope.ticket);
  out.sized(envelope.body);
}

Envelope read_envelope(ByteReader& in) {
  Envelope envelope;
  envelope.to = in.fixed<ShardId>();
  const auto kind = in.fixed<std::uint8_t>();
  if (kind == 0 || kind > static_cast<std::uint8_t>(kKindLast)) in.fail();
  envelope.kind = static_cast<Kind>(kind);
  envelope.ticket = in.varint();
  envelope.body = in.sized();
  return envelope;
}

void write_error(ByteWriter& out, const Error& error) {
  out.fixed(static_cast<std::uint8_t>(error.code));
  if (error.code == Errc::none) return;
  out.sized(error.detail.substr(0, kDetailBytesMax)), out.varint(error.line), out.zigzag(error.figure);
}

Error read_error(ByteReader& in) {
  Error error;
  const auto code = in.fixed<std::uint8_t>();
  if (code >= EngineCounters::kCodes) in.fail();
  error.code = in.ok() ? static_cast<Errc>(code) : Errc::none;
  if (error.code == Errc::none) return error;
  const std::string_view detail = in.sized();
  if (detail.size() > kDetailBytesMax) in.fail();
  if (in.ok()) error.detail = keep(detail);
  error.line = in.varint_as<std::uint32_t>(), error.figure = in.zigzag();
  return error;
}

void write_operation(ByteWriter& out, const Operation& operation) {
  Plan plan;  // A body's prices and times are the plan's; of what was read they are the operation's own.
  const auto* reserve = std::get_if<Reserve>(&operation);
  if (const auto* checkout = reserve ? &reserve->checkout : std::get_if<Checkout>(&operation))
    for (const Line& line : checkout->lines) plan.unit_prices.push_back(line.unit_price);
  std::visit(
      [&plan](const auto& op) {
        if constexpr (requires { op.begun_at_ns; }) plan.begun_at_ns = op.begun_at_ns;
        if constexpr (requires { op.expires_at_ns; }) plan.expires_at_ns = op.expires_at_ns;
      },
      operation);
  ByteWriter body;
  persistence::write_body(body, operation, plan);
  out.sized(body.view());
}

Operation read_operation(ByteReader& in) {
  auto body = persistence::read_body(in.sized());
  if (!body) in.fail();
  return in.ok() ? std::move(body->operation) : Operation{};
}

void write_prepare(ByteWriter& out, const Batch& batch, ShardId to) {
  write_batch_head(out, batch);
  out.fixed(batch.begun_at_ns), out.varint(batch.parts.size());
  for (const Batch::Part& part : batch.parts) {
    const Bundle& bundle = part.submission->bundle;
    write_heads(out, bundle.transactions);
    write_work(out, bundle.work[to], bundle.bodies);
  }
}

BatchPtr read_prepare(ByteReader& in, ShardId to, std::uint16_t shards) {
  auto batch = std::make_shared<Batch>();
  read_batch_head(in, *batch);
  batch->begun_at_ns = in.fixed<std::int64_t>();
  batch->parts.resize(in.count(4));
  std::uint32_t offset = 0;
  for (Batch::Part& part : batch->parts) {
    auto submission = std::make_shared<Submission>();
    Bundle& bundle = submission->bundle;
    read_heads(in, bundle.transactions, shards);
    bundle.work.resize(shards);
    ByteWriter bodies(0);
    read_work(in, bundle.work[to], bundle.transactions.size(), bodies);
    bundle.bodies = bodies.take();
    if (bundle.transactions.empty()) in.fail();
    part.offset = offset;
    offset += static_cast<std::uint32_t>(bundle.transactions.size());
    part.submission = std::move(submission);
  }
  if (!in.done() || offset == 0 || offset != batch->count) in.fail();
  return batch;
}

void write_site_votes(ByteWriter& out, const SiteVotes& votes) {
  write_batch_head(out, *votes.batch);
  out.varint(votes.site), out.varint(votes.refusals.size());
  for (const commit::Refusal& refusal : votes.refusals) {
    out.varint(refusal.index), out.fixed(static_cast<std::uint8_t>(refusal.role)), write_error(out, refusal.error);
    write_transaction(out, refusal.repeat_of);
  }
}

SiteVotes read_site_votes(ByteReader& in) {
  constexpr std::size_t kRefusalBytesMin = 6;
  auto batch = std::make_shared<Batch>();
  read_batch_head(in, *batch);
  SiteVotes votes;
  votes.site = read_shard(in);
  votes.refusals.resize(in.count(kRefusalBytesMin));
  for (commit::Refusal& refusal : votes.refusals) {
    refusal.index = in.varint_as<std::uint32_t>();
    const auto role = in.fixed<std::uint8_t>();
    if (refusal.index >= batch->count || role >= commit::kRoles) in.fail();
    refusal.role = static_cast<commit::Role>(role);
    refusal.error = read_error(in), refusal.repeat_of = read_transaction(in);
  }
  if (!in.done()) in.fail();
  votes.batch = std::move(batch);
  return votes;
}

void write_decisions(ByteWriter& out, const Decisions& message) {
  out.varint(message.coordinator), out.varint(message.decisions->size());
  for (const commit::Decision& decision : *message.decisions)
    write_transaction(out, decision.transaction), out.fixed(static_cast<std::uint8_t>(decision.commit));
}

Decisions read_decisions(ByteReader& in) {
  Decisions message;
  message.coordinator = read_shard(in);
  std::vector<commit::Decision> decisions(in.count(kTransactionBytesMin + 1));
  for (commit::Decision& decision : decisions)
    decision.transaction = read_transaction(in), decision.commit = in.fixed<std::uint8_t>() != 0;
  if (!in.done()) in.fail();
  message.decisions = std::make_shared<const std::vector<commit::Decision>>(std::move(decisions));
  return message;
}

void write_transactions(ByteWriter& out, ShardId site, const std::vector<TransactionId>& transactions) {
  out.varint(site), out.varint(transactions.size());
  for (const TransactionId& id : transactions) write_transaction(out, id);
}

std::pair<ShardId, std::shared_ptr<const std::vector<TransactionId>>> read_transactions(ByteReader& in) {
  const ShardId site = read_shard(in);
  std::vector<TransactionId> transactions(in.count(kTransactionBytesMin));
  for (TransactionId& id : transactions) id = read_transaction(in);
  if (!in.done()) in.fail();
  return {site, std::make_shared<const std::vector<TransactionId>>(std::move(transactions))};
}

void write_notices(ByteWriter& out, const Notices& message) {
  const auto write_election = [&](const commit::Election& election) {
    out.varint(election.round), out.varint(election.leader);
  };
  out.varint(message.site), out.varint(message.notices->size());
  for (const commit::Notice& notice : *message.notices) {
    out.fixed(static_cast<std::uint8_t>(notice.kind)), write_transaction(out, notice.transaction);
    write_protocol(out, notice.protocol), out.varint(notice.sites), out.varint(notice.voters);
    write_election(notice.number), out.fixed(static_cast<std::uint8_t>(notice.phase)), write_election(notice.attempt);
  }
}

Notices read_notices(ByteReader& in) {
  constexpr std::size_t kNoticeBytesMin = 12;
  const auto read_election = [&] {
    commit::Election election;
    election.round = in.varint_as<std::uint32_t>(), election.leader = read_shard(in);
    return election;
  };
  Notices message;
  message.site = read_shard(in);
  std::vector<commit::Notice> notices(in.count(kNoticeBytesMin));
  for (commit::Notice& notice : notices) {
    const auto kind = in.fixed<std::uint8_t>();
    notice.transaction = read_transaction(in);
    notice.protocol = read_protocol(in), notice.sites = in.varint(), notice.voters = in.varint();
    notice.number = read_election();
    const auto phase = in.fixed<std::uint8_t>();
    notice.attempt = read_election();
    if (kind > static_cast<std::uint8_t>(commit::Notice::Kind::forget)) in.fail();
    if (phase > static_cast<std::uint8_t>(commit::Phase::aborted)) in.fail();
    notice.kind = static_cast<commit::Notice::Kind>(kind), notice.phase = static_cast<commit::Phase>(phase);
  }
  if (!in.done()) in.fail();
  message.notices = std::make_shared<const std::vector<commit::Notice>>(std::move(notices));
  return message;
}

bool stays_within(const Notices& message, std::uint16_t shards) {
  return std::all_of(message.notices->begin(), message.notices->end(), [&](const commit::Notice& notice) {
    return notice.transaction.shard < shards && ((notice.sites | notice.voters) & ~all_of_them(shards)) == 0;
  });
}

namespace {

/// A deadline by its sender's clock, by the own one: it is so far ahead of this moment as it was of that.
std::int64_t by_own_clock(std::int64_t deadline_ns, std::int64_t sent_at_ns, std::int64_t now_ns) {
  std::int64_t left_ns = 0, out_ns = 0;
  if (deadline_ns == 0) return 0;
  const bool ever =
      __builtin_sub_overflow(deadline_ns, sent_at_ns, &left_ns) || __builtin_add_overflow(now_ns, left_ns, &out_ns);
  return ever ? std::numeric_limits<std::int64_t>::max() : out_ns;
}

}  // namespace

void write_submission(ByteWriter& out, const Submission& submission, std::int64_t now_ns) {
  const Bundle& bundle = submission.bundle;
  out.fixed(now_ns);
  write_heads(out, bundle.transactions);
  out.varint(bundle.work.size());
  for (const Work& work : bundle.work) write_work(out, work, bundle.bodies);
  out.varint(submission.listings.size());
  for (const Listing& listing : submission.listings) {
    out.varint(listing.transaction), out.text(listing.sku), out.fixed(listing.price.currency.number);
    out.zigzag(listing.price.minor), out.fixed(static_cast<std::uint8_t>(listing.first));
  }
}

std::shared_ptr<Submission> read_submission(ByteReader& in, std::uint16_t shards, std::int64_t now_ns) {
  constexpr std::size_t kListingBytesMin = 6;
  auto submission = std::make_shared<Submission>();
  submission->bytes = sizeof *submission + in.rest();  // About what it takes in memory, as admission counts it.
  Bundle& bundle = submission->bundle;
  const auto sent_at_ns = in.fixed<std::int64_t>();
  read_heads(in, bundle.transactions, shards);
  for (TransactionHead& head : bundle.transactions)
    head.deadline_ns = by_own_clock(head.deadline_ns, sent_at_ns, now_ns);
  const std::size_t transactions = bundle.transactions.size();
  if (in.varint() != shards || transactions == 0 || transactions > kSubmitRequestsMax) in.fail();
  bundle.work.resize(shards);
  ByteWriter bodies;
  for (Work& work : bundle.work) read_work(in, work, bundle.transactions.size(), bodies);
  bundle.bodies = bodies.take();
  submission->listings.resize(in.count(kListingBytesMin));
  for (Listing& listing : submission->listings) {
    listing.transaction = in.varint_as<std::uint32_t>(), listing.sku = in.text<Sku>();
    listing.price.currency.number = in.fixed<std::uint16_t>(), listing.price.minor = in.zigzag();
    listing.first = in.fixed<std::uint8_t>() != 0;
    if (listing.transaction >= bundle.transactions.size()) in.fail();
  }
  submission->indexes.resize(bundle.transactions.size());
  std::iota(submission->indexes.begin(), submission->indexes.end(), 0U);
  if (!in.done()) in.fail();
  return submission;
}

void write_amend(ByteWriter& out, const Amend::List& list, std::int64_t now_ns) {
  out.fixed(now_ns);
  out.varint(list.requests.size());
  for (const Request& request : list.requests) {
    out.text(request.key), out.zigzag(request.deadline_ns);
    out.fixed(request.protocol ? static_cast<std::uint8_t>(*request.protocol) : kNoProtocol);
    write_operation(out, request.operation);
  }
}

std::shared_ptr<Amend::List> read_amend(ByteReader& in, ShardId to, std::int64_t now_ns) {
  constexpr std::size_t kRequestBytesMin = 5;
  auto list = std::make_shared<Amend::List>();
  const auto sent_at_ns = in.fixed<std::int64_t>();
  const std::size_t count = in.count(kRequestBytesMin);
  if (count > kSubmitRequestsMax) in.fail();
  list->requests.resize(in.ok() ? count : 0);
  for (Request& request : list->requests) {
    request.key = in.text<IdempotencyKey>();
    request.deadline_ns = by_own_clock(in.zigzag(), sent_at_ns, now_ns);
    const auto protocol = in.fixed<std::uint8_t>();
    if (protocol != kNoProtocol && protocol >= commit::kProtocols.size()) in.fail();
    if (protocol != kNoProtocol) request.protocol = static_cast<commit::Protocol>(protocol);
    request.operation = read_operation(in);
    const OrderId* order = order_amended(request.operation);
    if (request.key.empty() || !order || order->shard != to) in.fail();
  }
  list->indexes.resize(list->requests.size());
  std::iota(list->indexes.begin(), list->indexes.end(), 0U);
  if (!in.done()) in.fail();
  return list;
}

void write_outcomes(ByteWriter& out, std::span<const Outcome> outcomes) {
  out.varint(outcomes.size());
  for (const Outcome& outcome : outcomes) {
    out.varint(outcome.index);
    out.fixed(static_cast<std::uint8_t>(static_cast<unsigned>(outcome.verdict) << 1 | (outcome.replayed ? 1u : 0u)));
    write_transaction(out, outcome.transaction), write_error(out, outcome.error);
  }
}

std::vector<Outcome> read_outcomes(ByteReader& in) {
  constexpr std::size_t kOutcomeBytesMin = 6;
  std::vector<Outcome> outcomes(in.count(kOutcomeBytesMin));
  for (Outcome& outcome : outcomes) {
    outcome.index = in.varint_as<std::uint32_t>();
    const auto packed = in.fixed<std::uint8_t>();
    if (packed >> 1 > static_cast<std::uint8_t>(Verdict::unknown)) in.fail();
    outcome.verdict = static_cast<Verdict>(packed >> 1), outcome.replayed = (packed & 1) != 0;
    outcome.transaction = read_transaction(in), outcome.error = read_error(in);
  }
  if (!in.done()) in.fail();
  return outcomes;
}

}  // namespace kontor::actors::wire

#include "persistence/record_codec.hpp"

namespace kontor::persistence {
namespace {

// For reserving before reading; journals count neither.
constexpr std::size_t kTransactionBytesUsual = 4, kStanceBytesUsual = 12;

Error corrupt(std::string_view what) { return Error{Errc::corrupt_journal, what}; }

void write_head(ByteWriter& out, const BatchHead& head) {
  out.fixed(head.shard), out.fixed(head.incarnation), out.fixed(head.first);
}

OrderPreparedHead read_order_head(ByteReader& in) {
  OrderPreparedHead head;
  head.own.incarnation = in.fixed<std::uint32_t>();
  head.own.sequence = in.fixed<std::uint64_t>();
  head.batch = read_batch_head(in);
  return head;
}

/// The item's inside: everything behind its size. `body` is set to the enrolment's.
void read_item(std::string_view item, std::vector<OrderDemand>& demands, std::string_view& body, bool& ok) {
  ByteReader in(item);
  demands.resize(in.count(4));
  for (OrderDemand& demand : demands) {
    demand = OrderDemand{};
    demand.action = static_cast<OrderAction>(in.fixed<std::uint8_t>());
    if (demand.action == OrderAction::enroll) {
      demand.kind = static_cast<OperationKind>(in.fixed<std::uint8_t>());
      demand.fingerprint = in.fixed<std::uint64_t>();
      demand.key = in.text<IdempotencyKey>();
      body = in.sized();
    } else if (demand.action == OrderAction::reserve) {
      demand.expires_at_ns = static_cast<std::int64_t>(in.fixed<std::uint64_t>());
    } else {
      demand.order = read_transaction(in);
      demand.expected_version = in.varint_as<std::uint32_t>();
      demand.line = in.varint_as<std::uint32_t>(kLinesMax);
      demand.quantity = in.varint_as<std::int64_t>(kQuantityUnitsMax);
      if (demand.action < OrderAction::enroll || demand.action > OrderAction::expire) in.fail();
    }
  }
  ok = in.done();
}

}  // namespace

BatchHead read_batch_head(ByteReader& in) {
  BatchHead head;
  head.shard = in.fixed<std::uint16_t>();
  head.incarnation = in.fixed<std::uint32_t>();
  head.first = in.fixed<std::uint64_t>();
  if (head.shard >= kShardsMax || head.incarnation == 0) in.fail();
  return head;
}

void write_demand(ByteWriter& out, const PaymentDemand& demand) { write_payment(out, demand); }
void write_demand(ByteWriter& out, const StockDemand& demand) { write_stock(out, demand); }
void read_demand(ByteReader& in, PaymentDemand& demand) { demand = read_payment(in); }
void read_demand(ByteReader& in, StockDemand& demand) { demand = read_stock(in); }

PreparedWriter::PreparedWriter(const BatchHead& head, std::size_t expected_bytes) : out_(expected_bytes + 32) {
  write_head(out_, head);
}

OrderPreparedWriter::OrderPreparedWriter(const TransactionId& own, const BatchHead& head, std::size_t expected_bytes)
    : out_(expected_bytes + 64) {
  out_.fixed(own.incarnation), out_.fixed(own.sequence);
  write_head(out_, head);
}

void OrderPreparedWriter::own(const TransactionId& own) {
  out_.patch(0, own.incarnation), out_.patch(sizeof own.incarnation, own.sequence);
}

void OrderPreparedWriter::item(std::uint32_t delta, std::span<const OrderDemand> demands, std::string_view bodies) {
  item_.clear();  // Keeps its capacity: no allocation per item.
  item_.varint(demands.size());
  for (const OrderDemand& demand : demands) {
    item_.fixed(static_cast<std::uint8_t>(demand.action));
    if (demand.action == OrderAction::enroll) {
      item_.fixed(static_cast<std::uint8_t>(demand.kind));
      item_.fixed(demand.fingerprint);
      item_.text(demand.key);
      item_.sized(bodies.substr(demand.body_begin, demand.body_end - demand.body_begin));
    } else if (demand.action == OrderAction::reserve) {
      item_.fixed(static_cast<std::uint64_t>(demand.expires_at_ns));
    } else {
      write_transaction(item_, demand.order);
      item_.varint(demand.expected_version);
      item_.varint(demand.line);
      item_.varint(static_cast<std::uint64_t>(demand.quantity));
    }
  }
  out_.varint(delta);
  out_.sized(item_.view());
  ++items_;
}

Result<OrderPreparedHead> read_order_head(std::string_view payload) {
  ByteReader in(payload);
  OrderPreparedHead head = read_order_head(in);
  if (!in.ok()) return corrupt("order_prepared");
  return head;
}

Result<void> read_order_prepared(std::string_view payload, const std::function<bool(const OrderItem&)>& visit) {
  ByteReader in(payload);
  const OrderPreparedHead head = read_order_head(in);
  std::vector<OrderDemand> demands;
  while (in.ok() && !in.done()) {
    const auto delta = in.varint_as<std::uint32_t>();
    const std::string_view item = in.sized();
    bool ok = in.ok();
    std::string_view body;
    if (ok) read_item(item, demands, body, ok);
    if (!ok) return corrupt("order_prepared");
    if (!visit({head.batch.at(delta), delta, demands, body})) return {};
  }
  if (!in.done()) return corrupt("order_prepared");
  return {};
}

Result<OrderItem> read_order_item(std::string_view payload, std::uint32_t delta, std::vector<OrderDemand>& storage) {
  ByteReader in(payload);
  const OrderPreparedHead head = read_order_head(in);
  while (in.ok() && !in.done()) {
    const auto found = in.varint_as<std::uint32_t>();
    const std::string_view item = in.sized();
    if (!in.ok() || found > delta) break;
    if (found != delta) continue;
    bool ok = true;
    std::string_view body;
    read_item(item, storage, body, ok);
    if (!ok) return corrupt("order_prepared");
    return OrderItem{head.batch.at(delta), delta, storage, body};
  }
  if (!in.ok()) return corrupt("order_prepared");
  return Error{Errc::not_found, "order"};
}

std::string write_decided(ShardId shard, std::uint32_t incarnation, std::span<const OwnDecision> decisions) {
  ByteWriter out(64 + decisions.size() * 2);
  std::uint64_t previous = decisions.empty() ? 0 : decisions.front().transaction.sequence;
  write_head(out, {shard, incarnation, previous});
  out.varint(decisions.size());
  for (const OwnDecision& decision : decisions) {
    assert(decision.transaction.sequence >= previous);
    out.varint((decision.transaction.sequence - previous) << 1 | (decision.commit ? 1 : 0));
    previous = decision.transaction.sequence;
  }
  for (std::size_t i = 0; i < decisions.size(); ++i)
    if (decisions[i].commit && decisions[i].sites != 0) out.varint(i), out.varint(decisions[i].sites);
  return out.take();
}

Result<std::vector<OwnDecision>> read_decided(std::string_view payload) {
  ByteReader in(payload);
  const BatchHead head = read_batch_head(in);
  std::vector<OwnDecision> out(in.count(1));
  std::uint64_t sequence = head.first;
  for (OwnDecision& decision : out) {
    const std::uint64_t step = in.varint();
    sequence += step >> 1;
    decision = {{head.shard, head.incarnation, sequence}, (step & 1) != 0, 0};
  }
  while (in.ok() && !in.done()) {
    const auto index = in.varint_as<std::size_t>();
    const std::uint64_t sites = in.varint();
    if (!in.ok() || index >= out.size()) return corrupt("decided");
    out[index].sites = sites;
  }
  if (!in.done()) return corrupt("decided");
  return out;
}

std::string write_learned(std::span<const commit::Decision> decisions) {
  ByteWriter out(16 + decisions.size() * 12);
  for (const commit::Decision& decision : decisions) {
    write_transaction(out, decision.transaction);
    out.fixed(static_cast<std::uint8_t>(decision.commit));
  }
  return out.take();
}

Result<std::vector<commit::Decision>> read_learned(std::string_view payload) {
  ByteReader in(payload);
  std::vector<commit::Decision> out;
  out.reserve(payload.size() / kTransactionBytesUsual);
  while (in.ok() && !in.done()) {
    const TransactionId transaction = read_transaction(in);
    out.push_back({transaction, in.fixed<std::uint8_t>() != 0});
  }
  if (!in.done()) return corrupt("learned");
  return out;
}

std::string write_ended(std::span<const TransactionId> transactions) {
  ByteWriter out(16 + transactions.size() * 12);
  for (const TransactionId& transaction : transactions) write_transaction(out, transaction);
  return out.take();
}

Result<std::vector<TransactionId>> read_ended(std::string_view payload) {
  ByteReader in(payload);
  std::vector<TransactionId> out;
  out.reserve(payload.size() / kTransactionBytesUsual);
  while (in.ok() && !in.done()) out.push_back(read_transaction(in));
  if (!in.done()) return corrupt("ended");
  return out;
}

void add_asked(std::vector<Asked>& list, const TransactionId& transaction, std::uint64_t voters,
               std::int64_t since_ns) {
  if (!list.empty()) {
    Asked& last = list.back();
    TransactionId next = last.first;
    next.sequence += last.count;
    if (next == transaction && last.voters == voters && last.since_ns == since_ns) return void(++last.count);
  }
  list.push_back({transaction, 1, voters, since_ns});
}

std::string write_asked(std::span<const Asked> asked) {
  ByteWriter out(asked.size() * 24);
  for (const Asked& each : asked) {
    write_transaction(out, each.first);
    out.varint(each.count), out.varint(each.voters), out.fixed(static_cast<std::uint64_t>(each.since_ns));
  }
  return out.take();
}

Result<std::vector<Asked>> read_asked(std::string_view payload) {
  ByteReader in(payload);
  std::vector<Asked> out;
  while (in.ok() && !in.done()) {
    Asked& each = out.emplace_back();
    each.first = read_transaction(in);
    each.count = in.varint_as<std::uint32_t>(), each.voters = in.varint();
    each.since_ns = static_cast<std::int64_t>(in.fixed<std::uint64_t>());
  }
  if (!in.done()) return corrupt("asked");
  return out;
}

void write_stance(ByteWriter& out, const commit::Stance& stance) {
  out.fixed(static_cast<std::uint8_t>(stance.protocol)), out.fixed(static_cast<std::uint8_t>(stance.phase));
  out.fixed(static_cast<std::uint8_t>(stance.voted));
  out.varint(stance.sites), out.varint(stance.voters);
  for (const commit::Election& election : {stance.elected, stance.attempt})
    out.varint(election.round), out.varint(election.leader);
}

commit::Stance read_stance(ByteReader& in) {
  commit::Stance stance;
  const auto protocol = in.fixed<std::uint8_t>(), phase = in.fixed<std::uint8_t>(), voted = in.fixed<std::uint8_t>();
  if (voted > 1 || protocol >= commit::kProtocols.size() || phase > static_cast<std::uint8_t>(commit::Phase::aborted))
    in.fail();
  stance.protocol = static_cast<commit::Protocol>(protocol), stance.phase = static_cast<commit::Phase>(phase);
  stance.voted = voted != 0;
  stance.sites = in.varint(), stance.voters = in.varint();
  for (commit::Election* election : {&stance.elected, &stance.attempt}) {
    election->round = in.varint_as<std::uint32_t>();
    election->leader = in.varint_as<ShardId>(kShardsMax - 1);
  }
  return stance;
}

std::string write_stances(std::span<const Stances::value_type> stances) {
  ByteWriter out(16 + stances.size() * 24);
  for (const auto& [transaction, stance] : stances) write_transaction(out, transaction), write_stance(out, stance);
  return out.take();
}

Result<Stances> read_stances(std::string_view payload) {
  ByteReader in(payload);
  Stances out;
  out.reserve(payload.size() / kStanceBytesUsual);
  while (in.ok() && !in.done()) {
    const TransactionId transaction = read_transaction(in);
    out.emplace_back(transaction, read_stance(in));
  }
  if (!in.done()) return corrupt("stances");
  return out;
}

std::string write_opened(ShardId shard, std::uint32_t incarnation) {
  ByteWriter out(8);
  out.fixed(shard), out.fixed(incarnation);
  return out.take();
}

Result<TransactionId> read_opened(std::string_view payload) {
  ByteReader in(payload);
  const auto shard = in.fixed<std::uint16_t>();
  const auto incarnation = in.fixed<std::uint32_t>();
  if (!in.done() || incarnation == 0 || shard >= kShardsMax) return corrupt("opened");
  return TransactionId{shard, incarnation, 0};
}

}  // namespace kontor::persistence

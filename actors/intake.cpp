#include "actors/intake.hpp"

#include "domain/placement.hpp"
#include "persistence/operation_codec.hpp"

namespace kontor::actors {
namespace {

constexpr std::size_t kBodyBytesUsual = 96;  // Of an encoded checkout of three lines.
/// Of one transaction at one shard.
template <class Demand>
constexpr std::size_t kDemandsUsual = 1;
template <>
constexpr std::size_t kDemandsUsual<PaymentDemand> = 2;
template <>
constexpr std::size_t kDemandsUsual<StockDemand> = 3;

/// Adds one demand to transaction `index`'s item, which is the last one or a new one. `expected` of them will come.
template <class Demand>
void append(Demands<Demand>& to, std::uint32_t index, const Demand& demand, std::size_t expected) {
  if (to.items.empty()) to.items.reserve(expected), to.demands.reserve(expected * kDemandsUsual<Demand>);
  const auto at = static_cast<std::uint32_t>(to.demands.size());
  if (to.items.empty() || to.items.back().transaction != index) to.items.push_back({index, at, at});
  to.demands.push_back(demand);
  ++to.items.back().end;
}

void note_listing(const Operation& operation, std::uint32_t transaction, std::vector<Listing>& listings) {
  if (const auto* define = std::get_if<DefineProduct>(&operation))
    listings.push_back({transaction, define->sku, define->price, true});
  if (const auto* price = std::get_if<SetPrice>(&operation))
    listings.push_back({transaction, price->sku, price->price, false});
}

}  // namespace

const OrderId* order_amended(const Operation& operation) {
  return std::visit(
      [](const auto& op) -> const OrderId* {
        if constexpr (requires { op.order; })
          return &op.order;
        else
          return nullptr;
      },
      operation);
}

Intake::Intake(std::uint16_t shards, std::size_t expected, commit::Protocol protocol, std::int64_t now_ns,
               std::int64_t deadline_ns)
    : shards_(shards),
      expected_(expected / shards + 1),
      protocol_(protocol),
      now_ns_(now_ns),
      deadline_ns_(deadline_ns),
      submissions_(shards) {
  bodies_.reserve(shards);
  for (std::uint16_t i = 0; i < shards; ++i) bodies_.emplace_back(expected_ * kBodyBytesUsual);
}

Result<void> Intake::add(const Request& request, std::uint32_t index, const PriceList& prices) {
  if (request.key.empty()) return Error{Errc::invalid_argument, "idempotency_key"};
  const auto planned = plan(request.operation, prices, plan_, now_ns_);
  if (!planned && planned.code() != Errc::reservation_expired) return planned;
  if (!planned) plan_.clear();
  place(request, index, planned.error());
  return {};
}

void Intake::amend(const Request& request, std::uint32_t index, const Result<Order>& order) {
  plan_.clear();
  Error refusal;
  if (!order) {
    refusal = order.error();
  } else if (auto planned = plan_amendment(request.operation, *order, plan_, now_ns_); !planned) {
    refusal = planned.error();
  }
  if (refusal.code != Errc::none) plan_.clear();
  place(request, index, refusal);
}

void Intake::place(const Request& request, std::uint32_t index, const Error& refusal) {
  const ShardId home = home_of(request.key, shards_);
  auto& submission = submissions_[home];
  if (!submission) {
    submission = std::make_shared<Submission>();
    submission->bundle.work.resize(shards_);
    submission->bundle.transactions.reserve(expected_);
    submission->indexes.reserve(expected_);
  }
  Bundle& bundle = submission->bundle;
  const auto transaction = static_cast<std::uint32_t>(bundle.transactions.size());
  std::uint64_t sites = commit::site_bit(home);
  const auto at = [&](const auto& name) -> Work& {
    const ShardId shard = home_of(name, shards_);
    sites |= commit::site_bit(shard);
    return bundle.work[shard];
  };

  persistence::ByteWriter& bodies = bodies_[home];
  OrderDemand enroll;
  enroll.kind = kind_of(request.operation);
  enroll.key = request.key;
  enroll.fingerprint = fingerprint(request.operation);
  enroll.body_begin = static_cast<std::uint32_t>(bodies.size());
  if (refusal.code == Errc::none) persistence::write_body(bodies, request.operation, plan_);
  enroll.body_end = static_cast<std::uint32_t>(bodies.size());
  append(bundle.work[home].order, transaction, enroll, expected_);

  for (const OrderDemand& demand : plan_.amendments) {
    const ShardId at_order = demand.action == OrderAction::reserve ? home : demand.order.shard;
    sites |= commit::site_bit(at_order);
    append(bundle.work[at_order].order, transaction, demand, expected_);
  }
  for (const PaymentDemand& demand : plan_.payments) append(at(demand.account).payment, transaction, demand, expected_);
  for (const StockDemand& demand : plan_.stocks) append(at(demand.sku).inventory, transaction, demand, expected_);
  TransactionHead head{sites, request.deadline_ns, refusal};
  if (head.deadline_ns == 0 && sites != commit::site_bit(home)) head.deadline_ns = deadline_ns_;
  if (const auto protocol = request.protocol.value_or(protocol_);
      protocol != commit::Protocol::two_phase && sites != commit::site_bit(home)) {
    head.protocol = protocol;
    head.quorum = commit::with_witnesses(sites, home, shards_);
  }
  bundle.transactions.push_back(head);
  submission->indexes.push_back(index);
  note_listing(request.operation, transaction, submission->listings);
}

std::size_t Intake::bytes(ShardId home) const {
  const auto& submission = submissions_[home];
  if (!submission) return 0;
  const auto size = [](const auto& demands) {
    return demands.items.size() * sizeof demands.items[0] + demands.demands.size() * sizeof demands.demands[0];
  };
  std::size_t bytes = sizeof *submission + bodies_[home].size();
  for (const Work& work : submission->bundle.work)
    bytes += size(work.order) + size(work.inventory) + size(work.payment);
  return bytes;
}

std::shared_ptr<Submission> Intake::take(ShardId home) {
  const std::size_t bytes_held = bytes(home);
  auto submission = std::move(submissions_[home]);
  if (!submission) return nullptr;
  submission->bundle.bodies = bodies_[home].take();
  submission->bytes = bytes_held;
  return submission;
}

}  // namespace kontor::actors

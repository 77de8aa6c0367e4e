#include "tests/simulation/network.hpp"

#include <algorithm>

namespace kontor::sim {
namespace {
constexpr std::size_t kLately = 32;
constexpr std::int64_t kMillisecond = 1'000'000;
}  // namespace

Network::Network(Surroundings& around, std::function<void(ShardId, const caf::message&)> deliver,
                 std::function<void(ShardId, ShardId, const caf::message&)> on_send)
    : around_(around),
      deliver_(std::move(deliver)),
      on_send_(std::move(on_send)),
      random_(around.options.seed, 2),
      links_(std::size_t{around.options.shards} * around.options.shards) {}

std::int64_t Network::latency_ns() {
  const std::int64_t usual_ns = around_.options.network_us * 1'000;
  return random_.between(usual_ns / 4, usual_ns * 2);
}

void Network::send(ShardId from, ShardId to, caf::message message) {
  on_send_(from, to, message);
  ++around_.counters.messages;
  const Parcel parcel{from, to, std::move(message), ++sent_};
  const std::int64_t now_ns = around_.time.now_ns();
  const unsigned permille = healed_ ? 0 : around_.options.fault_permille;
  if (lately_.size() < kLately) lately_.push_back(parcel);
  lately_[sent_ % lately_.size()] = parcel;
  const bool lost = link(from, to).cut_until_ns > now_ns || around_.strikes(Fault::message_dropped, random_, permille);
  around_.trace.add(now_ns, lost ? "lost " : "send ", from, to, parcel.number,
                    [&] { return std::string(name(parcel.message)) + words(parcel.message); });
  if (lost) return;
  const bool overtakes = around_.strikes(Fault::messages_reordered, random_, permille);
  const bool late = around_.strikes(Fault::message_delayed, random_, permille);
  dispatch(parcel, late ? random_.between(10 * kMillisecond, 2'500 * kMillisecond) : 0, !overtakes && !late);
  if (around_.strikes(Fault::message_duplicated, random_, permille))
    dispatch(parcel, random_.chance(500) ? 0 : random_.between(0, 3'000 * kMillisecond), false);
}

void Network::dispatch(const Parcel& parcel, std::int64_t extra_ns, bool in_order) {
  Link& way = link(parcel.from, parcel.to);
  std::int64_t arrives_ns = std::max(around_.time.now_ns(), way.clogged_until_ns) + latency_ns() + extra_ns;
  if (in_order) way.free_ns = arrives_ns = std::max(arrives_ns, way.free_ns);
  ++in_flight_;
  around_.time.after(arrives_ns - around_.time.now_ns(), [this, parcel] {
    --in_flight_;
    around_.trace.add(around_.time.now_ns(), "", parcel.from, parcel.to, parcel.number,
                      [&] { return std::string(name(parcel.message)) + words(parcel.message); });
    deliver_(parcel.to, parcel.message);
  });
}

void Network::cut(ShardId from, ShardId to, std::int64_t for_ns) {
  link(from, to).cut_until_ns = around_.time.now_ns() + for_ns;
}

void Network::clog(ShardId from, ShardId to, std::int64_t for_ns) {
  link(from, to).clogged_until_ns = around_.time.now_ns() + for_ns;
}

void Network::haunt(ShardId shard) {
  for (const Parcel& parcel : lately_) {
    if ((parcel.from != shard && parcel.to != shard) || !random_.chance(400)) continue;
    around_.happened(Fault::stale_duplicate);
    dispatch(parcel, random_.between(0, 2'000 * kMillisecond), false);
  }
}

void Network::heal() {
  healed_ = true;
  for (Link& way : links_) way.cut_until_ns = way.clogged_until_ns = 0;
}

}  // namespace kontor::sim

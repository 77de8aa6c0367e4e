#include "tests/simulation/network.hpp"

#include <algorithm>

#include "tests/simulation/note.hpp"

namespace kontor::sim {
namespace {
constexpr std::size_t kLately = 32;
constexpr std::int64_t kMillisecond = 1'000'000;

std::string text(const caf::message& message) {
  std::string out = std::string(name(message)) + words(message);
  visit_one<Frame>(message, [&](const Frame& frame) {
    out = "member " + std::to_string(frame.from) + " to " + std::to_string(frame.to) + ": " + words(*frame.note);
  });
  return out;
}

}  // namespace

Network::Network(Surroundings& around, std::function<void(const Parcel&)> deliver,
                 std::function<void(ShardId, ShardId, const caf::message&)> on_send)
    : around_(around),
      deliver_(std::move(deliver)),
      on_send_(std::move(on_send)),
      random_(around.options.seed, 2),
      links_(std::size_t{around.options.machines()} * around.options.machines()) {}

std::int64_t Network::latency_ns() {
  const std::int64_t usual_ns = around_.options.network_us * 1'000;
  return random_.between(usual_ns / 4, usual_ns * 2);
}

void Network::send(ShardId from, ShardId to, caf::message message) {
  on_send_(from, to, message);
  Parcel parcel{from, to, std::move(message), 0, from, to, 0, 0};
  if (!roads_ || roads_->find(parcel)) carry(std::move(parcel));
}

void Network::post(MemberId from, MemberId to, caf::message message) {
  carry({from, to, std::move(message), 0, from, to, 0, 0});
}

void Network::carry(Parcel parcel) {
  ++around_.counters.messages;
  parcel.number = ++sent_;
  if (parcel.leaves == parcel.arrives) return dispatch(parcel, 0, true);  // It stays within one machine.
  const std::int64_t now_ns = around_.time.now_ns();
  const unsigned permille = healed_ ? 0 : around_.options.fault_permille;
  if (lately_.size() < kLately) lately_.push_back(parcel);
  lately_[sent_ % lately_.size()] = parcel;
  const bool lost = link(parcel.leaves, parcel.arrives).cut_until_ns > now_ns ||
                    around_.strikes(Fault::message_dropped, random_, permille);
  around_.trace.add(now_ns, lost ? "lost " : "send ", parcel.from, parcel.to, parcel.number,
                    [&] { return text(parcel.message); });
  if (lost) return;
  const bool overtakes = around_.strikes(Fault::messages_reordered, random_, permille);
  const bool late = around_.strikes(Fault::message_delayed, random_, permille);
  dispatch(parcel, late ? random_.between(10 * kMillisecond, 2'500 * kMillisecond) : 0, !overtakes && !late);
  if (around_.strikes(Fault::message_duplicated, random_, permille))
    dispatch(parcel, random_.chance(500) ? 0 : random_.between(0, 3'000 * kMillisecond), false);
}

void Network::dispatch(const Parcel& parcel, std::int64_t extra_ns, bool in_order) {
  Link& way = link(parcel.leaves, parcel.arrives);
  std::int64_t arrives_ns = std::max(around_.time.now_ns(), way.clogged_until_ns) + latency_ns() + extra_ns;
  if (in_order) way.free_ns = arrives_ns = std::max(arrives_ns, way.free_ns);
  ++in_flight_;
  around_.time.after(arrives_ns - around_.time.now_ns(), [this, parcel] {
    --in_flight_;
    around_.trace.add(around_.time.now_ns(), "", parcel.from, parcel.to, parcel.number,
                      [&] { return text(parcel.message); });
    deliver_(parcel);
  });
}

void Network::cut(MemberId from, MemberId to, std::int64_t for_ns) {
  link(from, to).cut_until_ns = around_.time.now_ns() + for_ns;
}

void Network::clog(MemberId from, MemberId to, std::int64_t for_ns) {
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

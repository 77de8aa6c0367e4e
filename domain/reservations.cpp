#include "domain/reservations.hpp"

namespace kontor {

void Reservations::add(const OrderId& order, std::int64_t expires_at_ns) {
  if (!open_.emplace(order, Entry{expires_at_ns, false}).second) return;
  by_expiry_.emplace(expires_at_ns, order);
  begun_.push_back(order);
}

void Reservations::end(const OrderId& order) {
  const auto it = open_.find(order);
  if (it == open_.end()) return;
  if (it->second.stored) ended_.push_back(order);
  by_expiry_.erase({it->second.expires_at_ns, order});
  open_.erase(it);
}

void Reservations::load(const OrderId& order, std::int64_t expires_at_ns) {
  if (open_.emplace(order, Entry{expires_at_ns, true}).second) by_expiry_.emplace(expires_at_ns, order);
}

Reservations::Changes Reservations::take_changes() {
  Changes out;
  for (const OrderId& order : std::exchange(begun_, {})) {
    const auto it = open_.find(order);
    if (it == open_.end() || std::exchange(it->second.stored, true)) continue;  // Ended before the store heard of it.
    out.begun.emplace_back(order, it->second.expires_at_ns);
  }
  out.ended = std::exchange(ended_, {});
  return out;
}

}  // namespace kontor

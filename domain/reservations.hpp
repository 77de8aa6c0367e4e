#pragma once
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "domain/ids.hpp"

namespace kontor {

/// The reservations of a shard that hold stock, by when they expire, and which of them the store does not know. Pure.
/// What is added or ended twice counts once: replay may tell it again.
class Reservations {
 public:
  void add(const OrderId& order, std::int64_t expires_at_ns);
  void end(const OrderId& order);
  /// From the store: it knows this one.
  void load(const OrderId& order, std::int64_t expires_at_ns);

  std::size_t size() const { return open_.size(); }
  bool contains(const OrderId& order) const { return open_.contains(order); }
  /// Ascending by the Unix time at which they expire.
  const std::set<std::pair<std::int64_t, OrderId>>& by_expiry() const { return by_expiry_; }

  /// What the store must learn since the last call.
  struct Changes {
    std::vector<std::pair<OrderId, std::int64_t>> begun;  ///< With when they expire.
    std::vector<OrderId> ended;
  };
  Changes take_changes();

 private:
  struct Entry {
    std::int64_t expires_at_ns = 0;
    bool stored = false;
  };
  boost::unordered_flat_map<OrderId, Entry> open_;
  std::set<std::pair<std::int64_t, OrderId>> by_expiry_;
  std::vector<OrderId> begun_, ended_;
};

}  // namespace kontor

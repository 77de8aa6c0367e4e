#include "cmd/kontor/replay/purchases.hpp"

#include <algorithm>

namespace kontor::cmd::replay {

Units Purchases::take(const Key& key, Units quantity, std::vector<Part>& parts) {
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return quantity;
  std::vector<Part>& left = at->second;
  while (quantity > 0 && !left.empty()) {
    Part& newest = left.back();
    const Units taken = std::min(quantity, newest.quantity);
    parts.push_back({newest.order, newest.line, taken});
    quantity -= taken;
    newest.quantity -= taken;
    if (newest.quantity == 0) left.pop_back();
  }
  if (left.empty()) by_key_.erase(at);
  return quantity;
}

}  // namespace kontor::cmd::replay

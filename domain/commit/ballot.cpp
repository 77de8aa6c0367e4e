#include "domain/commit/ballot.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace kontor::commit {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::order: return "order";
    case Role::inventory: return "inventory";
    case Role::payment: return "payment";
  }
  return "unlisted";
}

void Ballot::vote(Role role, Position position, std::span<const Refusal> refusals) {
  if ((awaited_ & role_bit(role)) == 0) return;
  awaited_ = static_cast<Roles>(awaited_ & ~role_bit(role));
  position_ = std::max(position_, position);
  refusals_.insert(refusals_.end(), refusals.begin(), refusals.end());
}

std::vector<Refusal> Ballot::take_refusals() {
  assert(complete());
  std::sort(refusals_.begin(), refusals_.end(), [](const Refusal& a, const Refusal& b) {
    return a.index != b.index ? a.index < b.index : a.role < b.role;
  });
  const auto same = [](const Refusal& a, const Refusal& b) { return a.index == b.index; };
  refusals_.erase(std::unique(refusals_.begin(), refusals_.end(), same), refusals_.end());
  return std::exchange(refusals_, {});
}

}  // namespace kontor::commit

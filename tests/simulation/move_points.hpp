#pragma once
#include <cstdint>

namespace kontor::sim {

/// Where a move is when somebody dies. What is written is durable between `before` and `after`; `after` nobody was
/// told.
enum class MovePoint : std::uint8_t {
  offered,
  copying,
  at_rest,
  before_promise,
  after_promise,
  before_decision,
  after_decision,
  told,
  before_learned,
  after_learned,
  opened,
  count
};
inline constexpr std::size_t kMovePoints = static_cast<std::size_t>(MovePoint::count);

}  // namespace kontor::sim

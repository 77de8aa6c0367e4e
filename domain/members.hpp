#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "domain/ring.hpp"

/// Who belongs to a cluster. A member's number is its place in the list, and numbers stand in the nodes' memories: so a
/// list only grows, at its end. While the cluster runs one member alone makes it longer (kRegistrar): two that did so
/// at once could give one number twice.
namespace kontor {

/// A node of the cluster. Its name is also in its certificate, and nobody else's messages count as its own.
struct Member {
  std::string node;  ///< 1 to kNodeNameBytesMax of a-z, 0-9 and '-'.
  std::string host;  ///< Where the others reach it.
  std::uint16_t port = 0;
  friend bool operator==(const Member&, const Member&) = default;
};

inline constexpr MemberId kRegistrar = 0;

/// How many members at the end of a list that is heard are new here. None: each list has someone where the other has
/// someone else; one of the nodes was told of another cluster.
inline std::optional<std::size_t> new_members(std::span<const Member> known, std::span<const Member> heard) {
  const std::size_t shared = std::min(known.size(), heard.size());
  for (std::size_t i = 0; i < shared; ++i)
    if (known[i].node != heard[i].node) return {};
  return heard.size() - shared;
}

}  // namespace kontor

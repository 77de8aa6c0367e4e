#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "domain/ids.hpp"

namespace kontor::commit {

/// The participants of a site. When several refuse, the first of this order is the answer: one input, one answer.
enum class Role : std::uint8_t { order = 0, inventory = 1, payment = 2 };
inline constexpr std::size_t kRoles = 3;
std::string_view to_string(Role role);

using Roles = std::uint8_t;  ///< A set of Role, bit by bit.
constexpr Roles role_bit(Role role) { return static_cast<Roles>(1u << static_cast<unsigned>(role)); }

/// A no. Yes votes are not spelled out: whoever answers a batch says yes to all of its items that it does not refuse.
struct Refusal {
  std::uint32_t index = 0;  ///< Of the transaction in its batch.
  Role role = Role::order;
  Error error;
  TransactionId repeat_of;  ///< Set: the key's effect was had before, by this transaction (`error` is none).
};

/// An outcome on its way to the participants of one shard.
struct Decision {
  TransactionId transaction;
  bool commit = false;
};

}  // namespace kontor::commit

#pragma once
#include <cstdint>

#include "domain/ids.hpp"

namespace kontor {

inline constexpr std::size_t kSlots = 256;
using Slot = std::uint8_t;

/// A key's slot never changes: the top byte of its hash (hash tables use the low bits).
constexpr Slot slot_of(std::uint64_t hash) { return static_cast<Slot>(hash >> 56); }

/// Which shard of one process owns a slot. Fixed at creation.
constexpr ShardId shard_of(Slot slot, std::uint16_t shards) { return static_cast<ShardId>(slot % shards); }

/// The home of an account, a SKU or an idempotency key.
template <class Name>
ShardId home_of(const Name& name, std::uint16_t shards) {
  return shards == 1 ? ShardId{0} : shard_of(slot_of(name.hash()), shards);
}

}  // namespace kontor

#pragma once
#include <optional>

#include <caf/message.hpp>

#include "domain/ids.hpp"

namespace kontor::sim {

/// The message as shard `to` would have it from another node: written by the cluster's wire, and read again. None: what
/// was written cannot be read.
std::optional<caf::message> as_bytes(const caf::message& message, ShardId to, std::uint16_t shards);

}  // namespace kontor::sim

#pragma once
#include <string_view>

#include <boost/json/array.hpp>

#include "cmd/kontor/serve/api.hpp"

/// Where the cluster's shards are, and moving them.
namespace kontor::cmd::serve {

/// As this node knows. `node`: nullptr, the engine is alone.
boost::json::array places_json(const Node* node);
/// That this node was asked for, the newest last.
boost::json::array moves_json(const Node* node);

/// `POST /v1/cluster/shards/{shard}/move/{node}`: answers at once; `GET /v1/cluster` tells how it goes. Has one effect
/// however often it is sent; the key only says that the caller means it, as everywhere.
void move_shard(const Read& read, std::string_view key);

}  // namespace kontor::cmd::serve

#pragma once
#include <string>
#include <vector>

#include "actors/engine.hpp"

namespace kontor {

/// Says what is wrong with the engine's directory.
Error refuse_dir(const EngineOptions& options, Errc code, const std::string& text, std::string* explanation);

/// How many shards the engine has. `there`: its directory's. Fewer than asked for may be all that a crash let the
/// first opening make; whoever opens them looks whether anything is in them. Errors: invalid_argument,
/// incompatible_format.
Result<std::uint16_t> shards_of(const EngineOptions& options, const std::vector<ShardId>& there,
                                std::string* explanation);

}  // namespace kontor

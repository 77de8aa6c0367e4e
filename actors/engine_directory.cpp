#include "actors/engine_directory.hpp"

#include "persistence/directory_lock.hpp"

namespace kontor {
Error refuse_dir(const EngineOptions& options, Errc code, const std::string& text, std::string* explanation) {
  if (explanation) *explanation = options.dir.string() + ": " + text;
  return Error{code, "shards"};
}

Result<std::uint16_t> shards_of(const EngineOptions& options, const std::vector<ShardId>& there,
                                std::string* explanation) {
  const auto refuse = [&](Errc code, const std::string& text) { return refuse_dir(options, code, text, explanation); };
  if (options.shards > kShardsMax)
    return refuse(Errc::invalid_argument, "at most " + std::to_string(kShardsMax) + " shards");
  const auto found = static_cast<std::uint16_t>(there.size());
  for (ShardId id = 0; id < found; ++id)
    if (there[id] != id)
      return refuse(Errc::incompatible_format, "shard " + std::to_string(id) + " is missing, but shard " +
                                                   std::to_string(there[id]) + " is there");
  if (found == 0) return options.shards == 0 ? std::uint16_t{1} : options.shards;
  if (options.shards != 0 && options.shards < found)
    return refuse(Errc::incompatible_format, "was made with " + std::to_string(found) + " shards, not " +
                                                 std::to_string(options.shards) + "; the number is fixed at creation");
  return options.shards == 0 ? found : options.shards;
}

}  // namespace kontor

#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "domain/handover.hpp"
#include "domain/result.hpp"

namespace kontor::sim {

struct CopyBlock;

/// What members say to each other about where shards are: the cluster's messages of these names (actors/cluster/wire).
struct Note {
  enum class What : std::uint8_t { places, offer, block, seal, whose, verdict } what = What::places;
  ShardId shard = 0;
  std::uint64_t epoch = 0, attempt = 0;
  std::uint64_t ticket = 0;  ///< Of a question, and of its verdict.
  std::uint64_t digest = 0;  ///< Of a seal: of all that was sent.
  Errc verdict = Errc::none;
  std::vector<Place> places;  ///< By shard.
  std::shared_ptr<const CopyBlock> block;
};
std::string words(const Note& note);

/// A note on its way: of which connection, and its place in it.
struct Frame {
  MemberId from = 0, to = 0;
  std::uint64_t connection = 0, sequence = 0;
  std::shared_ptr<const Note> note;
};

}  // namespace kontor::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::sim::Frame)

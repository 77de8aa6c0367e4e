#include "domain/commit/protocol.hpp"

namespace kontor::commit {

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::two_phase: return "two_phase";
    case Protocol::three_phase: return "three_phase";
    case Protocol::three_phase_optimised: return "three_phase_optimised";
  }
  return "unlisted";
}

Result<Protocol> parse_protocol(std::string_view text) {
  for (const Protocol protocol : kProtocols)
    if (to_string(protocol) == text) return protocol;
  return Error{Errc::invalid_argument, "protocol"};
}

std::uint64_t with_witnesses(std::uint64_t voters, ShardId coordinator, std::uint16_t shards) {
  constexpr int kSitesWanted = 3;  // The fewest that outlive the loss of one.
  std::uint64_t sites = voters;
  for (std::uint16_t i = 1; i < shards && std::popcount(sites) < kSitesWanted; ++i)
    sites |= site_bit(static_cast<ShardId>((coordinator + i) % shards));
  return sites;
}

std::uint64_t vote_collectors(std::uint64_t sites, std::uint64_t voters, ShardId coordinator) {
  constexpr ShardId kBits = 64;
  std::uint64_t collectors = site_bit(coordinator) & sites;
  for (const std::uint64_t from : {sites & voters, sites})
    for (ShardId i = 1; i < kBits && !is_quorum(collectors, sites); ++i)
      collectors |= site_bit(static_cast<ShardId>((coordinator + i) % kBits)) & from;
  return collectors;
}

}  // namespace kontor::commit

#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "domain/ids.hpp"
#include "domain/result.hpp"

namespace kontor::commit {

/// How the sites of a transaction reach one decision. All three mean the same to the caller; they differ in messages,
/// forced writes, and in what happens while the coordinator is gone. A transaction of one site needs none of them.
enum class Protocol : std::uint8_t {
  two_phase,              ///< Presumed abort. In doubt until the coordinator is back.
  three_phase,            ///< E3PC: a quorum of the sites finishes without the coordinator.
  three_phase_optimised,  ///< Likewise, with votes sent straight to the quorum: one message delay less.
};
inline constexpr std::array kProtocols{Protocol::two_phase, Protocol::three_phase, Protocol::three_phase_optimised};
std::string_view to_string(Protocol protocol);
/// Errors: invalid_argument.
Result<Protocol> parse_protocol(std::string_view text);

constexpr std::uint64_t site_bit(ShardId site) { return std::uint64_t{1} << site; }

/// A majority of `sites` is among `members`. Two quorums always share a site.
constexpr bool is_quorum(std::uint64_t members, std::uint64_t sites) {
  return 2 * std::popcount(members & sites) > std::popcount(sites);
}

/// The sites that keep a three-phase transaction's state: its `voters`, and witnesses up to three sites if there are so
/// many shards. Witnesses hold no claim; they come after the coordinator in the order of shards.
std::uint64_t with_witnesses(std::uint64_t voters, ShardId coordinator, std::uint16_t shards);

/// The sites that hear all votes in the optimised protocol: the coordinator, then other voters after it in the order of
/// shards, then witnesses, until they are a quorum of `sites`.
std::uint64_t vote_collectors(std::uint64_t sites, std::uint64_t voters, ShardId coordinator);

}  // namespace kontor::commit

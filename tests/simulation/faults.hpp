#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kontor::sim {

/// Everything that can go wrong in a simulated run, by name. A class that is off never happens.
enum class Fault : std::uint8_t {
  // Network.
  message_dropped,
  message_duplicated,
  message_delayed,
  messages_reordered,
  link_clogged,
  partition_full,
  partition_one_way,
  partition_bridging,
  stale_duplicate,  ///< Of a message from or to a life that is over.
  // Crashes.
  crash_before_append,  ///< A message was received and not looked at.
  crash_before_sync,    ///< Appended; nothing of it is kept.
  crash_torn_queue,     ///< A random prefix of what was queued is kept.
  crash_after_sync,     ///< All is durable, and nobody was told.
  crash_after_send,
  crash_in_recovery,
  crash_twice,
  crash_coordinator,
  crash_participant,
  crash_together,
  // Disk.
  sync_error_present,  ///< The write failed, and the data is there: fail-stop.
  sync_error_absent,
  disk_slow,
  disk_full,  ///< New requests are refused at the edge, other shards' prepares by a no; what is promised goes on.
  bit_flip,
  record_torn,
  // Clock.
  clock_skew,
  clock_forward,
  clock_back,
  shard_paused,
  // Clients.
  answer_lost,
  request_repeated,  ///< While the first is in flight.
  key_reused,        ///< With another body.
  // Shards that move: drawn in a stream of their own, so that what seeds drew before stays what it was.
  move_giver_killed,  ///< At one of the points of a move (move_points.hpp).
  move_taker_killed,
  move_both_killed,
  member_killed,     ///< Any, at any time, with all its shards or without one.
  link_lost,         ///< Between giver and taker, while both live.
  link_stale_frame,  ///< Came over a connection that is over.
  count
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::count);
inline constexpr std::size_t kFirstFaultOfMoves = static_cast<std::size_t>(Fault::move_giver_killed);

std::string_view to_string(Fault fault);
std::optional<Fault> parse_fault(std::string_view name);

using FaultCounters = std::array<std::uint64_t, kFaults>;

}  // namespace kontor::sim

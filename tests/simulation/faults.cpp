#include "tests/simulation/faults.hpp"

namespace kontor::sim {
namespace {

constexpr std::array<std::string_view, kFaults> kNames = {
    "message_dropped",   "message_duplicated", "message_delayed",    "messages_reordered", "link_clogged",
    "partition_full",    "partition_one_way",  "partition_bridging", "stale_duplicate",    "crash_before_append",
    "crash_before_sync", "crash_torn_queue",   "crash_after_sync",   "crash_after_send",   "crash_in_recovery",
    "crash_twice",       "crash_coordinator",  "crash_participant",  "crash_together",     "sync_error_present",
    "sync_error_absent", "disk_slow",          "disk_full",          "bit_flip",           "record_torn",
    "clock_skew",        "clock_forward",      "clock_back",         "shard_paused",       "answer_lost",
    "request_repeated",  "key_reused",         "move_giver_killed",  "move_taker_killed",  "move_both_killed",
    "member_killed",     "link_lost",          "link_stale_frame"};
static_assert(!kNames.back().empty());

}  // namespace

std::string_view to_string(Fault fault) { return kNames[static_cast<std::size_t>(fault)]; }

std::optional<Fault> parse_fault(std::string_view name) {
  for (std::size_t i = 0; i < kFaults; ++i)
    if (kNames[i] == name) return static_cast<Fault>(i);
  return {};
}

}  // namespace kontor::sim

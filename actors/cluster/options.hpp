#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "domain/members.hpp"
#include "domain/result.hpp"

/// How a node finds the others, and what it tells of them. Links without CAF's headers.
namespace kontor {

/// Of one node. All nodes must name the same members in the same order, and the same number of shards: at first member
/// i has the shards i, i + members, i + 2 members … Members that were added since (Node::add) need not be named.
struct ClusterOptions {
  std::string node;             ///< Which of the members this is.
  std::vector<Member> members;  ///< 2 to kMembersMax.
  std::uint16_t shards = 0;     ///< Of the whole cluster, fixed at creation; 0: one for each member.
  bool joins = false;           ///< A new directory begins without shards: the cluster is there, and has them.
  std::string listen_address;   ///< Empty: its own member's host.
  std::filesystem::path certificate, key, authority;  ///< PEM. The cluster's own authority signs all of them.
  /// Told in a sentence, on any thread: links that come and go, and who was turned away.
  std::function<void(const std::string& what)> on_event;
};

/// A shard that this node gives to another.
struct MoveProgress {
  std::uint16_t shard = 0;
  std::uint64_t copied_bytes = 0;
};

/// A move that this node was asked for.
struct AskedMove {
  std::uint16_t shard = 0;
  std::string to;
  bool over = false;
  Error outcome;  ///< None: it is there.
};

/// Where a shard is, as this node knows.
struct ShardPlace {
  std::string node;         ///< Empty: nobody has told yet.
  std::uint64_t epoch = 0;  ///< How often it changed its owner; the largest that is heard is so.
};

/// What a node knows of another.
struct PeerStatus {
  std::string node;
  bool connected = false;
  std::chrono::microseconds round_trip{0};  ///< Estimated (round_trip.hpp); 0: not measured yet.
  std::chrono::microseconds round_trip_deviation{0};
  double suspicion = 0;                     ///< Phi, while connected (suspicion.hpp): above 8 it is taken for gone.
  std::chrono::milliseconds silent_for{0};  ///< Since anything was heard while connected.
  std::uint64_t connections = 0;            ///< Since the start.
  std::uint64_t messages_sent = 0;          ///< Several go in one frame.
  std::uint64_t frames_sent = 0, bytes_sent = 0, frames_heard = 0, bytes_heard = 0;
  std::uint64_t refused = 0;       ///< Messages that it had no right to send, or that could not be read.
  std::uint64_t dropped = 0;       ///< Messages that found no link; the protocols send them again.
  std::size_t questions_open = 0;  ///< Asked and not answered.
  std::size_t bytes_waiting = 0;   ///< To be sent.
};

}  // namespace kontor

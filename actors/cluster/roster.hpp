#pragma once
#include <functional>
#include <mutex>
#include <span>
#include <string>

#include "actors/cluster/peers.hpp"
#include "persistence/placement_store.hpp"

namespace kontor::actors {

/// Why this may not be one of a cluster's members; empty: it may. `others` are there already.
std::string why_no_member(const Member& member, std::span<const Member> others);

/// Who belongs to the cluster: those whom this node's configuration names and those who were added since, durably
/// before anybody is told (domain/members.hpp). Any thread.
class Roster {
 public:
  struct Parts {
    Peers& peers;
    MemberId own = 0;
    std::uint16_t shards = 0;
    /// What is told in sentences, and what nobody can go on after.
    std::function<void(const std::string&)> tell, fail;
    /// Some are to be reached from now on. Under a lock: it must not call back.
    std::function<void()> added;
  };
  /// All of `parts` outlives it.
  explicit Roster(Parts parts) : parts_(std::move(parts)) {}

  /// Reads who was added before. Errors: invalid_argument (the configuration names others), io_error, corrupt_journal.
  Result<void> open(persistence::PlacementStore& store, std::string* explanation);

  /// Has the registrar add a member; `then` is told that it belongs to the cluster, durably at the registrar, or why it
  /// does not, on any thread. One that is there already at that address is no error. Errors: invalid_argument,
  /// already_exists (elsewhere), shard_unreachable, outcome_unknown.
  void add(const Member& member, const std::function<void(const Error&)>& then);

  // From the links.
  void linked(MemberId peer) { announce(peer); }
  bool take(MemberId from, const wire::Envelope& envelope);

 private:
  Error enlist(const Member& member);
  bool take_members(MemberId from, std::string_view body);
  bool grow(const std::vector<Member>& members);
  void announce(MemberId to);

  const Parts parts_;
  persistence::PlacementStore* store_ = nullptr;
  std::mutex mutex_;  ///< Held while the list grows and all others are told.
};

}  // namespace kontor::actors

#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "actors/cluster/peer.hpp"
#include "domain/ring.hpp"

namespace kontor::actors {

/// All members of the cluster by number, the own one too, though it is never asked. Any thread may read while one adds:
/// whoever is there stays where it is.
class Peers {
 public:
  explicit Peers(const std::vector<Member>& members) {
    for (const Member& member : members) add(member);
  }

  std::size_t size() const { return size_.load(std::memory_order_acquire); }
  const std::unique_ptr<Peer>& operator[](std::size_t member) const { return peers_[member]; }
  /// There must be room: kMembersMax.
  void add(const Member& member) {
    const std::size_t next = size_.load(std::memory_order_relaxed);
    peers_.at(next) = std::make_unique<Peer>(member);
    size_.store(next + 1, std::memory_order_release);
  }

  std::optional<MemberId> find(std::string_view node) const {
    for (std::size_t i = 0; i < size(); ++i)
      if (peers_[i]->member().node == node) return static_cast<MemberId>(i);
    return {};
  }
  std::vector<Member> members() const {
    std::vector<Member> out;
    for (std::size_t i = 0; i < size(); ++i) out.push_back(peers_[i]->member());
    return out;
  }

 private:
  std::array<std::unique_ptr<Peer>, kMembersMax> peers_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace kontor::actors

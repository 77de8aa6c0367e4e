#pragma once
#include <functional>
#include <vector>

#include "domain/ring.hpp"
#include "tests/simulation/surroundings.hpp"
#include "tests/simulation/wire.hpp"

namespace kontor::sim {

/// A message on its way: from shard to shard, and from machine to machine. The same, as long as no shard moves.
struct Parcel {
  ShardId from = 0, to = 0;
  caf::message message;
  std::uint64_t number = 0;
  MemberId leaves = 0, arrives = 0;
  std::uint64_t epoch = 0;  ///< Since which the sender had its shard; 0: no shard moves.
  std::uint64_t life = 0;   ///< Of the machine that it leaves.
};

/// Knows on which machines shards are, as these believe.
class Roads {
 public:
  virtual ~Roads() = default;
  /// Says which machine a message leaves, and where it goes. False: it goes nowhere.
  virtual bool find(Parcel& parcel) = 0;
};

/// All links between shards. Without faults every link is first in, first out and loses nothing; with them messages are
/// dropped, doubled, late, out of order, held back, cut off, and come again after a restart.
class Network final : public Outlet {
 public:
  /// `deliver` hands a message to the shard's current life, if it has one. `on_send` sees all that is sent.
  Network(Surroundings& around, std::function<void(const Parcel&)> deliver,
          std::function<void(ShardId, ShardId, const caf::message&)> on_send);

  void send(ShardId from, ShardId to, caf::message message) override;
  /// From machine to machine, in nobody's name.
  void post(MemberId from, MemberId to, caf::message message);
  void use(Roads& roads) { roads_ = &roads; }

  bool is_cut(MemberId from, MemberId to) { return link(from, to).cut_until_ns > around_.time.now_ns(); }
  /// Cuts links for so long: what is sent meanwhile is lost.
  void cut(MemberId from, MemberId to, std::int64_t for_ns);
  /// Holds a link's messages back for so long.
  void clog(MemberId from, MemberId to, std::int64_t for_ns);
  /// Some of what was sent lately from and to this shard comes again some time after its restart.
  void haunt(ShardId shard);
  /// Until then, and again after `heal`, nothing goes wrong; healing also frees what is cut or clogged.
  void begin_faults() { healed_ = false; }
  void heal();
  std::size_t in_flight() const { return in_flight_; }

 private:
  struct Link {
    std::int64_t free_ns = 0;  ///< The last message arrives then: a later one may not overtake it.
    std::int64_t cut_until_ns = 0, clogged_until_ns = 0;
  };
  Link& link(MemberId from, MemberId to) { return links_[std::size_t{from} * around_.options.machines() + to]; }
  void carry(Parcel parcel);
  void dispatch(const Parcel& parcel, std::int64_t extra_ns, bool in_order);
  std::int64_t latency_ns();

  Surroundings& around_;
  std::function<void(const Parcel&)> deliver_;
  std::function<void(ShardId, ShardId, const caf::message&)> on_send_;
  Random random_;
  Roads* roads_ = nullptr;
  bool healed_ = true;
  std::uint64_t sent_ = 0;
  std::size_t in_flight_ = 0;
  std::vector<Link> links_;
  std::vector<Parcel> lately_;  ///< A ring of what was sent last.
};

}  // namespace kontor::sim

#pragma once
#include <string>

#include "tests/support/tap.hpp"

namespace kontor::testing {

/// A shop of three shards in which a purchase concerns all three: shard 0 coordinates and has the customer's wallet,
/// shard 1 the goods, shard 2 the shop's wallet. Nothing crosses between shards, and nothing gets durable, unless the
/// test says so.
class ThreeSites {
 public:
  explicit ThreeSites(commit::Protocol protocol, std::chrono::nanoseconds key_retention = {}) : stage_(3) {
    stage_.protocol = protocol;
    stage_.key_retention = key_retention;
    stage_.open();
    stage_.done("k-bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
    stage_.done("k-customer", OpenAccount{acc(customer), kGbp});
    stage_.done("k-payee", OpenAccount{acc(payee), kGbp});
    stage_.done("k-goods", DefineProduct{sku(goods), gbp(100)});
    stage_.done("k-money", Deposit{acc("bank"), acc(customer), gbp(1'000)});
    stage_.done("k-stock", ReceiveStock{{{sku(goods), 5}}});
    for (int i = 0; i < 40; ++i) stage_.tick(), stage_.settle();  // All of that is acknowledged and forgotten.
    tap_ = std::make_unique<Tap>(stage_);
  }

  const std::string customer = at<AccountId>("customer", 0), goods = at<Sku>("goods", 1),
                    payee = at<AccountId>("payee", 2);

  Stage& stage() { return stage_; }
  Tap& tap() { return *tap_; }
  /// Returns the number of the request.
  std::size_t buy(std::int32_t quantity = 1) {
    return stage_.submit({{key(at<IdempotencyKey>("buy", 0)), purchase(customer, payee, {{sku(goods), quantity}})}});
  }
  /// What can happen without a message between shards, happens.
  void work() {
    for (int rounds = 0; rounds < 20; ++rounds) stage_.run(), stage_.commit_all();
  }
  /// The shard's machine is lost for good, and with it what is on its way to it.
  void lose(ShardId id) {
    actors::Fabric::Shard& own = stage_.actors_of(id);
    tap_->end(id);
    for (const auto& actor : {caf::actor_cast<caf::actor>(own.order), caf::actor_cast<caf::actor>(own.inventory),
                              caf::actor_cast<caf::actor>(own.payment)})
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    lost_ |= commit::site_bit(id);
    stage_.run();
  }
  /// What becomes of messages on their way when all restart.
  enum class Crossing : std::uint8_t { lost, late };
  /// All lose what they have in memory, and come back. No time passes.
  void restart(Crossing crossing = Crossing::lost) {
    auto late = crossing == Crossing::late ? tap_->take() : Tap::Held{};
    tap_.reset();
    stage_.crash();
    stage_.open();
    tap_ = std::make_unique<Tap>(stage_);
    tap_->hold(std::move(late));
  }
  /// So many ticks pass, in which messages arrive. Returns after how many no living shard was in doubt, or `most`.
  int ticks_until_settled(int most) {
    for (int ticks = 0; ticks < most; ++ticks) {
      bool doubt = false;
      for (ShardId id = 0; id < 3; ++id) doubt = doubt || in_doubt(id);
      if (!doubt) return ticks;
      stage_.tick();
      for (int i = 0; i < 10; ++i) work(), tap_->let_go();
    }
    return most;
  }
  bool in_doubt(ShardId id) { return (lost_ & commit::site_bit(id)) == 0 && stage_.actors_of(id).in_doubt.load() != 0; }

 private:
  template <class Name>
  static std::string at(const std::string& prefix, ShardId home) {
    return std::string(named_at<Name>(prefix + "-", home, 3).str());
  }

  Stage stage_;
  std::unique_ptr<Tap> tap_;
  std::uint64_t lost_ = 0;
};

}  // namespace kontor::testing

#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "domain/operations.hpp"

namespace kontor::cmd {

struct WorkloadOptions {
  std::uint64_t seed = 1;
  std::uint32_t skus = 10'000, customers = 100'000, merchants = 1'000;
  std::uint32_t lines = 3;
  double zipf = 0;    ///< Popularity of the product of rank k is 1 / k^zipf; 0: all the same.
  bool hot = false;   ///< Everybody buys the first product.
  double poor = 0;    ///< Share of wallets that hold one minor unit.
  double scarce = 0;  ///< Share of products of which there is one unit.

  // To measure what shards cost, what meets is chosen by where it lives (domain/placement.hpp).
  std::uint16_t shards = 1;           ///< Of the engine or cluster; only what follows needs it.
  std::optional<ShardId> names_home;  ///< All accounts and products live there.
  std::optional<ShardId> keys_home;   ///< All checkouts are coordinated there.
  bool crossing = false;              ///< The first product of a checkout lives elsewhere than its customer.
};

/// The checkouts of a load run. Number `n` is a pure function of the options, the run and `n`, so that whoever knows
/// these can ask for the same checkout again. Built for speed: names are made beforehand, a checkout costs no division
/// and, in a Request that is used again, no allocation.
class Workload {
 public:
  /// `run` makes the idempotency keys differ from those of every other run on the directory.
  Workload(const WorkloadOptions& options, std::uint32_t run);

  const WorkloadOptions& options() const { return options_; }

  /// Makes `request` checkout number `n`.
  void checkout(std::uint64_t n, Request& request) const;
  IdempotencyKey key(std::uint64_t n) const;
  std::string_view run_text() const { return {run_text_.data(), run_text_.size()}; }

  // What must be there before the first checkout.
  const AccountId& bank() const { return bank_; }  ///< External: where deposits come from.
  const std::vector<AccountId>& merchants() const { return merchants_; }
  const std::vector<AccountId>& customers() const { return customers_; }
  const std::vector<Sku>& skus() const { return skus_; }
  bool poor(std::size_t customer) const { return customers_[customer].view().front() == 'p'; }
  bool scarce(std::size_t sku) const { return skus_[sku].view().front() == 'r'; }
  /// Minor units; depends on the product only, so that every run on a directory agrees.
  static Minor price(std::size_t sku) { return 100 + static_cast<Minor>(sku % 97) * 25; }
  static Currency currency();

 private:
  struct Alias {
    std::uint32_t threshold = 0, other = 0;
  };
  void build_alias();
  std::uint32_t product(std::uint64_t random) const;
  template <class Id>
  Id named(const char* prefix, std::size_t number) const;
  void build_elsewhere();

  WorkloadOptions options_;
  std::uint64_t stream_;
  std::array<char, 8> run_text_{};
  AccountId bank_;
  std::vector<AccountId> merchants_, customers_;
  std::vector<Sku> skus_;
  std::vector<Alias> alias_;                           ///< Empty when all products are equally popular.
  std::vector<std::vector<std::uint32_t>> elsewhere_;  ///< By shard: the products of all others. Empty: no crossing.
};

}  // namespace kontor::cmd

#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include <boost/unordered/unordered_flat_map.hpp>

#include "actors/engine.hpp"
#include "domain/plan.hpp"

namespace kontor::tests {

/// A stand-in for the engine, with its rules (the domain's own) and without its order: what is submitted happens one by
/// one in random order, on another thread. Keys have one effect. Knows no CAF and no disk.
class ChaoticEngine {
 public:
  explicit ChaoticEngine(std::uint32_t seed) : random_(seed), worker_([this] { work(); }) {}
  ~ChaoticEngine();

  void submit(std::span<const Request> requests, OnOutcomes on_outcomes);

  /// After so many more effects all else is answered `code` and has none: where a crash may fall.
  void stop_after(std::uint64_t effects, Errc code);
  void go_on();
  /// Share of requests, in percent, that are answered `code` and have no effect.
  void hesitate(unsigned percent, Errc code);

  std::uint64_t effects() const { return effects_; }
  std::uint64_t replays() const { return replays_; }
  /// Most requests that waited at once.
  std::size_t pending_max() const { return pending_max_; }
  const Account* account(const AccountId& id) const { return ledger_.find(id); }
  const Product* product(const Sku& sku) const { return inventory_.find(sku); }
  const Rows<Account>& accounts() const { return ledger_.rows(); }
  std::size_t orders() const { return orders_.size(); }

 private:
  struct Pending {
    Request request;
    std::uint32_t index = 0;
    std::shared_ptr<OnOutcomes> on_outcomes;
  };
  struct Effect {
    TransactionId transaction;
    std::uint64_t fingerprint = 0;
  };

  void work();
  Outcome answer(Pending& pending);
  Result<TransactionId> happen(const Request& request);
  Result<void> make_plan(const Operation& operation, Plan& plan);
  void record(const Operation& operation, const Plan& plan, const TransactionId& transaction);

  std::mt19937 random_;
  Ledger ledger_;
  Inventory inventory_;
  boost::unordered_flat_map<TransactionId, Order> orders_;
  boost::unordered_flat_map<IdempotencyKey, Effect> keys_;
  std::atomic<std::uint64_t> effects_{0}, replays_{0};
  std::uint64_t effects_max_ = ~std::uint64_t{0};
  Errc stop_code_ = Errc::none, hesitation_ = Errc::none;
  unsigned hesitation_percent_ = 0;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Pending> pending_;
  std::atomic<std::size_t> pending_max_{0};
  bool closing_ = false;
  std::thread worker_;
};

}  // namespace kontor::tests

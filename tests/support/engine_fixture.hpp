#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "actors/engine.hpp"
#include "persistence/audit.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/shop_words.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::testing {

/// True as soon as `condition` is; false after twenty seconds.
template <class Condition>
bool eventually(const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

/// Gathers the outcomes of one submit call, in order of requests. Any thread may deliver.
class Answers {
 public:
  explicit Answers(std::size_t requests) : shared_(std::make_shared<Shared>()) { shared_->outcomes.resize(requests); }

  OnOutcomes receiver() const {
    return [shared = shared_](std::span<const Outcome> outcomes) {
      const std::lock_guard lock(shared->mutex);
      for (const Outcome& outcome : outcomes) {
        ++shared->answered;
        if (outcome.index >= shared->outcomes.size() || shared->seen.contains(outcome.index))
          ++shared->wrong;
        else
          shared->outcomes[outcome.index] = outcome;
        shared->seen.insert(outcome.index);
      }
      shared->changed.notify_all();
    };
  }
  std::size_t answered() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->answered;
  }
  /// Waits for all; each request must be answered exactly once.
  std::vector<Outcome> wait() const {
    std::unique_lock lock(shared_->mutex);
    const bool all = shared_->changed.wait_for(lock, std::chrono::seconds(60),
                                               [&] { return shared_->answered >= shared_->outcomes.size(); });
    const std::size_t answered = shared_->answered, wrong = shared_->wrong;
    std::vector<Outcome> outcomes = shared_->outcomes;
    lock.unlock();
    CAPTURE(answered, outcomes.size());
    REQUIRE(all);
    REQUIRE(wrong == 0);
    return outcomes;
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Outcome> outcomes;
    std::set<std::uint32_t> seen;
    std::size_t answered = 0, wrong = 0;
  };
  std::shared_ptr<Shared> shared_;
};

/// An engine in a directory of its own, with the words that a shop's day is told in.
///
/// What is answered as committed is seen by every read that follows. Of what is answered as aborted another shard may
/// not have heard yet: `state` waits until nothing is promised any more.
class Shop {
 public:
  explicit Shop(std::uint16_t shards = 1, EngineOptions opened_with = {}) : options(std::move(opened_with)) {
    options.shards = shards;
    options.dir = dir_.path() / "shop";
    if (!options.on_fatal)
      options.on_fatal = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()), std::abort(); };
  }

  EngineOptions options;  ///< Of the next opening.

  /// Opens at the first use.
  Engine& engine() {
    if (!engine_) {
      std::string why;
      auto opened = Engine::open(options, &why);
      INFO(why);
      REQUIRE(opened);
      engine_ = std::move(*opened);
    }
    return *engine_;
  }
  const std::filesystem::path& dir() const { return options.dir; }
  void close() { engine_.reset(); }
  Engine& reopen() { return close(), engine(); }
  void checkpoint() { engine().checkpoint(); }

  // --- Requests.

  IdempotencyKey fresh_key() { return key("request-" + std::to_string(++keys_)); }
  Request request(Operation operation) { return {fresh_key(), std::move(operation)}; }

  Outcome run(const Request& request) {
    note(request.operation);
    const Outcome outcome = engine().submit(request).get();
    note(request.operation, outcome);
    return outcome;
  }
  Outcome run(Operation operation) { return run(request(std::move(operation))); }
  Outcome run(std::string_view with_key, Operation operation) { return run({key(with_key), std::move(operation)}); }
  /// Must commit.
  TransactionId done(Operation operation) {
    const Outcome outcome = run(std::move(operation));
    CAPTURE(to_string(outcome.error.code), outcome.error.detail);
    REQUIRE(outcome.verdict == Verdict::committed);
    return outcome.transaction;
  }
  /// Must be refused, before or after it began.
  Error refused(Operation operation) {
    const Outcome outcome = run(std::move(operation));
    CHECK(outcome.verdict == Verdict::aborted);
    CHECK_FALSE(outcome.replayed);
    return outcome.error;
  }
  /// One submit call for all.
  std::vector<Outcome> run_all(std::span<const Request> requests) {
    for (const Request& request : requests) note(request.operation);
    const Answers answers(requests.size());
    engine().submit(requests, answers.receiver());
    auto outcomes = answers.wait();
    for (std::size_t i = 0; i < requests.size(); ++i) note(requests[i].operation, outcomes[i]);
    return outcomes;
  }

  // --- A scene.

  void external(std::string_view name) { done(OpenAccount{acc(name), kGbp, AccountKind::external}); }
  /// Opens a wallet and fills it from the account "bank", which is opened with the first one.
  void wallet(std::string_view name, Minor balance = 0, Minor credit_limit = 0) {
    done(OpenAccount{acc(name), kGbp, AccountKind::wallet, credit_limit});
    if (balance == 0) return;
    if (!accounts_.contains("bank")) external("bank");
    done(Deposit{acc("bank"), acc(name), gbp(balance)});
  }
  void product(std::string_view name, Minor price, Units units = 0) {
    done(DefineProduct{sku(name), gbp(price)});
    if (units > 0) done(ReceiveStock{{{sku(name), units}}});
  }
  OrderId buy(std::string_view customer, std::string_view payee, std::string_view what, Units quantity = 1) {
    return done(purchase(customer, payee, {{sku(what), quantity}}));
  }

  // --- What is read back; the object must be there.

  Account account(std::string_view name) { return there(engine().account(acc(name)).get()); }
  Product product_of(std::string_view name) { return there(engine().product(sku(name)).get()); }
  Minor balance(std::string_view name) { return account(name).balance; }
  Units on_hand(std::string_view name) { return product_of(name).on_hand; }
  Order order(const OrderId& id) { return there(engine().order(id).get()); }

  /// Every account, SKU and order that was ever named here; what is not there is "unknown".
  State state() {
    State out;
    for (const std::string& name : accounts_)
      out["account " + name] = text<Account>([&] { return engine().account(acc(name)).get(); });
    for (const std::string& name : skus_)
      out["sku " + name] = text<Product>([&] { return engine().product(sku(name)).get(); });
    for (const OrderId& id : orders_) {
      const auto order = engine().order(id).get();
      out[order_text(id)] = order ? fact(*order) : std::string(to_string(order.code()));
    }
    return out;
  }
  /// Without what was named but never came to be.
  State known() {
    State out = state();
    std::erase_if(out, [](const auto& entry) { return entry.second.starts_with("unknown"); });
    return out;
  }

  /// Closes, audits, and opens again at the next use.
  void audit_is_clean() {
    close();
    std::string why;
    const auto report = persistence::audit(options.dir, &why);
    INFO(why);
    REQUIRE(report);
    for (const std::string& fault : report->faults) FAIL_CHECK(fault);
    CHECK(report->faults_total == 0);
    CHECK(report->shards == options.shards);
  }
  /// The state is the same after reopening, after a checkpoint and reopening, and the audit is clean each time.
  void survives() {
    const State before = state();
    audit_is_clean();
    CHECK(state() == before);
    checkpoint();
    CHECK(state() == before);
    audit_is_clean();
    CHECK(state() == before);
  }

 private:
  void note(const Operation& operation) {
    const Names names = names_in(operation);
    for (const AccountId& id : names.accounts) accounts_.insert(id.str());
    for (const Sku& id : names.skus) skus_.insert(id.str());
  }
  void note(const Operation& operation, const Outcome& outcome) {
    if (outcome.verdict == Verdict::committed && order_made(outcome.transaction, operation))
      orders_.insert(outcome.transaction);
  }
  template <class Value>
  static Value there(Result<Value> found) {
    REQUIRE(found);
    return std::move(*found);
  }
  template <class Value, class Read>
  std::string text(const Read& read) {
    Result<Value> found = read();
    if (!found) return std::string(to_string(found.code()));
    REQUIRE(eventually([&] { return quiet(*found) || quiet(*(found = read())); }));
    return fact(*found);
  }

  TempDir dir_;
  std::unique_ptr<Engine> engine_;
  std::uint64_t keys_ = 0;
  std::set<std::string> accounts_, skus_;
  std::set<OrderId> orders_;
};

}  // namespace kontor::testing

// A shop in a process of its own, to be killed or to meet failing writes: engine_child DIR SHARDS CHECKOUTS AT_ONCE
//
// Seeds what is missing, then keeps AT_ONCE checkouts in flight until CHECKOUTS are answered. Prints `opened`, then
// `committed KEY TRANSACTION` or `aborted KEY CODE` for each answer, unbuffered, in the callback that brings it: what a
// caller was told.
#include "tests/support/engine_child.hpp"

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "actors/engine.hpp"

namespace {

using namespace kontor;

constexpr int kCustomers = 20, kProducts = 8;
constexpr std::uint64_t kMapBytes = 256u << 20, kReserveBytes = 1u << 20, kCheckpointBytes = 48u << 10;

void say(const std::string& text) {
  const std::string line = text + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::_Exit(1);
}

AccountId account(const std::string& name) { return *AccountId::parse(name); }
Sku sku(int number) { return *Sku::parse("sku-" + std::to_string(number)); }
IdempotencyKey key(const std::string& text) { return *IdempotencyKey::parse(text); }
AccountId customer(int number) { return account("customer-" + std::to_string(number)); }

/// Submits, waits, and retries what may be retried; keys are fixed, so a later life gets replays.
void settle(Engine& engine, std::vector<Request> requests) {
  while (!requests.empty()) {
    std::mutex mutex;
    std::condition_variable done;
    std::size_t left = requests.size();
    std::vector<Request> again;
    engine.submit(requests, [&](std::span<const Outcome> outcomes) {
      const std::lock_guard lock(mutex);
      for (const Outcome& outcome : outcomes)
        if (outcome.verdict != Verdict::committed) {
          say("seeding " + requests[outcome.index].key.str() + ": " + std::string(to_string(outcome.error.code)));
          if (advice(outcome.error.code) == Advice::retry_same_request) again.push_back(requests[outcome.index]);
        }
      left -= outcomes.size();
      done.notify_all();
    });
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return left == 0; });
    lock.unlock();
    requests = std::move(again);
    if (!requests.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void seed(Engine& engine) {
  const Currency gbp = *parse_currency("GBP");
  std::vector<Request> first{{key("open/bank"), OpenAccount{account("bank"), gbp, AccountKind::external, 0}, 0},
                             {key("open/shop"), OpenAccount{account("shop"), gbp, AccountKind::wallet, 0}, 0}};
  std::vector<Request> second;
  for (int i = 0; i < kCustomers; ++i) {
    const std::string name = std::to_string(i);
    first.push_back({key("open/" + name), OpenAccount{customer(i), gbp, AccountKind::wallet, 0}, 0});
    second.push_back({key("fund/" + name), Deposit{account("bank"), customer(i), {1'000'000'000, gbp}}, 0});
  }
  for (int i = 0; i < kProducts; ++i) {
    const std::string name = std::to_string(i);
    first.push_back({key("define/" + name), DefineProduct{sku(i), {100 + i, gbp}}, 0});
    second.push_back({key("stock/" + name), ReceiveStock{{{sku(i), 100'000'000}}}, 0});
  }
  settle(engine, first);
  settle(engine, second);
}

/// Keeps a number of checkouts in flight.
class Shop {
 public:
  Shop(Engine& engine, std::uint64_t life) : engine_(engine), life_(std::to_string(life)), random_(life) {}

  void run(std::uint64_t checkouts, std::uint64_t at_once) {
    for (std::uint64_t i = 0; i < std::min(at_once, checkouts); ++i) submit();
    std::unique_lock lock(mutex_);
    while (answered_ < checkouts) {
      changed_.wait(lock, [&] { return answered_ + in_flight_ < checkouts || answered_ >= checkouts; });
      const bool more = answered_ + in_flight_ < checkouts && in_flight_ < at_once;
      lock.unlock();
      if (more) submit();
      lock.lock();
    }
  }

 private:
  void submit() {
    Checkout checkout;
    checkout.customer = customer(static_cast<int>(random_() % kCustomers));
    checkout.currency = *parse_currency("GBP");
    checkout.payees = {account("shop")};
    for (int line = 0; line < 2; ++line) checkout.lines.push_back({sku(static_cast<int>(random_() % kProducts)), 1});
    const std::string name = "life-" + life_ + "/" + std::to_string(++number_);
    {
      const std::lock_guard lock(mutex_);
      ++in_flight_;
    }
    const Request request{key(name), checkout, 0};
    engine_.submit(std::span<const Request>(&request, 1), [this, name](std::span<const Outcome> outcomes) {
      const Outcome& outcome = outcomes.front();
      if (outcome.verdict == Verdict::committed) say("committed " + name + " " + transaction_text(outcome.transaction));
      if (outcome.verdict == Verdict::aborted)
        say("aborted " + name + " " + std::string(to_string(outcome.error.code)));
      const std::lock_guard lock(mutex_);
      --in_flight_, ++answered_;
      changed_.notify_all();
    });
  }

  Engine& engine_;
  std::string life_;
  std::mt19937_64 random_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t number_ = 0, in_flight_ = 0, answered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  EngineOptions options;
  options.dir = argv[1];
  options.shards = static_cast<std::uint16_t>(std::atoi(argv[2]));
  options.map_bytes = kMapBytes;
  options.reserve_bytes = kReserveBytes;
  options.checkpoint_journal_bytes = kCheckpointBytes;
  std::string explanation;
  auto engine = Engine::open(options, &explanation);
  if (!engine) {
    say("refused " + std::string(to_string(engine.code())) + ": " + explanation);
    return testing::kEngineChildRefusedExit;
  }
  say("opened");
  seed(**engine);
  say("seeded");
  Shop(**engine, std::random_device{}()).run(std::strtoull(argv[3], nullptr, 10), std::strtoull(argv[4], nullptr, 10));
  (*engine)->close();
  return 0;
}

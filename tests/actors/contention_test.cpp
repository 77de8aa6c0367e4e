// Many want the same thing at the same time: the last unit, the last penny, one key, one price.
#include <algorithm>
#include <atomic>

#include "tests/support/engine_fixture.hpp"

namespace kontor::testing {
namespace {

std::uint16_t shards() { return GENERATE(std::uint16_t{1}, std::uint16_t{3}); }

std::size_t committed(const std::vector<Outcome>& outcomes) {
  return static_cast<std::size_t>(std::count_if(outcomes.begin(), outcomes.end(),
                                                [](const Outcome& o) { return o.verdict == Verdict::committed; }));
}

/// What was not committed was refused with `code`, and with nothing else.
void others_are_refused(const std::vector<Outcome>& outcomes, Errc code) {
  std::size_t others = 0;
  for (const Outcome& outcome : outcomes)
    if (outcome.verdict != Verdict::committed && (outcome.verdict != Verdict::aborted || outcome.error.code != code))
      ++others;
  CHECK(others == 0);
}

}  // namespace

TEST_CASE("contention: ten thousand buyers of one unit", "[actors][engine]") {
  Shop shop(shards());
  const std::size_t buyers = scaled(10'000);
  shop.wallet("shop");
  shop.product("last", 100, 1);
  shop.wallet("crowd", static_cast<Minor>(buyers) * 100);
  std::vector<Request> requests;
  for (std::size_t i = 0; i < buyers; ++i)
    requests.push_back(shop.request(purchase("crowd", "shop", {{sku("last"), 1}})));
  const auto outcomes = shop.run_all(requests);
  CHECK(committed(outcomes) == 1);
  others_are_refused(outcomes, Errc::out_of_stock);
  CHECK(shop.on_hand("last") == 0);
  CHECK(shop.balance("shop") == 100);
  CHECK(shop.balance("crowd") == static_cast<Minor>(buyers - 1) * 100);
  shop.survives();
}

TEST_CASE("contention: a wallet pays as long as it can, and not a penny more", "[actors][engine]") {
  Shop shop(shards());
  shop.wallet("shop");
  shop.product("mug", 300, 1'000'000);
  shop.wallet("alice", 10'000);
  std::vector<Request> requests;
  for (int i = 0; i < 500; ++i) requests.push_back(shop.request(purchase("alice", "shop", {{sku("mug"), 1}})));
  const auto outcomes = shop.run_all(requests);
  CHECK(committed(outcomes) == 33);
  others_are_refused(outcomes, Errc::insufficient_funds);
  CHECK(shop.balance("alice") == 100);
  CHECK(shop.balance("shop") == 9'900);
  shop.survives();
}

TEST_CASE("contention: two hundred identical requests have one effect", "[actors][engine]") {
  Shop shop(shards());
  shop.wallet("shop");
  shop.wallet("alice", 100'000);
  shop.product("mug", 100, 1'000);
  const Request once = shop.request(purchase("alice", "shop", {{sku("mug"), 2}}));
  const std::vector<Request> requests(200, once);
  const auto outcomes = shop.run_all(requests);

  std::set<TransactionId> transactions;
  std::size_t first = 0;
  for (const Outcome& outcome : outcomes) {
    if (outcome.verdict == Verdict::aborted) {  // While the first is under way: ask again.
      CHECK(to_string(outcome.error.code) == to_string(Errc::request_in_progress));
      continue;
    }
    REQUIRE(outcome.verdict == Verdict::committed);
    transactions.insert(outcome.transaction);
    first += outcome.replayed ? 0 : 1;
  }
  CHECK(transactions.size() == 1);
  CHECK(first == 1);
  CHECK(shop.on_hand("mug") == 998);
  CHECK(shop.balance("alice") == 99'800);

  const auto again = [&](const char* when) {
    INFO(when);
    const auto replays = shop.run_all(requests);
    CHECK(committed(replays) == 200);
    for (const Outcome& outcome : replays) {
      CHECK(outcome.replayed);
      CHECK(outcome.transaction == *transactions.begin());
    }
    const Outcome other = shop.run({once.key, purchase("alice", "shop", {{sku("mug"), 3}})});
    CHECK(other.verdict == Verdict::aborted);
    CHECK(to_string(other.error.code) == to_string(Errc::idempotency_key_reused));
    CHECK(shop.on_hand("mug") == 998);
  };
  again("at once");
  shop.checkpoint();
  again("after a checkpoint");
  shop.reopen();
  again("after reopening");
  shop.survives();
}

TEST_CASE("contention: what was refused may be asked again with the same key", "[actors][engine]") {
  Shop shop(shards());
  shop.wallet("shop");
  shop.wallet("alice", 50);
  shop.product("mug", 100, 10);
  const Request request = shop.request(purchase("alice", "shop", {{sku("mug"), 1}}));
  CHECK(shop.run(request).error.code == Errc::insufficient_funds);
  shop.done(Deposit{acc("bank"), acc("alice"), gbp(50)});
  const Outcome paid = shop.run(request);
  CHECK(paid.verdict == Verdict::committed);
  CHECK_FALSE(paid.replayed);
  CHECK(shop.run(request).replayed);
  CHECK(shop.balance("alice") == 0);
  shop.survives();
}

TEST_CASE("contention: prices change under the buyers, and nobody pays a price that was not asked",
          "[actors][engine]") {
  Shop shop(shards());
  shop.wallet("shop");
  shop.product("mug", 100, 1'000'000);
  shop.wallet("alice", 1'000'000'000);
  Engine& engine = shop.engine();

  // The price rises by a penny with each version, so a price names the version that it was read at.
  std::atomic<bool> selling{true};
  std::atomic<Minor> current{100};
  std::thread pricing([&] {
    while (selling) {
      const Minor next = current + 1;
      const Outcome outcome =
          engine.submit({key("price-" + std::to_string(next)), SetPrice{sku("mug"), gbp(next)}}).get();
      if (outcome.verdict == Verdict::committed) current = next;
    }
  });
  std::size_t sold = 0;
  Minor charged = 0;
  for (std::size_t round = 0; round < scaled(200); ++round) {
    std::vector<Request> requests;
    for (int i = 0; i < 20; ++i) requests.push_back(shop.request(purchase("alice", "shop", {{sku("mug"), 1}})));
    const Minor before = current;
    const auto outcomes = shop.run_all(requests);
    const Minor after = current + 1;  // One may have committed that its thread has not heard of.
    for (const Outcome& outcome : outcomes) {
      if (outcome.verdict != Verdict::committed) {
        CAPTURE(to_string(outcome.error.code));
        CHECK((outcome.error.code == Errc::price_changed || outcome.error.code == Errc::conflict));
        continue;
      }
      const Minor price = shop.order(outcome.transaction).checkout.lines.at(0).unit_price;
      CHECK(price >= before);
      CHECK(price <= after);
      charged += price;
      ++sold;
    }
  }
  selling = false;
  pricing.join();
  CHECK(sold > 0);
  CHECK(current > 100);
  CHECK(shop.product_of("mug").version == current - 99);
  CHECK(shop.product_of("mug").sold == static_cast<Units>(sold));
  CHECK(shop.balance("alice") == 1'000'000'000 - charged);
  CHECK(shop.balance("shop") == charged);
  shop.survives();
}

}  // namespace kontor::testing

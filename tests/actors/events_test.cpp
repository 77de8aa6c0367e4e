// The log of what committed: in order, each once, nothing passed over, the same after a checkpoint and after a restart.
#include "tests/support/engine_fixture.hpp"
#include "tests/support/stage.hpp"

namespace kontor::testing {
namespace {

EventPage page_of(Engine& engine, ShardId shard, std::uint64_t after, std::size_t most) {
  std::promise<Result<EventPage>> promise;
  engine.events(shard, after, most, [&](const Result<EventPage>& page) { promise.set_value(page); });
  auto page = promise.get_future().get();
  REQUIRE(page);
  return std::move(*page);
}

/// All of a shard's log, in pages of `most`.
std::vector<Event> log_of(Engine& engine, ShardId shard, std::size_t most) {
  std::vector<Event> all;
  for (std::uint64_t after = 0;;) {
    EventPage page = page_of(engine, shard, after, most);
    CHECK(page.events.size() <= most);
    for (Event& event : page.events) {
      CHECK(event.place > after);
      CHECK(event.place <= page.reached);
      after = event.place;
      all.push_back(std::move(event));
    }
    after = page.reached;
    if (!page.more) return all;
  }
}

std::vector<TransactionId> ids(const std::vector<Event>& events) {
  std::vector<TransactionId> out;
  for (const Event& event : events) out.push_back(event.record.id);
  return out;
}

}  // namespace

TEST_CASE("events: what committed, in order, without what was refused", "[actors][events]") {
  Shop shop(GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  shop.wallet("alice", 1'000);
  shop.wallet("shop");
  shop.product("mug", 100, 5);
  std::map<ShardId, std::vector<TransactionId>> committed;
  const std::size_t set_up = 6;
  for (int i = 0; i < 9; ++i) {  // Five mugs; then none is left.
    const Outcome outcome = shop.run(purchase("alice", "shop", {{sku("mug"), 1}}));
    if (outcome.verdict == Verdict::committed) committed[outcome.transaction.shard].push_back(outcome.transaction);
  }
  const auto check = [&] {
    std::size_t all = 0;
    for (ShardId shard = 0; shard < shop.options.shards; ++shard) {
      const auto whole = log_of(shop.engine(), shard, kEventsMax);
      CHECK(ids(log_of(shop.engine(), shard, 1)) == ids(whole));
      std::vector<TransactionId> checkouts;
      for (const Event& event : whole) {
        CHECK(event.record.verdict == Verdict::committed);
        if (std::holds_alternative<Checkout>(event.record.operation)) checkouts.push_back(event.record.id);
      }
      CHECK(checkouts == committed[shard]);
      all += whole.size();
    }
    CHECK(all == set_up + 5);
  };
  check();
  shop.reopen();
  check();
  shop.checkpoint();
  check();
  shop.checkpoint();
  shop.reopen();
  check();
}

TEST_CASE("events: a page ends at its bounds and says that there is more", "[actors][events][limits]") {
  Shop shop;
  shop.wallet("alice", 1'000'000);
  shop.wallet("shop");
  shop.product("mug", 1, 1'500);
  std::vector<Request> requests;
  for (std::size_t i = 0; i < kEventsMax + 200; ++i)
    requests.push_back(shop.request(purchase("alice", "shop", {{sku("mug"), 1}})));
  shop.run_all(requests);
  const EventPage first = page_of(shop.engine(), 0, 0, kEventsMax);
  CHECK(first.events.size() == kEventsMax);
  CHECK(first.more);
  CHECK_FALSE(page_of(shop.engine(), 0, first.reached, kEventsMax).more);

  // More aborted ones in a row than are looked through at once.
  for (const std::size_t most : {std::size_t{0}, kEventsMax + 1}) {
    std::promise<Errc> code;
    shop.engine().events(0, 0, most, [&](const Result<EventPage>& page) { code.set_value(page.code()); });
    CHECK(code.get_future().get() == Errc::invalid_argument);
  }
  requests.clear();
  const Request scarce = shop.request(purchase("alice", "shop", {{sku("mug"), 1'400}}));
  for (std::size_t i = 0; i < kEventItemsMax + 100; ++i)
    requests.push_back(shop.request(purchase("alice", "shop", {{sku("mug"), 1'400}})));
  shop.run_all(requests);
  const std::uint64_t before = log_of(shop.engine(), 0, kEventsMax).back().place;
  const TransactionId last = shop.buy("alice", "shop", "mug");
  std::size_t pages = 0, told = 0;
  for (std::uint64_t after = before;; ++pages) {
    const EventPage page = page_of(shop.engine(), 0, after, kEventsMax);
    told += page.events.size();
    if (!page.events.empty()) CHECK(page.events.back().record.id == last);
    after = page.reached;
    if (!page.more) break;
  }
  CHECK(told == 1);
  CHECK(pages == 1);
}

TEST_CASE("events: the log ends before what is not decided, and passes nothing over", "[actors][events]") {
  Stage stage(2);
  stage.open();
  const auto key_at = [&](const std::string& prefix, ShardId home) {
    return named_at<IdempotencyKey>(prefix, home, 2).str();
  };
  const auto account_at = [&](const std::string& prefix, ShardId home) { return named_at<AccountId>(prefix, home, 2); };
  const AccountId near = account_at("near", 0), far = account_at("far", 1);
  stage.done("bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
  stage.done("near", OpenAccount{near, kGbp});
  stage.done("far", OpenAccount{far, kGbp});
  stage.done("fund", Deposit{acc("bank"), near, gbp(100)});
  const auto read = [&](std::uint64_t after) {
    EventPage out;
    caf::anon_send(stage.actors_of(0).order, actors::ReadEvents{after, kEventsMax, [&](const Result<EventPage>& page) {
                                                                  REQUIRE(page);
                                                                  out = *page;
                                                                }});
    stage.run();
    return out;
  };
  const std::uint64_t before = read(0).reached;
  // The first waits for the other shard's disk; the second is done.
  const std::size_t slow = stage.submit(key_at("slow", 0), Transfer{near, far, gbp(1)});
  stage.run();
  stage.journal(0).commit();
  stage.run();
  const std::size_t quick = stage.submit(key_at("quick", 0), OpenAccount{account_at("new", 0), kGbp});
  stage.run();
  stage.journal(0).commit();
  stage.run();
  REQUIRE(stage.outcomes.contains(quick));
  REQUIRE_FALSE(stage.outcomes.contains(slow));
  CHECK(read(before).events.empty());
  CHECK(read(before).reached == before);
  CHECK(read(before).held_up);
  CHECK(read(before).newest > before);  // The quick one, beyond the slow one.
  stage.settle();
  REQUIRE(stage.outcomes.contains(slow));
  const EventPage page = read(before);
  CHECK_FALSE(page.held_up);
  REQUIRE(page.events.size() == 2);
  CHECK(page.newest == page.events[1].place);
  CHECK(page.events[0].record.id == stage.outcomes.at(slow).transaction);
  CHECK(page.events[1].record.id == stage.outcomes.at(quick).transaction);
}

}  // namespace kontor::testing

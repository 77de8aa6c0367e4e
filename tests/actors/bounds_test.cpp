// Every bound on work in flight and on the engine as a whole: at the bound a refusal with its code, and afterwards work
// goes on and the books are clean.
#include "domain/placement.hpp"
#include "tests/support/engine_fixture.hpp"
#include "tests/support/stage.hpp"

namespace kontor::testing {
namespace {

using namespace std::chrono_literals;

constexpr Minor kFunds = 1'000'000'000;
constexpr std::uint64_t kSmallReserve = 1u << 20;

/// Alice with much money, the merchant ann, and mugs without end.
struct Till : Shop {
  explicit Till(std::uint16_t shards, EngineOptions opened_with = {}) : Shop(shards, std::move(opened_with)) {
    external("bank");
    wallet("alice", kFunds);
    wallet("ann");
    product("mug", 100, kQuantityUnitsMax);
  }
  Operation one_mug() const { return purchase("alice", "ann", {{sku("mug"), 1}}); }
  std::vector<Request> requests(std::size_t count, const Operation& operation) {
    std::vector<Request> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(request(operation));
    return out;
  }
  ShardId home(const Request& request) const { return home_of(request.key, options.shards); }
  /// A request whose key `shard` is home to.
  Request request_at(ShardId shard, const Operation& operation) {
    Request made = request(operation);
    while (home(made) != shard) made.key = fresh_key();
    return made;
  }
};

EngineOptions with(std::size_t open_transactions_max) {
  EngineOptions options;
  options.open_transactions_max = open_transactions_max;
  return options;
}
EngineOptions tiny(std::uint64_t map_bytes, std::uint64_t checkpoint_bytes = 0) {
  EngineOptions options;
  options.map_bytes = map_bytes, options.reserve_bytes = kSmallReserve;
  options.checkpoint_journal_bytes = checkpoint_bytes;
  return options;
}

std::size_t count(const std::vector<Outcome>& outcomes, Errc code) {
  return static_cast<std::size_t>(
      std::count_if(outcomes.begin(), outcomes.end(), [&](const Outcome& o) { return o.error.code == code; }));
}

/// One call: of each home the first `most` commit, the others are refused; then those commit, some at a time.
std::vector<Outcome> run_in_parts(Till& till, std::vector<Request> requests, std::size_t most) {
  std::vector<Outcome> done;
  for (bool first = true; !requests.empty(); first = false) {
    std::vector<std::size_t> admitted(till.options.shards);
    std::vector<Request> again;
    for (const Outcome& outcome : till.run_all(requests)) {
      const Request& request = requests[outcome.index];
      const bool room = admitted[till.home(request)]++ < most;
      CAPTURE(first, outcome.index, to_string(outcome.error.code));
      CHECK(to_string(outcome.verdict) == to_string(room ? Verdict::committed : Verdict::aborted));
      CHECK(outcome.error.code == (room ? Errc::none : Errc::overloaded));
      if (!room) CHECK_FALSE(outcome.transaction);
      (room ? done.push_back(outcome) : again.push_back(request));
    }
    REQUIRE(again.size() < requests.size());
    requests = std::move(again);
  }
  return done;
}

std::uint16_t shards() { return GENERATE(std::uint16_t{1}, std::uint16_t{3}); }

}  // namespace

// --- Work in flight.

TEST_CASE("bounds: beyond the open transactions of a shard a request is overloaded, and commits when sent again",
          "[actors][engine][limits]") {
  CHECK(EngineOptions{}.open_transactions_max == kOpenTransactionsMax);
  Till till(shards(), with(7));
  const auto bought = run_in_parts(till, till.requests(50, till.one_mug()), 7);
  CHECK(till.product_of("mug").sold == 50);
  CHECK(till.balance("ann") == 5'000);

  std::vector<Request> cancels;
  for (const Outcome& outcome : bought) cancels.push_back(till.request(Cancel{outcome.transaction}));
  run_in_parts(till, std::move(cancels), 7);
  CHECK(till.product_of("mug").returned == 50);
  CHECK(till.balance("alice") == kFunds);
  CHECK(till.engine().counters().open == 0);
  till.survives();
}

TEST_CASE("bounds: many callers at a low bound are all answered, each effect is there once", "[actors][engine]") {
  Till till(shards(), with(5));
  Engine& engine = till.engine();
  constexpr int kCallers = 4, kCalls = 100;
  std::atomic<std::size_t> committed{0}, overloaded{0}, other{0};
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < kCallers; ++caller)
      callers.emplace_back([&, caller] {
        for (int call = 0; call < kCalls; ++call) {
          std::vector<std::future<Outcome>> futures;
          for (int i = 0; i < 4; ++i)
            futures.push_back(engine.submit(Request{
                key(std::to_string(caller) + "/" + std::to_string(call) + "/" + std::to_string(i)), till.one_mug()}));
          for (auto& future : futures) {
            const Outcome outcome = future.get();
            auto& counter = outcome.verdict == Verdict::committed    ? committed
                            : outcome.error.code == Errc::overloaded ? overloaded
                                                                     : other;
            ++counter;
          }
        }
      });
  }
  CHECK(committed + overloaded == kCallers * kCalls * 4);
  CHECK(committed >= kCalls);
  CHECK(other == 0);
  CHECK(till.product_of("mug").sold == static_cast<Units>(committed.load()));
  CHECK(engine.counters().open == 0);
  till.audit_is_clean();
}

TEST_CASE("bounds: the bytes of open requests are bounded, of each shard alone", "[actors][engine][limits]") {
  Till till(shards());
  std::vector<Request> definitions;
  ReceiveStock receipt;
  for (std::size_t i = 0; i < kLinesMax; ++i) {
    std::string name = "part-" + std::to_string(i) + "-";
    name.resize(kNameBytesMax, 'x');
    definitions.push_back({key(name), DefineProduct{sku(name), gbp(1)}});
    receipt.lines.push_back({sku(name), 1});
  }
  REQUIRE(count(till.run_all(definitions), Errc::none) == kLinesMax);

  constexpr std::size_t kReceipts = 700;  // About three times what has room.
  std::vector<Request> receipts;
  for (std::size_t i = 0; i < kReceipts; ++i) receipts.push_back(till.request_at(0, receipt));
  if (till.options.shards > 1) receipts.push_back(till.request_at(1, receipt));  // Elsewhere there is room.
  const auto outcomes = till.run_all(receipts);
  const std::size_t committed = count(outcomes, Errc::none), overloaded = count(outcomes, Errc::overloaded);
  CHECK(committed + overloaded == receipts.size());
  CHECK(committed * kLinesMax * sizeof(StockDemand) < kOpenBytesMax * 3 / 2);
  CHECK(committed > 100);
  CHECK(overloaded > 100);
  for (std::size_t i = 1; i < kReceipts; ++i) REQUIRE(outcomes[i].error.code >= outcomes[i - 1].error.code);
  if (till.options.shards > 1) CHECK(outcomes.back().verdict == Verdict::committed);
  CHECK(till.on_hand(receipt.lines.front().sku.view()) == static_cast<Units>(committed));
  CHECK(till.on_hand(receipt.lines.back().sku.view()) == static_cast<Units>(committed));

  // What was taken is given back: soon there is room for as much again.
  std::vector<Request> more;
  for (std::size_t i = 0; i < 100; ++i) more.push_back(till.request_at(0, receipt));
  CHECK(eventually([&] { return count(till.run_all(more), Errc::overloaded) == 0; }));
  CHECK(till.on_hand(receipt.lines.back().sku.view()) == static_cast<Units>(committed + 100));
  till.audit_is_clean();
}

TEST_CASE("bounds: what amends an order is as long as the order, and bounded likewise", "[actors][engine][limits]") {
  EngineOptions options;
  options.reserve_bytes = kSmallReserve;
  Till till(shards(), options);
  Checkout large = purchase("alice", "ann", {});
  for (int i = 0; i < 1'500; ++i) large.lines.push_back({sku("mug"), 1});
  constexpr std::size_t kOrders = 40;  // Of some 80 KB each, when 768 KB of a shard may be open.
  std::vector<Request> cancels;
  for (std::size_t i = 0; i < kOrders; ++i) cancels.push_back(till.request_at(0, Cancel{till.done(large)}));
  const auto outcomes = till.run_all(cancels);
  const std::size_t overloaded = count(outcomes, Errc::overloaded);
  CHECK(overloaded > kOrders / 2);
  CHECK(count(outcomes, Errc::none) + overloaded == kOrders);
  CHECK(till.engine().counters().open == 0);
  CHECK(eventually([&] { return count(till.run_all(cancels), Errc::none) == kOrders; }));
  CHECK(till.balance("alice") == kFunds);
  till.audit_is_clean();
}

TEST_CASE("bounds: one call takes so many requests and not one more", "[actors][engine][limits]") {
  Till till(shards());
  const std::vector<Request> many(kSubmitRequestsMax + 1, till.request(till.one_mug()));
  const EngineCounters before = till.engine().counters();
  CHECK(count(till.run_all(many), Errc::too_large) == many.size());
  const EngineCounters after = till.engine().counters();
  CHECK(after.submitted - before.submitted == many.size());
  CHECK(after.aborted - before.aborted == many.size());
  CHECK(after.begun == before.begun);
  CHECK(till.product_of("mug").sold == 0);

  // As many as allowed: one batch to each home, of far more than coordinators gather.
  std::vector<Request> allowed;
  for (std::size_t i = 0; i < kSubmitRequestsMax; ++i)
    allowed.push_back(till.request(Transfer{acc("alice"), acc("ann"), gbp(1)}));
  static_assert(kSubmitRequestsMax > 3 * kBatchTransactionsMax);
  const auto outcomes = till.run_all(allowed);
  const std::size_t committed = count(outcomes, Errc::none);
  CHECK(committed + count(outcomes, Errc::overloaded) == allowed.size());  // Their bytes may be too many.
  CHECK(committed > kBatchTransactionsMax);
  CHECK(till.balance("ann") == static_cast<Minor>(committed));
  till.audit_is_clean();
}

TEST_CASE("bounds: an empty call is answered with nothing", "[actors][engine]") {
  Till till(shards());
  till.engine().submit({}, [](std::span<const Outcome>) { std::abort(); });
  till.buy("alice", "ann", "mug");
  till.audit_is_clean();
}

// --- Shards and names.

TEST_CASE("bounds: as many shards as fit a word, and not one more", "[actors][engine][limits]") {
  Shop shop(static_cast<std::uint16_t>(kShardsMax), tiny(16u << 20));
  std::string why;
  EngineOptions one_more = shop.options;
  one_more.shards = static_cast<std::uint16_t>(kShardsMax + 1);
  CHECK(Engine::open(one_more, &why).code() == Errc::invalid_argument);
  CHECK_THAT(why, Catch::Matchers::Contains("at most 64 shards"));

  REQUIRE(shop.engine().shards() == kShardsMax);
  shop.external("bank");
  Checkout everywhere = purchase("alice", "ann", {});
  std::vector<Request> definitions;
  StockLine any;
  ReceiveStock stock;
  for (int i = 0; i < 400; ++i) {
    any.sku = sku("thing-" + std::to_string(i)), any.quantity = 1;
    definitions.push_back(shop.request(DefineProduct{any.sku, gbp(1)}));
    stock.lines.push_back(any);
    everywhere.lines.push_back({any.sku, 1});
  }
  CHECK(count(shop.run_all(definitions), Errc::none) == 400);
  shop.done(stock);
  shop.wallet("alice", 400);
  shop.wallet("ann");
  shop.done(everywhere);
  CHECK(shop.balance("ann") == 400);
  CHECK(shop.refused(everywhere).code == Errc::out_of_stock);
  shop.survives();
}

TEST_CASE("bounds: the longest names and keys are kept whole, longer ones are no names", "[actors][engine][limits]") {
  Shop shop(shards());
  const auto name = [](char last) { return std::string(kNameBytesMax - 1, 'n').append(1, last); };
  const auto long_key = [](char last) { return key(std::string(kKeyBytesMax - 1, 'k').append(1, last)); };
  CHECK(AccountId::parse(name('a') + "a").code() == Errc::too_large);
  CHECK(Sku::parse(name('a') + "a").code() == Errc::too_large);
  CHECK(IdempotencyKey::parse(std::string(kKeyBytesMax + 1, 'k')).code() == Errc::too_large);

  for (const char last : {'a', 'b'}) shop.wallet(name(last), 500);
  for (const char last : {'x', 'y'}) shop.product(name(last), 100, 9);
  const Request first{long_key('1'), purchase(name('a'), name('b'), {{sku(name('x')), 2}})};
  const Request second{long_key('2'), purchase(name('b'), name('a'), {{sku(name('y')), 1}})};
  const Outcome one = shop.run(first), two = shop.run(second);
  REQUIRE(one.verdict == Verdict::committed);
  REQUIRE(two.verdict == Verdict::committed);
  CHECK_FALSE(two.replayed);
  shop.survives();
  CHECK(shop.run(first).transaction == one.transaction);
  CHECK(shop.run(second).transaction == two.transaction);
  CHECK(shop.run(Request{long_key('1'), second.operation}).error.code == Errc::idempotency_key_reused);
  CHECK(shop.balance(name('a')) == 400);
  CHECK(shop.on_hand(name('x')) == 7);
  shop.audit_is_clean();
}

// --- Deadlines.

TEST_CASE("bounds: a deadline that is past is refused and nothing happened, but what happened before is told",
          "[actors][engine]") {
  Till till(shards());
  const State before = till.known();
  const Request late{till.fresh_key(), till.one_mug(), GENERATE(as<std::int64_t>(), 1, -1, INT64_MIN)};
  const Outcome refused = till.run(late);
  CHECK(refused.verdict == Verdict::aborted);
  CHECK(refused.error.code == Errc::deadline_exceeded);
  CHECK(till.known() == before);

  Request in_time = late;
  in_time.deadline_ns = INT64_MAX;
  const Outcome bought = till.run(in_time);
  REQUIRE(bought.verdict == Verdict::committed);
  const Outcome again = till.run(late);
  CHECK(again.replayed);
  CHECK(again.transaction == bought.transaction);

  Request late_cancel = till.request(Cancel{bought.transaction});
  late_cancel.deadline_ns = 1;
  CHECK(till.run(late_cancel).error.code == Errc::deadline_exceeded);
  CHECK(till.product_of("mug").sold == 1);
  till.survives();
}

namespace {

/// A transfer of a shop on a stage whose key, source and target live as far apart as the shards allow.
struct Distant {
  explicit Distant(std::uint16_t shards) : stage(shards) {
    stage.open();
    const auto at = [&](int shard, const std::string& prefix) {
      return std::string(named_at<AccountId>(prefix, static_cast<ShardId>(shard % shards), shards).str());
    };
    source = at(1, "source-"), target = at(2, "target-");
    stage.done("open bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
    for (const std::string& name : {source, target})
      stage.done("open " + name, OpenAccount{acc(name), kGbp, AccountKind::wallet});
    stage.done("fund", Deposit{acc("bank"), acc(source), gbp(500)});
    request_key = named_at<IdempotencyKey>("transfer-", 0, shards).str();
  }
  std::size_t submit(std::int64_t deadline_ns) {
    return stage.submit(request_key, Transfer{acc(source), acc(target), gbp(200)}, deadline_ns);
  }
  void settle() {
    for (int i = 0; i < 30; ++i) stage.settle(), stage.tick();
    stage.settle();
  }
  void nothing_happened(std::size_t number) {
    REQUIRE(stage.outcomes.contains(number));
    CHECK(stage.outcomes[number].verdict == Verdict::aborted);
    CHECK(stage.outcomes[number].error.code == Errc::deadline_exceeded);
    settle();
    CHECK(fact(*stage.account(source)) == "wallet limit 0 balance 5.00 GBP held 0 incoming 0");
    CHECK(fact(*stage.account(target)) == "wallet limit 0 balance 0.00 GBP held 0 incoming 0");
  }
  /// The same request commits when it has time; the audit is clean.
  void goes_on() {
    const std::size_t number = submit(0);
    settle();
    REQUIRE(stage.outcomes.contains(number));
    CHECK(stage.outcomes[number].verdict == Verdict::committed);
    CHECK(stage.account(target)->balance == 200);
    stage.close_stores();
    persistence::DirectoryLock::exclusive(stage.dir(), nullptr)->reset();
    const auto report = persistence::audit(stage.dir());
    REQUIRE(report);
    CHECK(report->clean());
  }

  Stage stage;
  std::string source, target, request_key;
};

}  // namespace

TEST_CASE("bounds: a deadline that passes before the votes are counted is refused and nothing happened",
          "[actors][stage]") {
  Distant shop(shards());
  const std::size_t number = shop.submit(shop.stage.now_ns + 150'000'000);
  shop.stage.now_ns += 200'000'000;  // Nobody has had a turn.
  shop.settle();
  shop.nothing_happened(number);
  shop.goes_on();
}

TEST_CASE("bounds: a deadline that passes while another shard is silent is refused, and its late yes means nothing",
          "[actors][stage]") {
  Distant shop(3);
  const std::size_t number = shop.submit(shop.stage.now_ns + 150'000'000);
  shop.stage.run_site(0);
  shop.stage.run_site(1);  // One says yes, one says nothing.
  CHECK_FALSE(shop.stage.outcomes.contains(number));
  shop.stage.tick();
  shop.stage.run_site(0);
  CHECK_FALSE(shop.stage.outcomes.contains(number));
  shop.stage.tick();
  shop.stage.run_site(0);
  shop.nothing_happened(number);
  shop.goes_on();
}

// --- Storage.

namespace {

/// Buys, some hundred mugs at a time, until the storage is full; all is answered, and refused for that reason only.
/// Returns how many were bought.
std::size_t fill(Till& till) {
  std::size_t bought = 0;
  for (int call = 0; call < 10'000; ++call) {
    const auto requests = till.requests(300, till.one_mug());
    const Answers answers(requests.size());
    till.engine().submit(requests, answers.receiver());
    const auto outcomes = answers.wait();
    const std::size_t committed = count(outcomes, Errc::none), full = count(outcomes, Errc::storage_full);
    REQUIRE(committed + full == outcomes.size());
    bought += committed;
    if (full > 0) return bought;
  }
  FAIL("never full");
  return 0;
}

/// New work of every kind is refused; reads go on.
void is_full(Till& till, Units sold) {
  CHECK(till.engine().counters().storage_full);
  CHECK(till.refused(till.one_mug()).code == Errc::storage_full);
  CHECK(till.refused(Deposit{acc("bank"), acc("ann"), gbp(1)}).code == Errc::storage_full);
  CHECK(till.refused(Cancel{OrderId{0, 1, 1}}).code == Errc::storage_full);
  CHECK(till.product_of("mug").sold == sold);
  CHECK(till.balance("ann") == sold * 100);
  CHECK(quiet(till.product_of("mug")));
}

}  // namespace

TEST_CASE("bounds: when the storage is full new work is refused, promised work finishes, and reads go on",
          "[actors][engine][limits]") {
  CHECK(EngineOptions{}.map_bytes == kMapBytesDefault);
  CHECK(EngineOptions{}.reserve_bytes == kReserveBytesMin);
  CHECK(EngineOptions{}.checkpoint_journal_bytes == kCheckpointJournalBytes);
  const std::uint64_t checkpoint_bytes = GENERATE(as<std::uint64_t>(), 0, 100'000);
  Till till(shards(), tiny(4u << 20, checkpoint_bytes));
  auto sold = static_cast<Units>(fill(till));
  REQUIRE(sold > 500);
  if (checkpoint_bytes == 0) is_full(till, sold);

  till.audit_is_clean();  // Opened again it may have a little room, from what was let go of last.
  sold += static_cast<Units>(fill(till));
  if (checkpoint_bytes == 0) is_full(till, sold);

  till.audit_is_clean();
  till.options.map_bytes = 64u << 20;
  CHECK_FALSE(till.engine().counters().storage_full);
  const OrderId order = till.buy("alice", "ann", "mug");
  ++sold;
  till.done(Cancel{order});
  CHECK(till.product_of("mug").sold == sold);
  CHECK(till.product_of("mug").returned == 1);
  CHECK(till.balance("ann") == (sold - 1) * 100);
  till.survives();
}

TEST_CASE("bounds: a checkpoint makes room in a full storage, until the orders themselves fill it",
          "[actors][engine]") {
  constexpr Units kSoonFull = 1'000;  // Less has room between two checkpoints.
  Till till(shards(), tiny(6u << 20));
  auto sold = static_cast<Units>(fill(till));
  is_full(till, sold);
  till.checkpoint();
  CHECK(eventually([&] { return !till.engine().counters().storage_full; }));
  for (Units bought = kSoonFull; bought >= kSoonFull; sold += bought) {
    bought = static_cast<Units>(fill(till));
    till.checkpoint();
    for (int i = 0; i < 300 && till.engine().counters().storage_full; ++i) std::this_thread::sleep_for(10ms);
  }
  CHECK(till.product_of("mug").sold == sold);
  till.audit_is_clean();
  till.options.map_bytes = 64u << 20;
  till.buy("alice", "ann", "mug");
  till.survives();
}

TEST_CASE("bounds: with a small reserve less is admitted at once: what is promised always fits it",
          "[actors][engine][limits]") {
  Till till(shards(), tiny(3u << 20));
  std::vector<Answers> answers;
  for (int call = 0; call < 60; ++call) {  // All at once: several times what the map holds.
    const auto requests = till.requests(1'000, till.one_mug());
    answers.emplace_back(requests.size());
    till.engine().submit(requests, answers.back().receiver());
  }
  std::size_t committed = 0, refused = 0;
  for (const Answers& call : answers) {
    const auto outcomes = call.wait();
    committed += count(outcomes, Errc::none);
    refused += count(outcomes, Errc::overloaded) + count(outcomes, Errc::storage_full);
  }
  CHECK(committed + refused == 60'000);
  CHECK(committed > 0);
  CHECK(refused > 0);
  CHECK(till.product_of("mug").sold == static_cast<Units>(committed));
  till.audit_is_clean();
}

}  // namespace kontor::testing

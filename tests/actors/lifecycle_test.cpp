// An engine's life from the outside: close answers everything, what was answered is what is there, and a directory
// opens for one engine at a time and only as what it was made.
#include <fstream>

#include "cmd/kontor/child.hpp"
#include "domain/placement.hpp"
#include "persistence/directory_lock.hpp"
#include "persistence/store.hpp"
#include "persistence/table_codec.hpp"
#include "tests/support/engine_child.hpp"
#include "tests/support/engine_fixture.hpp"
#include "tests/support/stage.hpp"

namespace kontor::testing {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

constexpr Minor kFunds = 1'000'000'000;

/// Alice with much money and bob with none, the merchant ann, and mugs without end.
struct Till : Shop {
  explicit Till(std::uint16_t shards) : Shop(shards) {
    options.reserve_bytes = 16u << 20;
    external("bank");
    wallet("alice", kFunds);
    for (const char* name : {"ann", "bob"}) wallet(name);
    product("mug", 100, kQuantityUnitsMax);
  }
};

/// Requests and what their callers were told.
struct Told {
  std::vector<Request> requests;
  std::vector<Outcome> outcomes;
  std::size_t count(Verdict verdict) const {
    return static_cast<std::size_t>(
        std::count_if(outcomes.begin(), outcomes.end(), [&](const Outcome& o) { return o.verdict == verdict; }));
  }
};

std::vector<Request> purchases(const std::string& prefix, std::size_t count) {
  std::vector<Request> requests;
  for (std::size_t i = 0; i < count; ++i)
    requests.push_back(
        {key(prefix + std::to_string(i)), purchase(i % 5 == 4 ? "bob" : "alice", "ann", {{sku("mug"), 1}})});
  return requests;
}

/// In a directory opened anew: committed orders are there, aborted ones are not, and the same requests now have their
/// effect for the first time or are recognised; of the unknown either is right. Every effect is there once.
void nothing_but_the_truth(Till& till, const std::vector<Told>& told) {
  std::size_t committed = 0, in_doubt = 0, calls = 0;
  for (const Told& call : told) {
    committed += call.count(Verdict::committed);
    in_doubt += call.count(Verdict::unknown);
    for (std::size_t i = 0; i < call.outcomes.size(); ++i, ++calls) {
      const Outcome& outcome = call.outcomes[i];
      CAPTURE(call.requests[i].key.str(), to_string(outcome.verdict), to_string(outcome.error.code));
      if (outcome.verdict == Verdict::committed) {
        REQUIRE(till.order(outcome.transaction).checkout.customer == acc("alice"));
      } else if (outcome.verdict == Verdict::aborted && outcome.transaction) {
        REQUIRE(till.engine().order(outcome.transaction).get().code() == Errc::unknown_order);
      }
    }
  }
  const auto sold = static_cast<std::size_t>(till.product_of("mug").sold);
  CHECK(sold >= committed);
  CHECK(sold <= committed + in_doubt);

  std::size_t alices = 0;
  for (const Told& call : told) {
    const auto again = till.run_all(call.requests);
    for (std::size_t i = 0; i < again.size(); ++i) {
      const bool alice = std::get<Checkout>(call.requests[i].operation).customer == acc("alice");
      alices += alice ? 1 : 0;
      REQUIRE((again[i].verdict == Verdict::committed) == alice);
      if (call.outcomes[i].verdict == Verdict::committed) {
        REQUIRE(again[i].replayed);
        REQUIRE(again[i].transaction == call.outcomes[i].transaction);
      } else if (call.outcomes[i].verdict == Verdict::aborted) {
        REQUIRE_FALSE(again[i].replayed);
      }
    }
  }
  CHECK(till.product_of("mug").sold == static_cast<Units>(alices));
  till.audit_is_clean();
}

Errc refusal(const EngineOptions& options, std::string* why = nullptr) { return Engine::open(options, why).code(); }

std::uint16_t shards() { return GENERATE(std::uint16_t{1}, std::uint16_t{3}); }

}  // namespace

// --- Close.

TEST_CASE("lifecycle: close answers everything in flight, and what it answered is so", "[actors][engine]") {
  Till till(shards());
  till.checkpoint();
  std::vector<Told> told;
  std::vector<Answers> answers;
  for (int call = 0; call < 8; ++call) {
    told.push_back({purchases("call-" + std::to_string(call) + "/", scaled(600)), {}});
    answers.emplace_back(told.back().requests.size());
  }
  for (std::size_t call = 0; call < told.size(); ++call)
    till.engine().submit(told[call].requests, answers[call].receiver());
  till.engine().close();
  std::size_t refused = 0;
  for (std::size_t call = 0; call < told.size(); ++call) {
    CHECK(answers[call].answered() == told[call].requests.size());  // Not one comes after close has returned.
    told[call].outcomes = answers[call].wait();
    for (const Outcome& outcome : told[call].outcomes) {
      if (outcome.verdict == Verdict::unknown) CHECK(outcome.error.code == Errc::outcome_unknown);
      if (outcome.verdict == Verdict::aborted) CHECK(outcome.error.code == Errc::insufficient_funds);
    }
    CHECK(told[call].count(Verdict::committed) > 0);
    refused += told[call].count(Verdict::aborted);
  }
  CHECK(refused > 0);
  CHECK(till.engine().counters().open == 0);
  till.close();
  nothing_but_the_truth(till, told);
}

TEST_CASE("lifecycle: while some submit another closes: each caller is answered, and truly", "[actors][engine]") {
  Till till(shards());
  Engine& engine = till.engine();
  constexpr std::size_t kCallers = 2, kPerCall = 20;
  std::vector<std::vector<Told>> told(kCallers);
  std::vector<std::vector<Answers>> answers_of(kCallers);
  {
    std::vector<std::jthread> callers;
    for (std::size_t caller = 0; caller < kCallers; ++caller)
      callers.emplace_back([&, caller] {
        std::vector<Answers>& answers = answers_of[caller];
        for (int call = 0, closed = 0; closed < 3; ++call) {  // Until it was refused three times.
          const std::string prefix = std::to_string(caller) + "/" + std::to_string(call) + "/";
          told[caller].push_back({purchases(prefix, kPerCall), {}});
          answers.emplace_back(kPerCall);
          engine.submit(told[caller].back().requests, answers.back().receiver());
          auto asked = engine.account(acc("ann"));
          if (asked.wait_for(0s) == std::future_status::ready && asked.get().code() == Errc::shutting_down) ++closed;
          while (call >= 8 && answers[static_cast<std::size_t>(call) - 8].answered() < kPerCall)
            std::this_thread::sleep_for(100us);  // Not too far ahead. Checks are for the main thread only.
        }
      });
    while (engine.counters().committed < scaled(2'000)) std::this_thread::sleep_for(1ms);
    std::jthread closing([&] { engine.close(); });
    engine.close();  // A second close waits for the first.
    CHECK(engine.counters().open == 0);
  }
  std::vector<Told> all;
  for (std::size_t caller = 0; caller < kCallers; ++caller)
    for (std::size_t call = 0; call < told[caller].size(); ++call) {
      told[caller][call].outcomes = answers_of[caller][call].wait();
      for (const Outcome& outcome : told[caller][call].outcomes)
        if (outcome.error.code == Errc::shutting_down) CHECK(outcome.verdict == Verdict::aborted);
      all.push_back(std::move(told[caller][call]));
    }
  CHECK(all.back().outcomes.front().error.code == Errc::shutting_down);
  till.close();
  nothing_but_the_truth(till, all);
}

TEST_CASE("lifecycle: another thread than the one that opened it may close", "[actors][engine]") {
  Till till(shards());
  till.buy("alice", "ann", "mug");
  std::jthread([&] { till.engine().close(); }).join();
  std::unique_ptr<Engine> elsewhere;
  till.close();
  std::jthread([&] { elsewhere = std::move(*Engine::open(till.options)); }).join();
  CHECK(elsewhere->product(sku("mug")).get()->sold == 1);
  elsewhere.reset();
  till.audit_is_clean();
}

TEST_CASE("lifecycle: reads in flight at close are answered, with a value or shutting_down", "[actors][engine]") {
  Till till(shards());
  const OrderId bought = till.buy("alice", "ann", "mug");
  till.close();
  till.options.worker_threads = 1;
  for (int life = 0; life < 8; ++life) {
    Engine& engine = till.engine();
    std::promise<void> released;
    Outcome first;
    const Request last = till.request(purchase("alice", "ann", {{sku("mug"), 1}}));
    engine.submit(std::span(&last, 1), [&](auto told) {
      if (told.front().verdict == Verdict::committed) released.get_future().wait();  // Holds up all that comes.
      first = told.front();
    });
    std::vector<std::future<Result<Account>>> accounts;
    std::vector<std::future<Result<Product>>> products;
    std::vector<std::future<Result<Order>>> orders;
    for (int i = 0; i < 3'000; ++i) {
      accounts.push_back(engine.account(acc(i % 2 == 0 ? "alice" : "ann")));
      products.push_back(engine.product(sku("mug")));
      orders.push_back(engine.order(bought));
    }
    std::jthread closing([&] { engine.close(); });
    std::this_thread::sleep_for(10ms);  // By now it waits for the one worker.
    released.set_value();
    closing.join();
    CAPTURE(life, to_string(first.error.code), first.error.detail);
    CHECK(first.verdict == Verdict::committed);
    std::size_t broken = 0;
    const auto answered = [&](auto& futures) {
      for (auto& future : futures) try {
          const auto value = future.get();
          CHECK((value || value.code() == Errc::shutting_down));
        } catch (const std::future_error&) {
          ++broken;
        }
    };
    answered(accounts), answered(products), answered(orders);
    CHECK(broken == 0);
    till.close();
  }
  CHECK(till.product_of("mug").sold == 9);
  till.audit_is_clean();
}

TEST_CASE("lifecycle: after close all is refused and nothing is done", "[actors][engine]") {
  Till till(shards());
  Engine& engine = till.engine();
  const State before = till.state();
  const OrderId order = till.buy("alice", "ann", "mug");
  engine.close();
  engine.close();
  for (int i = 0; i < 2; ++i) {
    CHECK(till.refused(purchase("alice", "ann", {{sku("mug"), 1}})).code == Errc::shutting_down);
    CHECK(till.refused(Cancel{order}).code == Errc::shutting_down);
    CHECK(engine.account(acc("alice")).get().code() == Errc::shutting_down);
    CHECK(engine.product(sku("mug")).get().code() == Errc::shutting_down);
    CHECK(engine.order(order).get().code() == Errc::shutting_down);
    engine.checkpoint();
  }
  const EngineCounters counters = engine.counters();
  CHECK(counters.open == 0);
  CHECK(counters.committed >= 1);
  CHECK(engine.shards() == till.options.shards);
  till.reopen();
  CHECK(till.product_of("mug").sold == 1);
  CHECK(before.size() == till.state().size() - 1);
  till.survives();
}

TEST_CASE("lifecycle: what cannot be finished in time is unknown to its callers, each is told once",
          "[actors][stage]") {
  const std::uint16_t count = shards();
  Stage stage(count);
  stage.open();
  stage.done("bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
  stage.done("ann", OpenAccount{acc("ann"), kGbp, AccountKind::wallet});
  std::vector<Request> deposits;
  for (int i = 0; i < 40; ++i) deposits.push_back({key(std::to_string(i)), Deposit{acc("bank"), acc("ann"), gbp(1)}});
  const auto steps = GENERATE(0, 1, 5, 20, 60);  // So far they come before the disk stands still.
  const std::size_t first = stage.submit({deposits.begin(), deposits.begin() + 20});
  for (int i = 0; i < steps; ++i) stage.step(static_cast<std::size_t>(i));
  if (steps == 60) stage.journal().commit();
  stage.submit({deposits.begin() + 20, deposits.end()});

  for (ShardId id = 0; id < count; ++id) {
    auto done = std::make_shared<std::promise<void>>();
    auto given_up = done->get_future();
    caf::anon_send(stage.actors_of(id).coordinator, actors::GiveUp{done});
    stage.run();
    REQUIRE(given_up.wait_for(0s) == std::future_status::ready);
    CHECK(stage.actors_of(id).open_transactions == 0);
    CHECK(stage.actors_of(id).open_bytes == 0);
  }
  for (std::size_t number = first; number < first + deposits.size(); ++number) {
    REQUIRE(stage.outcomes.contains(number));  // More than once is caught where outcomes are told.
    const Outcome& outcome = stage.outcomes[number];
    if (outcome.verdict != Verdict::committed) {
      CHECK(outcome.verdict == Verdict::unknown);
      CHECK(outcome.error.code == Errc::outcome_unknown);
    }
  }
  stage.settle();  // What comes late is told nobody.
  stage.crash(), stage.open();
  std::vector<std::size_t> again;
  for (const Request& deposit : deposits) again.push_back(stage.submit({deposit}));
  for (int i = 0; i < 30; ++i) stage.settle(), stage.tick();
  for (const std::size_t number : again) CHECK(stage.outcomes[number].verdict == Verdict::committed);
  CHECK(stage.account("ann")->balance == 40);
}

// --- One engine a directory.

TEST_CASE("lifecycle: a directory has one engine at a time, in this process", "[actors][engine]") {
  Till till(shards());
  std::string why;
  const EngineOptions same = till.options;
  till.buy("alice", "ann", "mug");
  CHECK(refusal(same, &why) == Errc::directory_in_use);
  CHECK_THAT(why, Contains(same.dir.string()) && Contains("another engine has it open"));
  CHECK(persistence::audit(same.dir).code() == Errc::directory_in_use);
  till.buy("alice", "ann", "mug");  // The first is none the worse.
  till.engine().close();            // Closed is free, though the object is still there.
  {
    const auto second = Engine::open(same);
    REQUIRE(second);
    CHECK((*second)->product(sku("mug")).get()->sold == 2);
  }
  till.close();
  till.audit_is_clean();
}

TEST_CASE("lifecycle: a directory has one engine at a time, of all processes", "[actors][engine]") {
  const std::uint16_t count = shards();
  Till till(count);
  till.buy("alice", "ann", "mug");
  const std::vector<std::string> arguments{till.dir().string(), std::to_string(count), "100000000", "8"};
  {
    auto refused = cmd::Child::start(KONTOR_ENGINE_CHILD, arguments);
    REQUIRE(refused);
    const auto line = refused->line(60s);
    REQUIRE(line);
    CHECK_THAT(*line, Contains("refused directory_in_use") && Contains("another engine has it open"));
    CHECK(refused->wait() == kEngineChildRefusedExit);
  }
  till.buy("alice", "ann", "mug");
  till.close();
  auto child = cmd::Child::start(KONTOR_ENGINE_CHILD, arguments);
  REQUIRE(child);
  auto line = child->line(60s);
  while (line && !line->starts_with("committed")) line = child->line(60s);
  REQUIRE(line);
  CHECK(refusal(till.options) == Errc::directory_in_use);
  child->kill();
  child->wait();
  CHECK(till.product_of("mug").sold == 2);  // The dead hold nothing.
  till.audit_is_clean();
}

// --- Only as what it was made.

namespace {

/// Rewrites the format row of a closed directory's shard.
void write_format(const fs::path& dir, persistence::Format format) {
  const auto store = persistence::Store::open({persistence::shard_dir(dir, format.shard), 64u << 20});
  REQUIRE(store);
  persistence::Store::Writer writer(**store);
  persistence::RecordHeader header;
  header.kind = persistence::RecordKind::meta_format;
  REQUIRE(writer.put(persistence::Table::meta, persistence::kFormatKey, header, persistence::write_format(format)));
  REQUIRE(writer.commit());
}

}  // namespace

TEST_CASE("lifecycle: the number of shards is fixed when the directory is made", "[actors][engine]") {
  const std::uint16_t made = shards();
  Till till(made);
  till.buy("alice", "ann", "mug");
  till.close();
  EngineOptions other = till.options;
  for (const std::uint16_t count : std::initializer_list<std::uint16_t>{1, 2, 3, 4, 64}) {
    if (count == made) continue;
    std::string why;
    other.shards = count;
    CHECK(refusal(other, &why) == Errc::incompatible_format);
    CHECK_THAT(why, (Contains("was made with " + std::to_string(made) + " shards, not " + std::to_string(count)) ||
                     Contains("was made as shard 0 of " + std::to_string(made) + ", not as shard 0 of ")));
    CHECK(persistence::shards_in(till.dir()).size() == made);
  }
  other.shards = 0;  // As it was made.
  {
    const auto engine = Engine::open(other);
    REQUIRE(engine);
    CHECK((*engine)->shards() == made);
  }
  CHECK(till.product_of("mug").sold == 1);
  till.audit_is_clean();
}

TEST_CASE("lifecycle: a crash while the shards are made does not fix their number", "[actors][engine]") {
  Shop shop(3);
  const std::uint16_t found = GENERATE(as<std::uint16_t>(), 1, 2);
  for (ShardId id = 0; id < found; ++id)  // As far as the first opening came: files, and nothing in them.
    REQUIRE(persistence::Store::open({persistence::shard_dir(shop.dir(), id), 64u << 20}));
  shop.wallet("ann", 100);
  CHECK(shop.engine().shards() == 3);
  shop.survives();
}

TEST_CASE("lifecycle: a directory that lost a shard is refused, not made anew", "[actors][engine]") {
  Till till(3);
  till.close();
  const ShardId lost = GENERATE(as<ShardId>(), 0, 1, 2);
  const fs::path place = persistence::shard_dir(till.dir(), lost), aside = till.dir() / "aside";
  fs::rename(place, aside);
  EngineOptions any = till.options;
  for (const std::uint16_t count : std::initializer_list<std::uint16_t>{3, 0, 2}) {
    any.shards = count;
    CHECK(refusal(any) == Errc::incompatible_format);
  }
  CHECK_FALSE(fs::exists(place / "data.mdb"));
  fs::remove_all(place);
  fs::rename(aside, place);
  till.buy("alice", "ann", "mug");
  till.audit_is_clean();
}

TEST_CASE("lifecycle: a directory of a newer version, or of another shard, is refused and left as it is",
          "[actors][engine]") {
  const std::uint16_t count = shards();
  Till till(count);
  till.buy("alice", "ann", "mug");
  till.close();
  const ShardId last = static_cast<ShardId>(count - 1);
  const persistence::Format right{persistence::kFormatVersion, last, count};
  persistence::Format newer = right;
  ++newer.version;
  write_format(till.dir(), newer);
  for (int i = 0; i < 2; ++i) {
    std::string why;
    CHECK(refusal(till.options, &why) == Errc::incompatible_format);
    CHECK_THAT(why, Contains(persistence::shard_dir(till.dir(), last).string()) && Contains("format version"));
    CHECK(persistence::audit(till.dir()).code() == Errc::incompatible_format);
  }
  write_format(till.dir(), right);
  CHECK(till.product_of("mug").sold == 1);
  till.audit_is_clean();
  if (count == 1) return;
  fs::rename(persistence::shard_dir(till.dir(), 0), till.dir() / "aside");
  fs::rename(persistence::shard_dir(till.dir(), 1), persistence::shard_dir(till.dir(), 0));
  fs::rename(till.dir() / "aside", persistence::shard_dir(till.dir(), 1));
  CHECK(refusal(till.options) == Errc::incompatible_format);
}

TEST_CASE("lifecycle: where no directory can be, the error says where and why", "[actors][engine]") {
  const TempDir dir;
  std::ofstream(dir.path() / "file") << "not a directory";
  for (const fs::path& where : {dir.path() / "file", dir.path() / "file" / "shop", fs::path("/proc/nowhere/shop")}) {
    EngineOptions options;
    options.dir = where;
    std::string why;
    CHECK(refusal(options, &why) == Errc::io_error);
    CHECK_THAT(why, Contains(where.string()) && Contains(": "));
  }
  EngineOptions options;
  options.dir = dir.path() / "shop";
  fs::create_directory(options.dir);
  std::ofstream(options.dir / "shard-00") << "not a directory either";
  std::string why;
  CHECK(refusal(options, &why) == Errc::io_error);
  CHECK_THAT(why, Contains("shard-00"));
  fs::remove(options.dir / "shard-00");
  options.dir = options.dir / "deeper" / "still";  // What is missing on the way is made.
  CHECK(Engine::open(options));
}

TEST_CASE("lifecycle: what earlier lives wrote counts towards the next checkpoint", "[actors][engine]") {
  Till till(GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  till.options.checkpoint_journal_bytes = 200'000;
  till.reopen();
  std::size_t lives = 0, checkpoints = 0;
  for (; checkpoints == 0 && lives < 100; ++lives, till.reopen()) {
    for (int i = 0; i < 20; ++i) till.buy("alice", "ann", "mug");
    const auto counters = till.engine().counters();
    REQUIRE(counters.journal_bytes < till.options.checkpoint_journal_bytes / 2);
    checkpoints = counters.checkpoints;
  }
  CHECK(lives > 2);
  CHECK(lives < 100);
}

}  // namespace kontor::testing

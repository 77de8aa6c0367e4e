// Shards that change their node, in one process over real connections.
#include <atomic>
#include <future>
#include <thread>

#include "domain/ring.hpp"
#include "persistence/directory_lock.hpp"
#include "tests/cluster/neighbourhood.hpp"

namespace kontor::testing {
namespace {

Error moved(Neighbourhood& at, std::size_t asked, ShardId shard, std::size_t to) {
  std::promise<Error> told;
  auto answer = told.get_future();
  at.node(asked).move(shard, at.members()[to].node, [&](const Error& error) { told.set_value(error); });
  REQUIRE(answer.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
  return answer.get();
}

std::string owner(Neighbourhood& at, std::size_t seen_from, ShardId shard) {
  return at.node(seen_from).places().at(shard).node;
}

/// Two nodes, and a shop whose objects lie on all four shards.
struct Borough : Neighbourhood {
  static constexpr std::uint16_t kShards = 4;
  static constexpr int kGoods = 12, kCustomers = 12;
  explicit Borough(std::size_t nodes = 2) : Neighbourhood(nodes, kShards) {
    REQUIRE(connected());
    done(0, "bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
    done(0, "payee", OpenAccount{acc("payee"), kGbp});
    for (int i = 0; i < kCustomers; ++i) {
      done(0, "open-" + std::to_string(i), OpenAccount{acc(customer(i)), kGbp});
      done(0, "money-" + std::to_string(i), Deposit{acc("bank"), acc(customer(i)), gbp(1'000'000)});
    }
    for (int i = 0; i < kGoods; ++i) {
      done(0, "define-" + std::to_string(i), DefineProduct{sku(goods(i)), gbp(100)});
      done(0, "stock-" + std::to_string(i), ReceiveStock{{{sku(goods(i)), 1'000'000}}});
    }
  }
  static std::string customer(int i) { return "customer-" + std::to_string(i); }
  static std::string goods(int i) { return "goods-" + std::to_string(i); }
  static Checkout purchase_of(int i) {
    return purchase(customer(i % kCustomers), "payee",
                    {{sku(goods(i % kGoods)), 1}, {sku(goods((i + 5) % kGoods)), 1}});
  }
};

}  // namespace

TEST_CASE("moves: a shard is moved, all of it, and every node finds it", "[cluster]") {
  Borough town;
  std::vector<TransactionId> orders;
  for (int i = 0; i < 24; ++i)
    orders.push_back(town.done(static_cast<std::size_t>(i % 2), "buy-" + std::to_string(i), Borough::purchase_of(i)));
  const Request again{key("buy-3"), Borough::purchase_of(3), 0, {}};
  for (ShardId shard = 0; shard < Borough::kShards; ++shard) {
    const std::size_t from = shard % 2U, to = 1 - from;
    // The owner and the other one are asked in turn.
    const Error error = moved(town, shard / 2U, shard, to);
    CAPTURE(shard, to_string(error.code), error.detail, town.events());
    REQUIRE(error.code == Errc::none);
    CHECK(eventually([&] { return owner(town, 0, shard) == owner(town, 1, shard); }));
    CHECK(owner(town, 0, shard) == town.members()[to].node);
    CHECK(town.node(0).places().at(shard).epoch == 2);
    CHECK(
        eventually([&] { return std::filesystem::exists(persistence::shard_dir(town.dir(to), shard) / "data.mdb"); }));
    CHECK(eventually([&] { return !std::filesystem::exists(persistence::shard_dir(town.dir(from), shard)); }));
    for (std::size_t asked = 0; asked < 2; ++asked) {
      for (const TransactionId& order : orders) {
        const auto read = town.engine(asked).order(order).get();
        CAPTURE(asked, transaction_text(order), to_string(read.code()), town.events());
        REQUIRE(read);
      }
      const Outcome repeat = town.engine(asked).submit(again).get();
      CHECK(repeat.replayed);
      CHECK(repeat.transaction == orders[3]);
      orders.push_back(town.done(asked, "more-" + std::to_string(shard) + "-" + std::to_string(asked),
                                 Borough::purchase_of(static_cast<int>(shard))));
    }
  }
  for (int i = 0; i < 24; i += 3)
    town.done(static_cast<std::size_t>(i % 2), "cancel-" + std::to_string(i),
              Cancel{orders[static_cast<std::size_t>(i)]});
  // They know where the shards are when they start again.
  town.stop(0), town.stop(1);
  town.start(0), town.start(1);
  REQUIRE(town.connected());
  for (ShardId shard = 0; shard < Borough::kShards; ++shard)
    for (std::size_t asked = 0; asked < 2; ++asked)
      CHECK(owner(town, asked, shard) == town.members()[1 - shard % 2U].node);
  for (const TransactionId& order : orders) CHECK(town.engine(0).order(order).get());
  town.audit_is_clean();
}

TEST_CASE("moves: what cannot be is refused, and nothing changes", "[cluster]") {
  Borough town;
  CHECK(moved(town, 0, 0, 0).code == Errc::invalid_argument);  // It is there.
  std::promise<Error> nowhere;
  town.node(0).move(0, "nobody", [&](const Error& error) { nowhere.set_value(error); });
  CHECK(nowhere.get_future().get().code == Errc::invalid_argument);
  std::promise<Error> nothing;
  town.node(0).move(99, "node-1", [&](const Error& error) { nothing.set_value(error); });
  CHECK(nothing.get_future().get().code == Errc::invalid_argument);
  town.stop(1);
  REQUIRE(eventually([&] { return !town.node(0).peers().front().connected; }));
  CHECK(moved(town, 0, 0, 1).code == Errc::shard_unreachable);
  CHECK(moved(town, 0, 1, 0).code == Errc::shard_unreachable);  // Its owner is away.
  town.start(1);
  REQUIRE(town.connected());
  CHECK(owner(town, 0, 0) == "node-0");
  town.done(0, "buy", Borough::purchase_of(1));
  town.audit_is_clean();
}

TEST_CASE("moves: a node joins and gets its share; another is emptied, and is not missed", "[cluster]") {
  Borough town(3);
  for (int i = 0; i < 12; ++i)
    town.done(static_cast<std::size_t>(i % 3), "buy-" + std::to_string(i), Borough::purchase_of(i));
  town.grow();
  REQUIRE(town.connected());
  REQUIRE(eventually([&] { return owner(town, 3, 0) == "node-0"; }));
  town.done(3, "at-the-new-one", Borough::purchase_of(1));
  // A node without a shard has nobody whom it could ask, and answers all the same.
  std::promise<Errc> listed, resolved;
  town.engine(3).doubts({}, 10, [&](const Result<DoubtPage>& page) { listed.set_value(page.code()); });
  town.engine(3).resolve({0, 1, 1}, [&](const Result<bool>& end) { resolved.set_value(end.code()); });
  auto list = listed.get_future();
  auto end = resolved.get_future();
  REQUIRE(list.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  REQUIRE(end.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK(list.get() == Errc::none);
  CHECK(end.get() == Errc::not_found);
  const auto balance = [&](const std::vector<bool>& staying) {
    std::vector<std::string> names;
    for (const Member& member : town.members()) names.push_back(member.node);
    std::vector<MemberId> owners;
    for (const ShardPlace& place : town.node(3).places())
      owners.push_back(static_cast<MemberId>(std::find(names.begin(), names.end(), place.node) - names.begin()));
    std::size_t moves = 0;
    for (const ShardMove& move : rebalance(owners, Ring(names), staying)) {
      const Error error = moved(town, 3, move.shard, move.to);
      CAPTURE(move.shard, to_string(error.code), error.detail, town.events());
      REQUIRE(error.code == Errc::none);
      ++moves;
    }
    return moves;
  };
  CHECK(balance({true, true, true, true}) == 1);  // Four shards: node 0 had two.
  CHECK(balance({true, true, true, true}) == 0);
  for (int i = 0; i < 12; ++i) town.done(3, "again-" + std::to_string(i), Borough::purchase_of(i));
  CHECK(balance({false, true, true, true}) == 1);
  for (ShardId shard = 0; shard < Borough::kShards; ++shard)
    REQUIRE(eventually([&] { return owner(town, 1, shard) != "node-0"; }));
  town.stop(0);
  for (int i = 0; i < 12; ++i)
    town.done(static_cast<std::size_t>(1 + i % 3), "without-" + std::to_string(i), Borough::purchase_of(i));
  town.audit_is_clean();
}

TEST_CASE("moves: a node is added while all others serve, and they remember it", "[cluster]") {
  Borough town(3);
  const auto added = [&](std::size_t asked, const Member& member) {
    std::promise<Error> told;
    auto answer = told.get_future();
    town.node(asked).add(member, [&](const Error& error) { told.set_value(error); });
    REQUIRE(answer.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    return answer.get().code;
  };
  town.stop(2);  // Who is away hears of it later.
  const std::size_t newest = town.join();
  const Member member = town.members()[newest];
  CHECK(added(1, {"No Name", "127.0.0.1", 1}) == Errc::invalid_argument);
  CHECK(added(1, {"node-3", "", 1}) == Errc::invalid_argument);
  CHECK(added(1, member) == Errc::none);  // Asks the first one.
  CHECK(added(0, member) == Errc::none);
  CHECK(added(0, {member.node, "127.0.0.2", member.port}) == Errc::already_exists);
  CHECK(added(0, {"node-4", "127.0.0.1", 1}) == Errc::invalid_argument);  // There are four shards.
  town.start(2);
  CAPTURE(town.events());
  REQUIRE(town.connected());
  for (std::size_t i = 0; i < town.size(); ++i) CHECK(town.node(i).members() == town.members());
  REQUIRE(eventually([&] { return owner(town, newest, 3) == "node-0"; }));
  REQUIRE(moved(town, 2, 3, newest).code == Errc::none);
  for (std::size_t i = 0; i < town.size(); ++i) {
    REQUIRE(eventually([&] { return owner(town, i, 3) == member.node; }));
    for (int j = 0; j < 6; ++j)
      town.done(i, "buy-" + std::to_string(i) + "-" + std::to_string(j), Borough::purchase_of(j));
  }
  // Their configurations do not name it.
  for (std::size_t i = 0; i < town.size(); ++i) town.stop(i);
  for (std::size_t i = 0; i < town.size(); ++i) town.start(i);
  REQUIRE(town.connected());
  for (std::size_t i = 0; i < town.size(); ++i) {
    CHECK(town.node(i).members() == town.members());
    CHECK(owner(town, i, 3) == member.node);
    town.done(i, "again-" + std::to_string(i), Borough::purchase_of(static_cast<int>(i)));
  }
  town.stop(0);
  CHECK(eventually([&] { return added(1, {"node-4", "127.0.0.1", 1}) == Errc::shard_unreachable; }));
  town.audit_is_clean();
}

TEST_CASE("moves: a configuration that contradicts what is remembered is refused", "[cluster]") {
  Borough town(2);
  town.join();
  std::promise<Error> told;
  town.node(0).add(town.members()[2], [&](const Error& error) { told.set_value(error); });
  REQUIRE(told.get_future().get().code == Errc::none);
  REQUIRE(town.connected());
  town.stop(1);
  ClusterOptions options = town.options(1);
  options.members.push_back({"somebody-else", "127.0.0.1", 1});
  std::string why;
  const auto node = Node::make(options, &why);
  REQUIRE(node);
  EngineOptions engine;
  engine.dir = town.dir(1);
  engine.cluster = (*node)->cluster();
  CHECK(Engine::open(engine, &why).code() == Errc::invalid_argument);
  CHECK(why.find("members") != why.npos);
  town.start(1);
  REQUIRE(town.connected());
  town.audit_is_clean();
}

TEST_CASE("moves: a shard that has just come is given away at once", "[cluster]") {
  Borough town(2);
  std::atomic<bool> over{false};
  auto buyer = std::async(std::launch::async, [&] {
    for (int i = 0; !over; ++i) town.run(0, "busy-" + std::to_string(i), Borough::purchase_of(i));
  });
  for (std::size_t i = 0; i < 40; ++i) {  // Who has it is asked as soon as the other one is done with it.
    const std::size_t owner_number = owner(town, 0, 1) == town.members()[0].node ? 0 : 1;
    const Error error = moved(town, owner_number, 1, 1 - owner_number);
    CAPTURE(i, to_string(error.code), error.detail, town.events());
    CHECK((error.code == Errc::none || error.code == Errc::invalid_argument || error.code == Errc::shard_unreachable));
  }
  over = true;
  buyer.get();
  CHECK(town.run(1, "last", Borough::purchase_of(1)).verdict == Verdict::committed);
}

TEST_CASE("moves: buyers notice nothing but a wait", "[cluster]") {
  Borough town(3);
  std::atomic<bool> over{false};
  struct Seen {
    std::size_t bought = 0;
    std::chrono::steady_clock::duration longest{0};
    std::vector<std::string> refusals;
  };
  const auto buy = [&](std::size_t at) {
    Seen seen;
    for (int i = 0; !over; ++i) {
      const auto began = std::chrono::steady_clock::now();
      const std::string with = "load-" + std::to_string(at) + "-" + std::to_string(i);
      // A transaction whose votes are awaited when a shard moves may be aborted: the same request again succeeds.
      Outcome outcome;
      for (int tried = 0; tried < 5 && outcome.verdict != Verdict::committed; ++tried) {
        outcome = town.run(at, with, Borough::purchase_of(i + static_cast<int>(at)));
        if (outcome.verdict == Verdict::committed || outcome.error.code == Errc::transaction_aborted) continue;
        seen.refusals.push_back(std::string(to_string(outcome.error.code)) + ", " + std::string(outcome.error.detail));
      }
      seen.longest = std::max(seen.longest, std::chrono::steady_clock::now() - began);
      if (outcome.verdict == Verdict::committed) ++seen.bought;
    }
    return seen;
  };
  std::vector<std::future<Seen>> buyers;
  for (std::size_t at = 0; at < 3; ++at) buyers.push_back(std::async(std::launch::async, buy, at));
  for (int round = 0; round < 3; ++round)
    for (ShardId shard = 0; shard < Borough::kShards; ++shard) {
      const std::string at = owner(town, 0, shard);
      const auto to = static_cast<std::size_t>(at.back() - '0' + 1) % 3;
      const Error error = moved(town, static_cast<std::size_t>(round), shard, to);
      CAPTURE(round, shard, to_string(error.code), error.detail, town.events());
      REQUIRE(error.code == Errc::none);
      REQUIRE(eventually([&] { return owner(town, 0, shard) == town.members()[to].node; }));
    }
  over = true;
  std::size_t bought = 0;
  for (auto& buyer : buyers) {
    const Seen seen = buyer.get();
    bought += seen.bought;
    for (const std::string& refusal : seen.refusals) FAIL_CHECK(refusal << "\n" << town.events());
    CHECK(seen.longest < std::chrono::seconds(30));
    CHECK(seen.bought > 0);
  }
  CHECK(bought > 30);
  town.audit_is_clean();
}

}  // namespace kontor::testing

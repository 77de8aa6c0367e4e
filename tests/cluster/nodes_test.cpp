// Nodes of a cluster, in one process, over real connections: any of them answers for all.
#include "tests/cluster/neighbourhood.hpp"

namespace kontor::testing {
namespace {

template <class Name>
std::string at(const std::string& prefix, ShardId home, std::uint16_t shards) {
  for (int i = 0;; ++i)
    if (const auto name = named<Name>(prefix + "-" + std::to_string(i)); home_of(name, shards) == home)
      return name.str();
}

/// Its kind, the prices of what it sells, and its times.
std::string fact(const Operation& operation) {
  std::string out(to_string(kind_of(operation)));
  const auto* reserve = std::get_if<Reserve>(&operation);
  if (const auto* checkout = reserve ? &reserve->checkout : std::get_if<Checkout>(&operation))
    for (const Line& line : checkout->lines) out += " at " + std::to_string(line.unit_price);
  std::visit(
      [&out](const auto& op) {
        if constexpr (requires { op.begun_at_ns; }) out += " begun " + std::to_string(op.begun_at_ns);
        if constexpr (requires { op.expires_at_ns; }) out += " until " + std::to_string(op.expires_at_ns);
      },
      operation);
  return out;
}

/// A purchase concerns three nodes: the customer, the goods and the payee live on different ones.
struct Town : Neighbourhood {
  Town() : Neighbourhood(3) {
    REQUIRE(connected());
    done(0, "k-bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
    done(1, "k-customer", OpenAccount{acc(customer), kGbp});
    done(2, "k-payee", OpenAccount{acc(payee), kGbp});
    done(0, "k-goods", DefineProduct{sku(goods), gbp(100)});
    done(1, "k-money", Deposit{acc("bank"), acc(customer), gbp(1'000'000)});
    done(2, "k-stock", ReceiveStock{{{sku(goods), 500}}});
  }
  const std::string customer = at<AccountId>("customer", 0, 3), goods = at<Sku>("goods", 1, 3),
                    payee = at<AccountId>("payee", 2, 3);
  Checkout purchase_of(Units units) const { return purchase(customer, payee, {{sku(goods), units}}); }

  TransactionRecord record(std::size_t from, const TransactionId& id) {
    std::promise<Result<TransactionRecord>> read;
    engine(from).transaction(id, [&](const Result<TransactionRecord>& record) { read.set_value(record); });
    const auto record = read.get_future().get();
    REQUIRE(record);
    return *record;
  }
  /// A shard's log and its accounts, as node `from` tells them.
  std::string told(std::size_t from, ShardId shard) {
    std::promise<Result<EventPage>> events;
    engine(from).events(shard, 0, 100, [&](const Result<EventPage>& page) { events.set_value(page); });
    const auto page = events.get_future().get();
    std::promise<Result<AccountPage>> accounts;
    engine(from).accounts(shard, {}, 100, [&](const Result<AccountPage>& list) { accounts.set_value(list); });
    const auto list = accounts.get_future().get();
    REQUIRE(page);
    REQUIRE(list);
    std::string text = std::to_string(page->reached) + " " + std::to_string(page->newest) + "\n";
    for (const Event& event : page->events) {
      text += transaction_text(event.record.id) + " " + fact(event.record.operation);
      for (const PaymentDemand& demand : event.payments)
        text += " " + demand.account.str() + " " + std::to_string(demand.amount);
      for (const StockDemand& demand : event.stocks)
        text += " " + demand.sku.str() + " " + std::to_string(demand.amount);
      text += "\n";
    }
    for (const Account& account : list->accounts)
      text += account.id.str() + " " + std::to_string(account.balance) + "\n";
    return text;
  }
};

}  // namespace

TEST_CASE("nodes: a purchase across three machines is asked for at any of them and seen at all", "[cluster]") {
  Town town;
  const auto protocol =
      GENERATE(commit::Protocol::two_phase, commit::Protocol::three_phase, commit::Protocol::three_phase_optimised);
  for (std::size_t i = 0; i < 3; ++i) {
    const Request request{key("buy-" + std::to_string(i)), town.purchase_of(2), 0, protocol};
    const Outcome outcome = town.engine(i).submit(request).get();
    CAPTURE(i, to_string(outcome.error.code), outcome.error.detail, town.events());
    REQUIRE(outcome.verdict == Verdict::committed);
    for (std::size_t from = 0; from < 3; ++from) {
      CAPTURE(from);
      const auto customer = town.engine(from).account(acc(town.customer)).get();
      REQUIRE(customer);
      CHECK(customer->balance == 1'000'000 - static_cast<Minor>(i + 1) * 200);
      const auto goods = town.engine(from).product(sku(town.goods)).get();
      REQUIRE(goods);
      CHECK(goods->sold == static_cast<Units>(i + 1) * 2);
      const auto order = town.engine(from).order(outcome.transaction).get();
      REQUIRE(order);
      CHECK(order->checkout.lines.front().unit_price == 100);
    }
    // The same key at another node has no second effect.
    const Outcome again = town.engine((i + 1) % 3).submit(request).get();
    CHECK(again.replayed);
    CHECK(again.transaction == outcome.transaction);
  }
  town.audit_is_clean();
}

TEST_CASE("nodes: an order is cancelled at a node that has nothing to do with it", "[cluster]") {
  Town town;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto order = town.done((i + 1) % 3, "order-" + std::to_string(i), town.purchase_of(1));
    town.done(i, "cancel-" + std::to_string(i), Cancel{order});
  }
  CHECK(town.engine(0).account(acc(town.customer)).get()->balance == 1'000'000);
  town.audit_is_clean();
}

TEST_CASE("nodes: the log and the lists of a shard are the same wherever they are read", "[cluster]") {
  Town town;
  const auto order = town.done(1, "order", town.purchase_of(1));
  town.done(2, "cancel", Cancel{order});
  std::string all;
  for (ShardId shard = 0; shard < 3; ++shard) {
    const std::string at_home = town.told(shard, shard);
    all += at_home;
    for (std::size_t from = 0; from < 3; ++from) CHECK(town.told(from, shard) == at_home);
  }
  CHECK(all.find(town.customer + " 100 ") != all.npos);  // What the cancel posted.
  CHECK(all.find(town.goods + " 1\n") != all.npos);
  town.audit_is_clean();
}

TEST_CASE("nodes: a reservation is redeemed or released elsewhere, and told alike at all nodes", "[cluster]") {
  Town town;
  constexpr std::int64_t kHour = 3'600'000'000'000;
  for (ShardId home = 0; home < 3; ++home) {
    const auto owned = [&](const char* what) { return at<IdempotencyKey>(what, home, 3); };
    const std::size_t elsewhere = (home + 1u) % 3, third = (home + 2u) % 3;
    const Reserve reserve{town.purchase_of(2), 0, kHour};
    const OrderId sold = town.done(elsewhere, owned("sold"), reserve),
                  freed = town.done(third, owned("freed"), reserve);
    const TransactionId redeem = town.done(third, owned("redeem"), Redeem{sold}),
                        release = town.done(elsewhere, owned("release"), Release{freed});
    for (std::size_t from = 0; from < 3; ++from) {
      CAPTURE(home, from);
      const auto placed = town.engine(from).order(sold).get(), released = town.engine(from).order(freed).get();
      REQUIRE((placed && released));
      CHECK(placed->progress.status == OrderStatus::placed);
      CHECK(released->progress.status == OrderStatus::released);
      CHECK(placed->checkout.lines.front().unit_price == 100);
      const auto told = std::get<Reserve>(town.record(from, sold).operation);
      CHECK(told.checkout.lines.front().unit_price == 100);
      CHECK(told.expires_at_ns == told.begun_at_ns + kHour);
      CHECK(told.expires_at_ns == placed->expires_at_ns);
      CHECK(std::get<Redeem>(town.record(from, redeem).operation).begun_at_ns > told.begun_at_ns);
      CHECK(std::get<Release>(town.record(from, release).operation).begun_at_ns > told.begun_at_ns);
      CHECK(town.told(from, home) == town.told(home, home));
    }
  }
  CHECK(town.engine(0).account(acc(town.customer)).get()->balance == 1'000'000 - 3 * 200);
  CHECK(town.engine(2).product(sku(town.goods)).get()->available() == 500 - 3 * 2);
  town.audit_is_clean();
}

TEST_CASE("nodes: a price is known where it was never asked for, and a new one everywhere", "[cluster]") {
  Town town;
  for (std::size_t i = 0; i < 3; ++i) town.done(i, "first-" + std::to_string(i), town.purchase_of(1));
  town.done(2, "dearer", SetPrice{sku(town.goods), gbp(150)});
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string name = "second-" + std::to_string(i);
    Outcome outcome;
    // A price list that has not heard of it costs a refusal, never a wrong charge.
    REQUIRE(eventually([&] {
      outcome = town.run(i, name, town.purchase_of(1));
      return outcome.verdict == Verdict::committed || outcome.error.code != Errc::price_changed;
    }));
    CAPTURE(to_string(outcome.error.code));
    CHECK(outcome.verdict == Verdict::committed);
  }
  CHECK(town.engine(1).account(acc(town.customer)).get()->balance == 1'000'000 - 3 * 100 - 3 * 150);
  const Outcome unknown = town.run(0, "unknown", purchase(town.customer, town.payee, {{sku("nothing"), 1}}));
  CHECK(unknown.error.code == Errc::unknown_sku);
  town.audit_is_clean();
}

TEST_CASE("nodes: what needs a node that is away is refused, the rest goes on, and nothing is lost", "[cluster]") {
  Town town;
  town.stop(1);  // The goods are there.
  REQUIRE(eventually([&] { return !town.node(0).peers().front().connected; }));
  const std::int64_t soon =
      std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count() + 1'000'000'000;
  const Request impatient{key(at<IdempotencyKey>("away", 0, 3)), town.purchase_of(1), soon, {}};
  CHECK(town.engine(0).submit(impatient).get().error.code == Errc::deadline_exceeded);
  const std::string key_there = at<IdempotencyKey>("away", 1, 3);
  CHECK(town.run(0, key_there, town.purchase_of(1)).error.code == Errc::shard_unreachable);
  CHECK(town.engine(0).product(sku(town.goods)).get().code() == Errc::shard_unreachable);
  town.done(0, at<IdempotencyKey>("transfer", 2, 3), Transfer{acc(town.customer), acc(town.payee), gbp(5)});
  town.start(1);
  REQUIRE(town.connected());
  town.done(0, key_there, town.purchase_of(1));
  REQUIRE(eventually([&] { return town.engine(0).product(sku(town.goods)).get()->held == 0; }));
  town.audit_is_clean();
}

TEST_CASE("nodes: thousands at a time from all sides", "[cluster]") {
  Town town;
  constexpr std::uint32_t kEach = 600;  // Of 500 units there are.
  std::vector<Answers> answers(3, Answers(0));
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<Request> requests;
    for (std::uint32_t n = 0; n < kEach; ++n)
      requests.push_back({key(std::to_string(i) + "-" + std::to_string(n)), town.purchase_of(1), 0, {}});
    answers[i] = Answers(kEach);
    town.engine(i).submit(requests, answers[i].receiver());
  }
  std::size_t committed = 0;
  for (const Answers& each : answers)
    for (const Outcome& outcome : each.wait()) {
      CAPTURE(to_string(outcome.error.code), outcome.error.detail);
      committed += outcome.verdict == Verdict::committed ? 1U : 0U;
      CHECK((outcome.verdict == Verdict::committed || outcome.error.code == Errc::out_of_stock));
    }
  CHECK(committed == 500);
  town.audit_is_clean();
}

}  // namespace kontor::testing

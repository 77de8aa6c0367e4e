// The views against a plain sum over what was answered: at any moment, after a restart, and made anew.
#include "cmd/kontor/serve/views.hpp"

#include <fstream>
#include <future>

#include "tests/support/engine_fixture.hpp"
#include "tests/support/property.hpp"
#include "tests/support/random_operations.hpp"
#include "tests/support/shop_model.hpp"

namespace kontor::testing {
namespace {

using cmd::serve::Views;
using cmd::serve::ViewsOptions;
namespace persisted = persistence::views;
using persisted::Entry;
using persisted::Page;
using persisted::Stretch;

/// What `look` makes of the views once they have all that was answered.
template <class Value, class Look>
Result<Value> asked(Views& views, const Look& look) {
  std::promise<Result<Value>> promise;
  views.ask([&](const Result<const Views::Store*>& store) {
    promise.set_value(store ? Result<Value>(look(**store)) : Result<Value>(store.error()));
  });
  return promise.get_future().get();
}

/// A shop with its views, and the model of what committed.
class ViewedShop {
 public:
  explicit ViewedShop(std::uint16_t shards) : shop(shards) { open(); }

  void open() {
    ViewsOptions options;
    options.dir = dir();
    views = std::make_unique<Views>(shop.engine(), options);
  }
  std::filesystem::path dir() const { return shop.dir() / "views"; }
  void close() {
    views.reset();
    shop.close();
  }
  void run(const Operation& operation) {
    const Outcome outcome = shop.run(operation);
    if (outcome.verdict != Verdict::committed) return;
    model.apply(operation, outcome.transaction);
    if (order_made(outcome.transaction, operation)) placed.push_back(outcome.transaction);
  }

  void check() {
    for (const auto& [name, account] : model.accounts) {
      CAPTURE(name);
      const auto page = asked<Page<Entry>>(*views, [&, id = acc(name)](const auto& store) {
        return *store.entries(id, Stretch{100'000, {}, false});
      });
      REQUIRE(page);
      Minor balance = account.balance;
      for (const Entry& entry : page->rows) {
        CHECK(entry.balance == balance);
        balance -= entry.amount;
      }
      CHECK(balance == 0);
    }
    check_orders();
  }

  Shop shop;
  ShopModel model;
  std::unique_ptr<Views> views;
  std::vector<OrderId> placed;

 private:
  void check_orders() {
    for (const char* customer : kWallets) {
      for (const char* payee : {"", "w2", "w3"}) {
        CAPTURE(customer, payee);
        std::vector<OrderId> expected;
        for (const OrderId& id : placed) {
          const Checkout& checkout = model.orders.at(id).checkout;
          const auto& payees = checkout.payees;
          const bool pays = *payee == 0 || std::find(payees.begin(), payees.end(), acc(payee)) != payees.end();
          if (checkout.customer == acc(customer) && pays) expected.push_back(id);
        }
        const AccountId to = *payee == 0 ? AccountId{} : acc(payee);
        const auto page = asked<Page<OrderId>>(*views, [&](const auto& store) {
          return *store.orders(acc(customer), to, Stretch{100'000, {}, false});
        });
        REQUIRE(page);
        std::vector<OrderId> listed(page->rows.rbegin(), page->rows.rend());
        CHECK_FALSE(page->more);
        if (shop.options.shards > 1) {  // Between shards the order is only near.
          std::sort(listed.begin(), listed.end());
          std::sort(expected.begin(), expected.end());
        }
        CHECK(listed == expected);
      }
    }
  }
};

std::vector<std::string> rows_of(Views& views) {
  const auto rows = asked<std::vector<std::string>>(views, [](const auto& store) {
    std::vector<std::string> out;
    const Views::Store::Snapshot all(store);
    CHECK(all.accounts([&](const AccountId& id, const persisted::AccountView& account) {
      out.push_back(id.str() + " " + std::to_string(account.balance));
      CHECK(all.entries(account, [&](const Entry& entry) {
        out.push_back(transaction_text(entry.transaction) + " " + std::to_string(entry.amount) + " " +
                      std::to_string(entry.balance));
        return true;
      }));
      return true;
    }));
    return out;
  });
  REQUIRE(rows);
  return *rows;
}

}  // namespace

TEST_CASE("views: always what a plain sum over the answers gives", "[http][views][property]") {
  tests::property("views equal a fold over what committed", 12, [](std::uint8_t any) {
    ViewedShop all(any % 2 == 0 ? 1 : 3);
    for (const Operation& operation : opening_day()) all.run(operation);
    for (const Operation& operation : opening_stock()) all.run(operation);
    const auto steps = *any_steps(120);
    for (const Step& step : steps) {
      switch (step.what % 23) {
        case 0: all.check(); break;
        case 1:  // In good order, or as a crash leaves them.
          all.close();
          if (step.a % 3 == 0) std::filesystem::remove_all(all.dir());
          all.open();
          break;
        case 2: all.shop.checkpoint(); break;
        default: all.run(random_operation(step, all.placed, false));
      }
    }
    all.check();
  });
}

TEST_CASE("views: made anew they are the same", "[http][views]") {
  ViewedShop all(1);
  for (const Operation& operation : opening_day()) all.run(operation);
  for (const Operation& operation : opening_stock()) all.run(operation);
  for (int i = 0; i < 5; ++i) all.run(purchase("w0", "w2", {{sku("s0"), 1}}));
  const auto before = rows_of(*all.views);
  CHECK(before.size() > 15);
  SECTION("after a restart they go on") {
    all.close();
    all.open();
    CHECK(rows_of(*all.views) == before);
    CHECK(all.views->counters().rebuilds == 0);
  }
  SECTION("deleted") {
    all.close();
    std::filesystem::remove_all(all.dir());
    all.open();
    CHECK(rows_of(*all.views) == before);
  }
  SECTION("of another version") {
    all.close();
    std::ofstream(all.dir() / "stamp") << "views 0 closed\n";
    std::ofstream(all.dir() / "data.mdb") << "of another version";
    all.open();
    CHECK(rows_of(*all.views) == before);
  }
  SECTION("of a machine that crashed") {
    all.close();
    std::ofstream(all.dir() / "stamp") << "views " << persisted::kViewsVersion << " another-boot\n";
    std::ofstream(all.dir() / "data.mdb") << "what was left";
    all.open();
    CHECK(rows_of(*all.views) == before);
  }
  SECTION("of another log") {
    const std::filesystem::path kept = all.shop.dir().parent_path() / "kept";
    all.close();
    std::filesystem::rename(all.dir(), kept);
    std::filesystem::remove_all(all.shop.dir());
    all.model = {}, all.placed.clear();
    for (const Operation& operation : opening_day()) all.run(operation);
    all.shop.close();
    std::filesystem::rename(kept, all.dir());
    all.open();
    all.check();
    CHECK(all.views->counters().rebuilds == 1);
  }
}

TEST_CASE("views: a bound that is reached is told, and nothing is listed without what committed",
          "[http][views][limits]") {
  Shop shop;
  shop.wallet("alice", 1'000);
  ViewsOptions options;
  options.dir = shop.dir() / "views";
  const auto code = [](Views& views) {
    return asked<std::uint64_t>(views, [](const auto& store) { return store.applied(); }).code();
  };
  SECTION("the disk") {
    options.free_bytes_min = ~std::uint64_t{0};
    Views views(shop.engine(), options);
    CHECK(code(views) == Errc::storage_full);
    CHECK(views.counters().refused == 1);
  }
  SECTION("the map") {
    options.map_bytes = 64 * 1024;
    Views views(shop.engine(), options);
    for (int i = 0; i < 400; ++i) shop.done(Deposit{acc("bank"), acc("alice"), gbp(1)});
    CHECK(code(views) == Errc::storage_full);
  }
  SECTION("the time that a query waits") {
    for (int i = 0; i < 3; ++i) {
      std::vector<Request> requests;
      for (std::size_t n = 0; n < cmd::serve::kViewPageEvents; ++n)
        requests.push_back(shop.request(Deposit{acc("bank"), acc("alice"), gbp(1)}));
      shop.run_all(requests);
    }
    options.wait_max = std::chrono::milliseconds(0);
    Views views(shop.engine(), options);
    CHECK(code(views) == Errc::overloaded);
    CHECK(eventually([&] { return code(views) == Errc::none; }));  // It goes on for whoever comes back.
  }
  SECTION("the queries that wait") {
    Views views(shop.engine(), options);
    std::promise<void> go, arrived;
    views.ask([&](const auto&) {
      arrived.set_value();
      go.get_future().wait();
    });
    arrived.get_future().wait();
    std::atomic<std::size_t> answered{0};
    for (std::size_t i = 0; i < cmd::serve::kViewQueriesMax; ++i)
      views.ask([&](const auto& store) { answered += store ? 1 : 0; });
    CHECK(code(views) == Errc::overloaded);
    go.set_value();
    CHECK(eventually([&] { return answered == cmd::serve::kViewQueriesMax; }));
  }
  SECTION("the end") {
    Views views(shop.engine(), options);
    CHECK(code(views) == Errc::none);
    views.stop();
    CHECK(code(views) == Errc::shutting_down);
  }
}

TEST_CASE("views: while nobody asks they follow an idle engine, and say how far they are behind", "[http][views]") {
  Shop shop;
  shop.wallet("alice", 1'000);
  ViewsOptions options;
  options.dir = shop.dir() / "views";
  Views views(shop.engine(), options);
  const auto committed = [&] { return shop.engine().counters().committed; };
  CHECK(eventually([&] { return views.counters().applied == committed(); }));
  CHECK(views.counters().behind == 0);
  CHECK(views.counters().queries == 0);
}

TEST_CASE("views: while nobody asks they leave a busy engine alone, though nothing is open between its requests",
          "[http][views]") {
  using Clock = std::chrono::steady_clock;
  Shop shop;
  shop.wallet("alice", 1'000);
  ViewsOptions options;
  options.dir = shop.dir() / "views";
  options.idle_requests_max = 0;
  Views views(shop.engine(), options);
  Clock::duration longest{};
  for (const auto until = Clock::now() + std::chrono::seconds(1); Clock::now() < until;) {
    const auto before = Clock::now();
    shop.done(Deposit{acc("bank"), acc("alice"), gbp(1)});
    longest = std::max(longest, Clock::now() - before);
  }
  const std::uint64_t applied = views.counters().applied;
  if (longest < std::chrono::milliseconds(100)) CHECK(applied == 0);  // Else it may have looked idle, as it was.
  CHECK(eventually([&] { return views.counters().applied == shop.engine().counters().committed; }));
}

}  // namespace kontor::testing

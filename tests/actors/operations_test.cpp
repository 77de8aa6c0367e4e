// Every operation, once, alone: it commits, its effect is read back, and it is there after reopening.
#include "tests/support/engine_fixture.hpp"

namespace kontor::testing {
namespace {

/// Wallets alice (100.00) and bob, merchants ann and ben, the shop's fee account, and 10 mugs at 12.50.
struct Street : Shop {
  explicit Street(std::uint16_t shards) : Shop(shards) {
    external("bank");
    wallet("alice", 10'000);
    for (const char* name : {"bob", "ann", "ben", "fees"}) wallet(name);
    product("mug", 1'250, 10);
  }
};

std::uint16_t shards() { return GENERATE(std::uint16_t{1}, std::uint16_t{3}); }

}  // namespace

TEST_CASE("operations: an account is opened, as a wallet with a limit or as the world outside", "[actors][engine]") {
  Shop shop(shards());
  shop.done(OpenAccount{acc("alice"), kGbp, AccountKind::wallet, 500});
  shop.done(OpenAccount{acc("bank"), kEur, AccountKind::external});
  CHECK(fact(shop.account("alice")) == "wallet limit 500 balance 0.00 GBP held 0 incoming 0");
  CHECK(fact(shop.account("bank")) == "external limit 0 balance 0.00 EUR held 0 incoming 0");
  shop.survives();
}

TEST_CASE("operations: money comes in, moves and leaves", "[actors][engine]") {
  Street street(shards());
  street.done(Deposit{acc("bank"), acc("bob"), gbp(700)});
  CHECK(street.balance("bob") == 700);
  CHECK(street.balance("bank") == -10'700);
  street.done(Transfer{acc("alice"), acc("bob"), gbp(2'000)});
  CHECK(street.balance("alice") == 8'000);
  CHECK(street.balance("bob") == 2'700);
  street.done(Withdraw{acc("bob"), acc("bank"), gbp(2'700)});
  CHECK(street.balance("bob") == 0);
  CHECK(street.balance("bank") == -8'000);
  street.survives();
}

TEST_CASE("operations: a wallet goes below zero as far as its limit", "[actors][engine]") {
  Shop shop(shards());
  shop.wallet("carol", 100, 50);
  shop.wallet("dave");
  shop.done(Transfer{acc("carol"), acc("dave"), gbp(150)});
  CHECK(shop.balance("carol") == -50);
  const Error error = shop.refused(Transfer{acc("carol"), acc("dave"), gbp(1)});
  CHECK(error.code == Errc::insufficient_funds);
  CHECK(error.figure == 0);
  shop.survives();
}

TEST_CASE("operations: a product is defined, priced anew, received and counted", "[actors][engine]") {
  Shop shop(shards());
  shop.done(DefineProduct{sku("mug"), gbp(1'250)});
  CHECK(shop.product_of("mug").version == 1);
  shop.done(SetPrice{sku("mug"), gbp(1'300)});
  shop.done(SetPrice{sku("mug"), gbp(1'350), 2});
  shop.done(DefineProduct{sku("cup"), gbp(0)});
  shop.done(ReceiveStock{{{sku("mug"), 5}, {sku("cup"), 2}, {sku("mug"), 4}}});
  shop.done(AdjustStock{{{sku("mug"), -3}, {sku("cup"), 1}}});
  CHECK(fact(shop.product_of("mug")) ==
        "13.50 GBP v3 on_hand 6 held 0 incoming 0 received 9 adjusted -3 sold 0 returned 0");
  CHECK(fact(shop.product_of("cup")) ==
        "0.00 GBP v1 on_hand 3 held 0 incoming 0 received 2 adjusted 1 sold 0 returned 0");
  shop.survives();
}

TEST_CASE("operations: products are listed as they were defined, at most kListedMax", "[actors][engine][limits]") {
  Shop shop;
  std::vector<Request> requests;
  for (std::size_t i = 0; i < kListedMax + 1; ++i)
    requests.push_back(shop.request(DefineProduct{sku("p" + std::to_string(i)), gbp(1)}));
  shop.run_all(requests);
  const auto list = [&](const std::optional<Sku>& from, Engine::Direction direction, std::size_t most) {
    std::promise<Result<ProductPage>> promise;
    shop.engine().products(0, from, direction, most, [&](const Result<ProductPage>& p) { promise.set_value(p); });
    return promise.get_future().get();
  };
  constexpr auto onwards = Engine::Direction::onwards;
  for (int life = 0; life < 2; ++life, shop.reopen()) {
    const auto first = list({}, onwards, kListedMax);
    REQUIRE(first);
    CHECK(first->products.size() == kListedMax);
    CHECK(first->more);
    CHECK(first->products[7].sku == sku("p7"));
    const auto last = list(first->products.back().sku, onwards, kListedMax);
    REQUIRE(last);
    CHECK(last->products.size() == 1);
    CHECK_FALSE(last->more);
    const auto back = list(sku("p2"), Engine::Direction::back, 5);
    REQUIRE(back);
    CHECK(back->products.size() == 2);
    CHECK_FALSE(back->more);
  }
  CHECK(list({}, onwards, kListedMax + 1).code() == Errc::invalid_argument);
  CHECK(list({}, onwards, 0).code() == Errc::invalid_argument);
  CHECK(list(sku("nobody"), onwards, 1).code() == Errc::unknown_sku);
}

TEST_CASE("operations: a checkout takes stock and money, pays each merchant and the fee", "[actors][engine]") {
  Street street(shards());
  Checkout checkout{acc("alice"), kGbp, {acc("ann"), acc("ben")}, {}, {acc("fees"), 333}};
  checkout.lines = {{sku("mug"), 2}, {sku("mug"), 1, 999, 0, 1}, {sku("mug"), 1, kCatalogPrice, 1, 1}};
  const OrderId id = street.done(checkout);
  CHECK(street.balance("alice") == 10'000 - 2'500 - 999 - 1'250);
  CHECK(street.balance("ann") == 2'500 - 83);  // 3.33 % of 25.00, rounded down.
  CHECK(street.balance("ben") == 2'249 - 74);
  CHECK(street.balance("fees") == 83 + 74);
  CHECK(street.product_of("mug").sold == 4);
  CHECK(street.on_hand("mug") == 6);
  const Order order = street.order(id);
  CHECK(order.id == id);
  CHECK(fact(order).starts_with("alice: mug x2 at 1250 mug x1 at 999 mug x1 at 1250; placed v1"));
  CHECK(payment_status(order.progress) == PaymentStatus::paid);
  CHECK(fulfilment_status(order.progress) == FulfilmentStatus::unfulfilled);
  street.survives();
}

TEST_CASE("operations: a cancelled order gives everything back", "[actors][engine]") {
  Street street(shards());
  const State before = street.state();
  Checkout checkout = purchase("alice", "ann", {{sku("mug"), 3}});
  checkout.fee = {acc("fees"), 1'000};
  const OrderId id = street.done(checkout);
  CHECK(street.balance("fees") == 375);
  street.done(Cancel{id});
  CHECK(street.balance("alice") == 10'000);
  CHECK(street.balance("fees") == 0);
  CHECK(street.on_hand("mug") == 10);
  CHECK(street.product_of("mug").returned == 3);
  CHECK(street.order(id).progress.status == OrderStatus::cancelled);
  CHECK(payment_status(street.order(id).progress) == PaymentStatus::refunded);
  CHECK(before.at("account ann") == street.state().at("account ann"));
  street.survives();
}

TEST_CASE("operations: a refund by line and quantity, restocking or not, then of all that is left",
          "[actors][engine]") {
  Street street(shards());
  street.product("cup", 400, 9);
  Checkout checkout = purchase("alice", "ann", {{sku("mug"), 3}, {sku("cup"), 2}});
  checkout.fee = {acc("fees"), 777};
  const OrderId id = street.done(checkout);
  street.done(Refund{id, {{1, 1}, {0, 2}}, true});
  CHECK(street.balance("alice") == 10'000 - 4'550 + 2'900);
  CHECK(street.on_hand("mug") == 9);
  CHECK(street.on_hand("cup") == 8);
  CHECK(payment_status(street.order(id).progress) == PaymentStatus::partially_refunded);
  street.done(Refund{id, {{0, 1}}, false});
  CHECK(street.on_hand("mug") == 9);
  street.done(Refund{id, {}, true});
  CHECK(street.on_hand("cup") == 9);
  CHECK(payment_status(street.order(id).progress) == PaymentStatus::refunded);
  CHECK(street.order(id).progress.version == 4);
  for (const char* name : {"ann", "fees"}) CHECK(street.balance(name) == 0);
  CHECK(street.balance("alice") == 10'000);
  street.survives();
}

TEST_CASE("operations: an order is handed over in parts, and what was refunded never is", "[actors][engine]") {
  Street street(shards());
  const OrderId id = street.buy("alice", "ann", "mug", 5);
  street.done(Fulfil{id, {{0, 2}}});
  CHECK(fulfilment_status(street.order(id).progress) == FulfilmentStatus::partially_fulfilled);
  street.done(Refund{id, {{0, 1}}});
  street.done(Fulfil{id, {}});
  CHECK(fact(street.order(id).progress) == "placed v4 [bought 5 refunded 1 fulfilled 4]");
  CHECK(fulfilment_status(street.order(id).progress) == FulfilmentStatus::fulfilled);
  street.done(Refund{id, {{0, 4}}, false});  // Money back for what was handed over: the customer keeps it.
  CHECK(street.balance("alice") == 10'000);
  street.survives();
}

TEST_CASE("operations: a refund without an order pays from the merchant and takes goods in", "[actors][engine]") {
  Street street(shards());
  street.buy("alice", "ann", "mug", 4);
  street.done(UnmatchedRefund{acc("bob"), acc("ann"), kGbp, {{sku("mug"), 2, 1'000}, {sku("mug"), 1, 500}}});
  CHECK(street.balance("bob") == 2'500);
  CHECK(street.balance("ann") == 2'500);
  CHECK(street.product_of("mug").returned == 3);
  CHECK(street.on_hand("mug") == 9);
  street.survives();
}

}  // namespace kontor::testing

// Bad input of every operation: a code from the closed list, and nothing has changed.
#include "tests/support/engine_fixture.hpp"

namespace kontor::testing {
namespace {

/// One request that must be refused, and why.
struct Row {
  const char* what;
  Operation operation;
  Errc code;
};
using Rows = std::vector<Row>;

/// A street with everything that a request can be wrong about.
struct Street : Shop {
  OrderId placed, cancelled, half;

  explicit Street(std::uint16_t shards) : Shop(shards) {
    external("bank");
    done(OpenAccount{acc("eurobank"), kEur, AccountKind::external});
    done(OpenAccount{acc("elsa"), kEur});
    wallet("alice", 100'000);
    for (const char* name : {"bob", "ann", "ben", "fees"}) wallet(name);
    product("mug", 1'250, 10);
    product("cup", 400);
    done(DefineProduct{sku("stein"), eur(900)});
    done(ReceiveStock{{{sku("stein"), 5}}});
    placed = done(purchase("alice", "ann", {{sku("mug"), 2}, {sku("mug"), 1}}));
    cancelled = done(purchase("alice", "ann", {{sku("mug"), 1}}));
    done(Cancel{cancelled});
    half = done(purchase("alice", "ben", {{sku("mug"), 3}}));
    done(Refund{half, {{0, 1}}});
    done(Fulfil{half, {{0, 1}}});
    done(Transfer{acc("ben"), acc("alice"), gbp(2'500)});  // The merchant of `half` has spent it.
  }
};

Rows account_rows() {
  constexpr auto kWallet = AccountKind::wallet, kExternal = AccountKind::external;
  return {
      {"no account", OpenAccount{{}, kGbp}, Errc::invalid_argument},
      {"no currency", OpenAccount{acc("new"), {}}, Errc::invalid_argument},
      {"no such kind", OpenAccount{acc("new"), kGbp, static_cast<AccountKind>(7)}, Errc::invalid_argument},
      {"negative limit", OpenAccount{acc("new"), kGbp, kWallet, -1}, Errc::invalid_argument},
      {"a limit for the world", OpenAccount{acc("new"), kGbp, kExternal, 1}, Errc::invalid_argument},
      {"limit too large", OpenAccount{acc("new"), kGbp, kWallet, kAmountMinorMax + 1}, Errc::too_large},
      {"open twice", OpenAccount{acc("alice"), kGbp}, Errc::already_exists},
      {"open twice, other kind", OpenAccount{acc("alice"), kEur, kExternal}, Errc::already_exists},
  };
}

Rows money_rows() {
  const AccountId bank = acc("bank"), alice = acc("alice"), bob = acc("bob"), ghost = acc("ghost");
  return {
      {"deposit 0", Deposit{bank, alice, gbp(0)}, Errc::invalid_argument},
      {"deposit -1", Deposit{bank, alice, gbp(-1)}, Errc::invalid_argument},
      {"deposit too much", Deposit{bank, alice, gbp(kAmountMinorMax + 1)}, Errc::too_large},
      {"deposit of no currency", Deposit{bank, alice, {5, {}}}, Errc::invalid_argument},
      {"deposit in euro", Deposit{bank, alice, eur(5)}, Errc::currency_mismatch},
      {"deposit from euro", Deposit{acc("eurobank"), alice, gbp(5)}, Errc::currency_mismatch},
      {"deposit from a wallet", Deposit{bob, alice, gbp(5)}, Errc::account_kind},
      {"deposit to the world", Deposit{bank, bank, gbp(5)}, Errc::invalid_argument},
      {"deposit to nobody", Deposit{bank, {}, gbp(5)}, Errc::invalid_argument},
      {"deposit from nobody", Deposit{{}, alice, gbp(5)}, Errc::invalid_argument},
      {"deposit to a ghost", Deposit{bank, ghost, gbp(5)}, Errc::unknown_account},
      {"deposit from a ghost", Deposit{ghost, alice, gbp(5)}, Errc::unknown_account},
      {"withdraw 0", Withdraw{alice, bank, gbp(0)}, Errc::invalid_argument},
      {"withdraw the least number", Withdraw{alice, bank, gbp(INT64_MIN)}, Errc::invalid_argument},
      {"withdraw the largest number", Withdraw{alice, bank, gbp(INT64_MAX)}, Errc::too_large},
      {"withdraw what is not there", Withdraw{bob, bank, gbp(1)}, Errc::insufficient_funds},
      {"withdraw to a wallet", Withdraw{alice, bob, gbp(1)}, Errc::account_kind},
      {"withdraw to a ghost", Withdraw{alice, ghost, gbp(1)}, Errc::unknown_account},
      {"withdraw in euro", Withdraw{alice, bank, eur(1)}, Errc::currency_mismatch},
      {"transfer 0", Transfer{alice, bob, gbp(0)}, Errc::invalid_argument},
      {"transfer -1", Transfer{alice, bob, gbp(-1)}, Errc::invalid_argument},
      {"transfer to oneself", Transfer{alice, alice, gbp(1)}, Errc::invalid_argument},
      {"transfer to the world", Transfer{alice, bank, gbp(1)}, Errc::account_kind},
      {"transfer to a ghost", Transfer{alice, ghost, gbp(1)}, Errc::unknown_account},
      {"transfer to a euro wallet", Transfer{alice, acc("elsa"), gbp(1)}, Errc::currency_mismatch},
      {"transfer too much", Transfer{bob, alice, gbp(1)}, Errc::insufficient_funds},
  };
}

Rows product_rows() {
  const Sku mug = sku("mug"), ghost = sku("phantom");
  const std::vector<StockLine> many(kLinesMax + 1, {mug, 1});
  return {
      {"define nothing", DefineProduct{{}, gbp(1)}, Errc::invalid_argument},
      {"define without currency", DefineProduct{sku("new"), {1, {}}}, Errc::invalid_argument},
      {"define at -1", DefineProduct{sku("new"), gbp(-1)}, Errc::invalid_argument},
      {"define too dear", DefineProduct{sku("new"), gbp(kAmountMinorMax + 1)}, Errc::too_large},
      {"define twice", DefineProduct{mug, gbp(1)}, Errc::already_exists},
      {"price of nothing", SetPrice{{}, gbp(1)}, Errc::invalid_argument},
      {"price of a phantom", SetPrice{ghost, gbp(1)}, Errc::unknown_sku},
      {"price of -1", SetPrice{mug, gbp(-1)}, Errc::invalid_argument},
      {"price too high", SetPrice{mug, gbp(INT64_MAX)}, Errc::too_large},
      {"price in euro", SetPrice{mug, eur(1)}, Errc::currency_mismatch},
      {"price of an old version", SetPrice{mug, gbp(1), 7}, Errc::price_changed},
      {"receive nothing", ReceiveStock{}, Errc::invalid_argument},
      {"receive 0", ReceiveStock{{{mug, 0}}}, Errc::invalid_argument},
      {"receive -1", ReceiveStock{{{mug, -1}}}, Errc::invalid_argument},
      {"receive too much", ReceiveStock{{{mug, kQuantityUnitsMax + 1}}}, Errc::too_large},
      {"receive too many lines", ReceiveStock{many}, Errc::too_large},
      {"receive no sku", ReceiveStock{{{mug, 1}, {{}, 1}}}, Errc::invalid_argument},
      {"receive a phantom too", ReceiveStock{{{mug, 1}, {ghost, 1}}}, Errc::unknown_sku},
      {"adjust nothing", AdjustStock{}, Errc::invalid_argument},
      {"adjust by 0", AdjustStock{{{mug, 0}}}, Errc::invalid_argument},
      {"adjust by 1 - 1", AdjustStock{{{mug, 1}, {mug, -1}}}, Errc::invalid_argument},
      {"adjust below zero", AdjustStock{{{sku("cup"), -1}}}, Errc::out_of_stock},
      {"adjust too much", AdjustStock{{{mug, -kQuantityUnitsMax - 1}}}, Errc::too_large},
      {"adjust the least number", AdjustStock{{{mug, INT64_MIN}}}, Errc::too_large},
      {"adjust too many lines", AdjustStock{many}, Errc::too_large},
      {"adjust a phantom too", AdjustStock{{{mug, -1}, {ghost, 1}}}, Errc::unknown_sku},
  };
}

Checkout changed(void (*change)(Checkout&)) {
  Checkout checkout = purchase("alice", "ann", {{sku("mug"), 1}});
  change(checkout);
  return checkout;
}

Rows checkout_rows() {
  return {
      {"nobody buys", changed([](auto& c) { c.customer = {}; }), Errc::invalid_argument},
      {"a ghost buys", changed([](auto& c) { c.customer = acc("ghost"); }), Errc::unknown_account},
      {"the world buys", changed([](auto& c) { c.customer = acc("bank"); }), Errc::account_kind},
      {"the poor buy", changed([](auto& c) { c.customer = acc("bob"); }), Errc::insufficient_funds},
      {"a euro wallet buys", changed([](auto& c) { c.customer = acc("elsa"); }), Errc::currency_mismatch},
      {"in no currency", changed([](auto& c) { c.currency = {}; }), Errc::invalid_argument},
      {"in euro", changed([](auto& c) { c.currency = kEur; }), Errc::currency_mismatch},
      {"paid to nobody", changed([](auto& c) { c.payees.clear(); }), Errc::invalid_argument},
      {"paid to no name", changed([](auto& c) { c.payees = {AccountId{}}; }), Errc::invalid_argument},
      {"paid to oneself", changed([](auto& c) { c.payees = {acc("alice")}; }), Errc::invalid_argument},
      {"paid to a ghost", changed([](auto& c) { c.payees = {acc("ghost")}; }), Errc::unknown_account},
      {"paid to too many", changed([](auto& c) { c.payees.resize(kPayeesMax + 1, acc("ann")); }), Errc::too_large},
      {"a fee for nobody", changed([](auto& c) {
         c.fee = {{}, 10};
       }),
       Errc::invalid_argument},
      {"a fee over 100 %", changed([](auto& c) {
         c.fee = {acc("fees"), 10'001};
       }),
       Errc::invalid_argument},
      {"a fee for the customer", changed([](auto& c) {
         c.fee = {acc("alice"), 10};
       }),
       Errc::invalid_argument},
      {"a fee for a ghost", changed([](auto& c) {
         c.fee = {acc("ghost"), 10};
       }),
       Errc::unknown_account},
      {"no lines", changed([](auto& c) { c.lines.clear(); }), Errc::invalid_argument},
      {"too many lines", changed([](auto& c) { c.lines.resize(kLinesMax + 1, c.lines[0]); }), Errc::too_large},
      {"no sku", changed([](auto& c) { c.lines[0].sku = {}; }), Errc::invalid_argument},
      {"a phantom", changed([](auto& c) { c.lines[0].sku = sku("phantom"); }), Errc::unknown_sku},
      {"a phantom at a price", changed([](auto& c) {
         c.lines[0] = {sku("phantom"), 1, 5};
       }),
       Errc::unknown_sku},
      {"a euro product", changed([](auto& c) { c.lines[0].sku = sku("stein"); }), Errc::currency_mismatch},
      {"a euro product at a price", changed([](auto& c) {
         c.lines[0] = {sku("stein"), 1, 5};
       }),
       Errc::currency_mismatch},
      {"0 units", changed([](auto& c) { c.lines[0].quantity = 0; }), Errc::invalid_argument},
      {"-1 unit", changed([](auto& c) { c.lines[0].quantity = -1; }), Errc::invalid_argument},
      {"too many units", changed([](auto& c) { c.lines[0].quantity = kQuantityUnitsMax + 1; }), Errc::too_large},
      {"one unit too many", changed([](auto& c) { c.lines[0].quantity = 6; }), Errc::out_of_stock},
      {"one too many over two lines", changed([](auto& c) {
         c.lines = {{sku("mug"), 3}, {sku("mug"), 3}};
       }),
       Errc::out_of_stock},
      {"a negative price", changed([](auto& c) { c.lines[0].unit_price = -2; }), Errc::invalid_argument},
      {"too dear", changed([](auto& c) { c.lines[0].unit_price = kAmountMinorMax + 1; }), Errc::too_large},
      {"a total too large", changed([](auto& c) {
         c.lines = {{sku("mug"), 2, kAmountMinorMax}};
       }),
       Errc::amount_out_of_range},
      {"a sum too large", changed([](auto& c) {
         c.lines = {{sku("mug"), 1, kAmountMinorMax}, {sku("mug"), 1, 1}};
       }),
       Errc::amount_out_of_range},
      {"a payee that is not listed", changed([](auto& c) { c.lines[0].payee = 1; }), Errc::invalid_argument},
      {"an old price", changed([](auto& c) { c.lines[0].expected_version = 2; }), Errc::price_changed},
      {"two versions of one sku", changed([](auto& c) {
         c.lines = {{sku("mug"), 1, 5, 1}, {sku("mug"), 1, 5, 2}};
       }),
       Errc::invalid_argument},
  };
}

Rows amendment_rows(const Street& street) {
  const OrderId placed = street.placed, cancelled = street.cancelled, half = street.half;
  const OrderId none{}, elsewhere{63, 1, 1}, later{placed.shard, placed.incarnation, placed.sequence + 1'000'000};
  return {
      {"cancel nothing", Cancel{none}, Errc::unknown_order},
      {"cancel on a shard that is not", Cancel{elsewhere}, Errc::unknown_order},
      {"cancel what never was", Cancel{later}, Errc::unknown_order},
      {"cancel twice", Cancel{cancelled}, Errc::order_state},
      {"cancel what was handed over", Cancel{half}, Errc::order_state},
      {"refund nothing", Refund{none, {}}, Errc::unknown_order},
      {"refund what never was", Refund{later, {{0, 1}}}, Errc::unknown_order},
      {"refund a cancelled order", Refund{cancelled, {{0, 1}}}, Errc::order_state},
      {"refund line 2", Refund{placed, {{2, 1}}}, Errc::invalid_argument},
      {"refund 0", Refund{placed, {{0, 0}}}, Errc::invalid_argument},
      {"refund -1", Refund{placed, {{0, -1}}}, Errc::invalid_argument},
      {"refund one too many", Refund{placed, {{0, 3}}}, Errc::exceeds_order},
      {"refund the rest and one", Refund{half, {{0, 3}}}, Errc::exceeds_order},
      {"refund a line twice", Refund{placed, {{0, 1}, {0, 1}}}, Errc::invalid_argument},
      {"refund too many lines", Refund{placed, std::vector<OrderLine>(kLinesMax + 1)}, Errc::too_large},
      {"refund what the merchant has spent", Refund{half, {{0, 2}}}, Errc::insufficient_funds},
      {"fulfil nothing", Fulfil{none, {}}, Errc::unknown_order},
      {"fulfil a cancelled order", Fulfil{cancelled, {{0, 1}}}, Errc::order_state},
      {"fulfil 0", Fulfil{placed, {{0, 0}}}, Errc::invalid_argument},
      {"fulfil one too many", Fulfil{placed, {{1, 2}}}, Errc::exceeds_order},
      {"fulfil what was refunded", Fulfil{half, {{0, 2}}}, Errc::exceeds_order},
  };
}

Rows unmatched_rows() {
  const auto refund = [](void (*change)(UnmatchedRefund&)) {
    UnmatchedRefund out{acc("bob"), acc("ann"), kGbp, {{sku("mug"), 1, 100}}};
    change(out);
    return out;
  };
  return {
      {"to nobody", refund([](auto& r) { r.customer = {}; }), Errc::invalid_argument},
      {"from nobody", refund([](auto& r) { r.payee = {}; }), Errc::invalid_argument},
      {"to oneself", refund([](auto& r) { r.payee = r.customer; }), Errc::invalid_argument},
      {"to a ghost", refund([](auto& r) { r.customer = acc("ghost"); }), Errc::unknown_account},
      {"from the world", refund([](auto& r) { r.payee = acc("bank"); }), Errc::account_kind},
      {"from the poor", refund([](auto& r) { r.payee = acc("fees"); }), Errc::insufficient_funds},
      {"in no currency", refund([](auto& r) { r.currency = {}; }), Errc::invalid_argument},
      {"in euro", refund([](auto& r) { r.currency = kEur; }), Errc::currency_mismatch},
      {"of nothing", refund([](auto& r) { r.lines.clear(); }), Errc::invalid_argument},
      {"of too many lines", refund([](auto& r) { r.lines.resize(kLinesMax + 1, r.lines[0]); }), Errc::too_large},
      {"of no sku", refund([](auto& r) { r.lines[0].sku = {}; }), Errc::invalid_argument},
      {"of a phantom", refund([](auto& r) { r.lines[0].sku = sku("phantom"); }), Errc::unknown_sku},
      {"of 0 units", refund([](auto& r) { r.lines[0].quantity = 0; }), Errc::invalid_argument},
      {"at -1", refund([](auto& r) { r.lines[0].unit_price = -1; }), Errc::invalid_argument},
      {"of more money than there is", refund([](auto& r) {
         r.lines[0] = {sku("mug"), 2, kAmountMinorMax};
       }),
       Errc::amount_out_of_range},
  };
}

/// Each row alone: its code, its advice, the counters, and every object as it was.
void refuse_all(Street& street, const Rows& rows) {
  const State before = street.known();
  for (const Row& row : rows) {
    INFO(row.what);
    const EngineCounters was = street.engine().counters();
    const Error error = street.refused(row.operation);
    CHECK(to_string(error.code) == to_string(row.code));
    CHECK_FALSE(error.detail.empty());
    CHECK((advice(error.code) == Advice::change_request || error.code == Errc::conflict));
    const EngineCounters now = street.engine().counters();
    CHECK(now.submitted == was.submitted + 1);
    CHECK(now.aborted == was.aborted + 1);
    CHECK(now.committed == was.committed);
    CHECK(now.open == 0);
    CHECK(street.known() == before);
  }
  street.audit_is_clean();
  CHECK(street.known() == before);
  street.buy("alice", "ann", "mug");  // And the shop goes on.
}

std::uint16_t shards() { return GENERATE(std::uint16_t{1}, std::uint16_t{3}); }

}  // namespace

TEST_CASE("refusals: accounts that cannot be opened", "[actors][engine]") {
  Street street(shards());
  refuse_all(street, account_rows());
}
TEST_CASE("refusals: money that cannot move", "[actors][engine]") {
  Street street(shards());
  refuse_all(street, money_rows());
}
TEST_CASE("refusals: products that cannot be, prices and counts that make no sense", "[actors][engine]") {
  Street street(shards());
  refuse_all(street, product_rows());
}
TEST_CASE("refusals: checkouts that cannot be", "[actors][engine]") {
  Street street(shards());
  refuse_all(street, checkout_rows());
}
TEST_CASE("refusals: amendments that cannot be", "[actors][engine]") {
  Street street(shards());
  refuse_all(street, amendment_rows(street));
}
TEST_CASE("refusals: refunds without an order that cannot be", "[actors][engine]") {
  Street street(shards());
  refuse_all(street, unmatched_rows());
}

TEST_CASE("refusals: a request without a key, whatever it asks", "[actors][engine]") {
  Street street(shards());
  const State before = street.known();
  CHECK(street.run(Request{{}, Transfer{acc("alice"), acc("bob"), gbp(1)}}).error.code == Errc::invalid_argument);
  CHECK(street.run(Request{{}, Cancel{street.placed}}).error.code == Errc::invalid_argument);
  CHECK(IdempotencyKey::parse(std::string(kKeyBytesMax + 1, 'k')).code() == Errc::too_large);
  CHECK(IdempotencyKey::parse(std::string(kKeyBytesMax, 'k')));
  CHECK(AccountId::parse(std::string(kNameBytesMax + 1, 'a')).code() == Errc::too_large);
  CHECK(street.known() == before);
}

TEST_CASE("refusals: an order that was aborted cannot be amended, nor read", "[actors][engine]") {
  Street street(shards());
  const Outcome aborted = street.run(purchase("bob", "ann", {{sku("mug"), 1}}));
  REQUIRE(aborted.error.code == Errc::insufficient_funds);
  REQUIRE(aborted.transaction);
  const auto unknown = [&](std::string_view when) {
    INFO(when);
    CHECK(street.engine().order(aborted.transaction).get().code() == Errc::unknown_order);
    CHECK(street.refused(Refund{aborted.transaction, {}}).code == Errc::unknown_order);
    CHECK(street.refused(Cancel{aborted.transaction}).code == Errc::unknown_order);
  };
  unknown("now");
  street.checkpoint();
  unknown("after a checkpoint");
  street.audit_is_clean();
  unknown("after reopening");
}

TEST_CASE("refusals: no account holds more than a balance may be", "[actors][engine]") {
  Shop shop(shards());
  shop.external("bank");
  shop.wallet("rich");
  const auto most = static_cast<std::size_t>(kBalanceMinorMax / kAmountMinorMax);
  std::vector<Request> requests;
  for (std::size_t i = 0; i < most + 1; ++i)
    requests.push_back(shop.request(Deposit{acc("bank"), acc("rich"), gbp(kAmountMinorMax)}));
  std::size_t refused = 0;
  for (const Outcome& outcome : shop.run_all(requests)) {
    if (outcome.verdict == Verdict::committed) continue;
    ++refused;
    CHECK(outcome.error.code == Errc::amount_out_of_range);
  }
  CHECK(refused == 1);
  CHECK(shop.balance("rich") == kBalanceMinorMax);
  CHECK(shop.balance("bank") == -kBalanceMinorMax);
  shop.audit_is_clean();
}

}  // namespace kontor::testing

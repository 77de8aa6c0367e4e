// The inventory resource: each demand against each state of a product, and what hold and settle do to it.
#include "domain/inventory.hpp"

#include <limits>

#include "tests/domain/values.hpp"

namespace kontor::tests {
namespace {

using A = StockAction;
using Demands = std::vector<StockDemand>;
constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr Units kDemandMax = kQuantityUnitsMax * static_cast<Units>(kLinesMax);  // All lines of one request, one SKU.

StockDemand ask(A action, std::string_view name, std::int64_t amount, std::uint32_t version = 0,
                Currency currency = kGbp) {
  return {sku(name), action, currency, version, amount};
}

/// A product of version 3 at 12.00 with `on_hand` units that all came from a supplier.
Product product(std::string_view name, Units on_hand, Units held = 0, Units incoming = 0) {
  Product out;
  out.sku = sku(name);
  out.currency = kGbp;
  out.version = 3;
  out.price = 1'200;
  out.on_hand = out.received = on_hand;
  out.held = held;
  out.incoming = incoming;
  return out;
}

/// Ten mugs, three of them claimed and two coming in; no cups; as many pins as can be, but one; every counter of nails
/// one short of its bound, with as many on hand as can be taken by one demand.
Inventory some_products() {
  Inventory inventory;
  inventory.add(product("mug", 10, 3, 2));
  inventory.add(product("cup", 0));
  inventory.add(product("pin", kStockUnitsMax - 5, 0, 4));
  Product nail = product("nail", kDemandMax);
  nail.sold = nail.received = nail.returned = kStockUnitsMax - 1;
  nail.adjusted = -kStockUnitsMax + 1;
  inventory.add(nail);
  Product tack = product("tack", 0);
  tack.adjusted = kStockUnitsMax - 1;
  inventory.add(tack);
  Product priced = product("plate", 5);
  priced.pricing = true;
  inventory.add(priced);
  inventory.take_repriced();
  return inventory;
}

void check_sound(const Inventory& inventory) {
  for (Inventory::Index i = 0; i < inventory.rows().size(); ++i) {
    const Product& row = inventory.rows()[i];
    INFO(row.sku.view());
    CHECK(row.held >= 0);
    CHECK(row.held <= row.on_hand);
    CHECK(row.incoming >= 0);
    CHECK(row.on_hand + row.incoming <= kStockUnitsMax);
    for (const Units counter : {row.received, row.sold, row.returned})
      CHECK((counter >= 0 && counter <= kStockUnitsMax));
    CHECK((row.adjusted <= kStockUnitsMax && row.adjusted >= -kStockUnitsMax));
  }
}

void hold(Inventory& inventory, const Inventory::Claim& claim) {
  for (const auto& posting : claim.postings) inventory.hold(posting);
  if (claim.creation) inventory.hold_creation(*claim.creation);
}
void settle(Inventory& inventory, const Inventory::Claim& claim, bool commit) {
  for (const auto& posting : claim.postings) inventory.settle(posting, commit);
  if (claim.creation) inventory.settle_creation(*claim.creation, commit);
}
Inventory::Claim promised(Inventory& inventory, const Demands& demands) {
  auto claim = inventory.decide(demands);
  REQUIRE(claim);
  hold(inventory, *claim);
  check_sound(inventory);
  return std::move(*claim);
}

/// What a committed demand changes in a product.
Product expected_after(Product row, const StockDemand& demand) {
  if (demand.action == A::set_price) {
    row.price = demand.amount;
    ++row.version;
    return row;
  }
  row.on_hand += demand.action == A::sell ? -demand.amount : demand.amount;
  if (demand.action == A::sell) row.sold += demand.amount;
  if (demand.action == A::take_back) row.returned += demand.amount;
  if (demand.action == A::receive) row.received += demand.amount;
  if (demand.action == A::adjust) row.adjusted += demand.amount;
  return row;
}

void check_same(const Product& a, const Product& b) {
  CHECK(a.version == b.version);
  CHECK(a.price == b.price);
  CHECK(a.on_hand == b.on_hand);
  CHECK(a.held == b.held);
  CHECK(a.incoming == b.incoming);
  CHECK(a.received == b.received);
  CHECK(a.adjusted == b.adjusted);
  CHECK(a.sold == b.sold);
  CHECK(a.returned == b.returned);
  CHECK(a.pricing == b.pricing);
}

struct Row {
  std::string what;
  StockDemand demand;
  Errc code;
  std::int64_t figure = 0;
};
constexpr Errc kOk = Errc::none, kOut = Errc::amount_out_of_range, kInvalid = Errc::invalid_argument;

/// Refused as it should be, or held and settled to what it should be.
void check_row(const Row& row) {
  INFO(row.what);
  Inventory inventory = some_products();
  const auto claim = inventory.decide(Demands{row.demand});
  REQUIRE(claim.code() == row.code);
  if (!claim) {
    CHECK(claim.error().figure == row.figure);
    return;
  }
  for (const bool commit : {false, true}) {
    const Product before = *inventory.find(row.demand.sku);
    hold(inventory, *claim);
    check_sound(inventory);
    CHECK(inventory.find(row.demand.sku)->on_hand == before.on_hand);
    settle(inventory, *claim, commit);
    check_sound(inventory);
    check_same(*inventory.find(row.demand.sku), commit ? expected_after(before, row.demand) : before);
  }
}

}  // namespace

TEST_CASE("inventory: selling, refusals first", "[domain][inventory]") {
  check_row(GENERATE(values<Row>({
      {"unknown", ask(A::sell, "spoon", 1), Errc::unknown_sku},
      {"no name", {}, Errc::unknown_sku},
      {"an old version", ask(A::sell, "mug", 1, 2), Errc::price_changed, 3},
      {"a version to come", ask(A::sell, "mug", 1, 4), Errc::price_changed, 3},
      {"in euros", ask(A::sell, "mug", 1, 3, kEur), Errc::currency_mismatch},
      {"the version before the currency", ask(A::sell, "mug", 1, 2, kEur), Errc::price_changed, 3},
      {"none", ask(A::sell, "mug", 0), kInvalid},
      {"fewer than none", ask(A::sell, "mug", -1), kInvalid},
      {"the lowest number", ask(A::sell, "mug", kLowest), kOut},
      {"more than a request can ask", ask(A::sell, "nail", kDemandMax + 1), kOut},
      {"all that are not claimed", ask(A::sell, "mug", 7), kOk},
      {"one more", ask(A::sell, "mug", 8), Errc::out_of_stock, 7},  // What comes in cannot be sold.
      {"one of none", ask(A::sell, "cup", 1), Errc::out_of_stock, 0},
      {"of the right version", ask(A::sell, "mug", 1, 3), kOk},
      {"of any currency", ask(A::sell, "mug", 1, 0, {}), kOk},
      {"while a price is being set", ask(A::sell, "plate", 5, 3), kOk},
      {"up to the bound of the counter", ask(A::sell, "nail", 1), kOk},
      {"beyond the bound of the counter", ask(A::sell, "nail", 2), kOut},
  })));
}

TEST_CASE("inventory: receiving and taking back, refusals first", "[domain][inventory]") {
  check_row(GENERATE(values<Row>({
      {"unknown", ask(A::receive, "spoon", 1), Errc::unknown_sku},
      {"received none", ask(A::receive, "mug", 0), kInvalid},
      {"received fewer", ask(A::receive, "mug", -1), kInvalid},
      {"received the lowest number", ask(A::receive, "mug", kLowest), kOut},
      {"took none back", ask(A::take_back, "mug", 0), kInvalid},
      {"took fewer back", ask(A::take_back, "mug", -1), kInvalid},
      {"took back in euros", ask(A::take_back, "mug", 1, 0, kEur), Errc::currency_mismatch},
      {"received some", ask(A::receive, "cup", 5, 0, {}), kOk},
      {"took some back", ask(A::take_back, "cup", 5), kOk},
      {"received as many as there is room for", ask(A::receive, "pin", 1), kOk},
      {"received one more", ask(A::receive, "pin", 2), kOut},
      {"took one more back", ask(A::take_back, "pin", 2), kOut},
      {"received far more", ask(A::receive, "pin", kDemandMax), kOut},
      {"received as many as can be asked", ask(A::receive, "cup", kDemandMax), kOk},
      {"received more than can be asked", ask(A::receive, "cup", kDemandMax + 1), kOut},
      {"received up to the bound of the counter", ask(A::receive, "nail", 1), kOk},
      {"received beyond the bound of the counter", ask(A::receive, "nail", 2), kOut},
      {"took back up to the bound of the counter", ask(A::take_back, "nail", 1), kOk},
      {"took back beyond the bound of the counter", ask(A::take_back, "nail", 2), kOut},
  })));
}

TEST_CASE("inventory: adjusting, refusals first", "[domain][inventory]") {
  check_row(GENERATE(values<Row>({
      {"unknown", ask(A::adjust, "spoon", 1), Errc::unknown_sku},
      {"the lowest number", ask(A::adjust, "mug", kLowest), kOut},
      {"as few as can be asked", ask(A::adjust, "mug", -kDemandMax), Errc::out_of_stock, 7},
      {"fewer than can be asked", ask(A::adjust, "mug", -kDemandMax - 1), kOut},
      {"all that are not claimed", ask(A::adjust, "mug", -7), kOk},
      {"one that is claimed", ask(A::adjust, "mug", -8), Errc::out_of_stock, 7},
      {"found some", ask(A::adjust, "cup", 5, 0, {}), kOk},
      {"found as many as there is room for", ask(A::adjust, "pin", 1), kOk},
      {"found one more", ask(A::adjust, "pin", 2), kOut},
      {"lost down to the bound of the counter", ask(A::adjust, "nail", -1), kOk},
      {"lost beyond the bound of the counter", ask(A::adjust, "nail", -2), kOut},
      {"found up to the bound of the counter", ask(A::adjust, "tack", 1), kOk},
      {"found beyond the bound of the counter", ask(A::adjust, "tack", 2), kOut},
  })));
}

TEST_CASE("inventory: pricing, refusals first", "[domain][inventory]") {
  check_row(GENERATE(values<Row>({
      {"unknown", ask(A::set_price, "spoon", 1), Errc::unknown_sku},
      {"an old version", ask(A::set_price, "mug", 1, 2), Errc::price_changed, 3},
      {"in euros", ask(A::set_price, "mug", 1, 3, kEur), Errc::currency_mismatch},
      {"while it is being priced", ask(A::set_price, "plate", 1), Errc::conflict},
      {"negative", ask(A::set_price, "mug", -1), kOut},
      {"the lowest number", ask(A::set_price, "mug", kLowest), kOut},
      {"too large", ask(A::set_price, "mug", kAmountMinorMax + 1), kOut},
      {"as large as can be", ask(A::set_price, "mug", kAmountMinorMax), kOk},
      {"free of charge", ask(A::set_price, "mug", 0, 3), kOk},
  })));
}

TEST_CASE("inventory: defining, refusals first", "[domain][inventory]") {
  struct Definition {
    std::string what;
    Demands demands;
    Errc code;
  };
  const auto row = GENERATE(values<Definition>({
      {"what is there", {ask(A::define, "mug", 1)}, Errc::already_exists},
      {"what is being defined", {ask(A::define, "bowl", 1)}, Errc::conflict},
      {"beside another demand", {ask(A::receive, "mug", 1), ask(A::define, "spoon", 1)}, kInvalid},
      {"before another demand", {ask(A::define, "fork", 1), ask(A::receive, "mug", 1)}, kInvalid},
      {"what is new", {ask(A::define, "fork", 250)}, kOk},
  }));
  INFO(row.what);
  Inventory inventory = some_products();
  const auto other = promised(inventory, {ask(A::define, "bowl", 1)});
  const auto claim = inventory.decide(row.demands);
  REQUIRE(claim.code() == row.code);
  if (!claim) return;
  hold(inventory, *claim);
  CHECK(inventory.find(sku("fork")) == nullptr);
  CHECK(inventory.decide(Demands{ask(A::receive, "fork", 1)}).code() == Errc::unknown_sku);
  CHECK(inventory.decide(Demands{ask(A::define, "fork", 1)}).code() == Errc::conflict);
  const bool commit = GENERATE(true, false);
  settle(inventory, *claim, commit);
  CHECK(inventory.decide(Demands{ask(A::define, "fork", 1)}).code() == (commit ? Errc::already_exists : Errc::none));
  if (!commit) return;
  const Product* fork = inventory.find(sku("fork"));
  REQUIRE(fork);
  CHECK(fork->version == 1);
  CHECK(fork->price == 250);
  CHECK(fork->on_hand == 0);
}

TEST_CASE("inventory: a price change is exclusive and changes the version", "[domain][inventory]") {
  Inventory inventory = some_products();
  const auto sale = promised(inventory, {ask(A::sell, "mug", 2, 3)});
  const auto price = promised(inventory, {ask(A::set_price, "mug", 900, 3)});
  CHECK(inventory.decide(Demands{ask(A::set_price, "mug", 800)}).code() == Errc::conflict);
  CHECK(inventory.decide(Demands{ask(A::sell, "mug", 1, 3)}));  // The old price holds until the decision.
  SECTION("committed") {
    settle(inventory, price, true);
    CHECK(inventory.decide(Demands{ask(A::sell, "mug", 1, 3)}).code() == Errc::price_changed);
    CHECK(inventory.decide(Demands{ask(A::sell, "mug", 1, 4)}));
  }
  SECTION("aborted") {
    settle(inventory, price, false);
    CHECK(inventory.find(sku("mug"))->version == 3);
    CHECK(inventory.find(sku("mug"))->price == 1'200);
  }
  CHECK(inventory.decide(Demands{ask(A::set_price, "mug", 800)}));
  settle(inventory, sale, true);  // Promised at the old price: stays good.
  CHECK(inventory.find(sku("mug"))->sold == 2);
}

TEST_CASE("inventory: what was defined or priced is told once", "[domain][inventory]") {
  Inventory inventory;
  settle(inventory, promised(inventory, {ask(A::define, "mug", 100)}), true);
  settle(inventory, promised(inventory, {ask(A::define, "cup", 100)}), false);
  auto told = inventory.take_repriced();
  REQUIRE(told.size() == 1);
  CHECK(told[0].sku == sku("mug"));
  CHECK(inventory.take_repriced().empty());
  settle(inventory, promised(inventory, {ask(A::receive, "mug", 5)}), true);
  CHECK(inventory.take_repriced().empty());
  settle(inventory, promised(inventory, {ask(A::set_price, "mug", 120)}), false);
  CHECK(inventory.take_repriced().empty());
  settle(inventory, promised(inventory, {ask(A::set_price, "mug", 130)}), true);
  told = inventory.take_repriced();
  REQUIRE(told.size() == 1);
  CHECK(told[0].price == 130);
  CHECK(told[0].version == 2);
}

TEST_CASE("inventory: many may hold one sku as long as it lasts", "[domain][inventory]") {
  Inventory inventory = some_products();
  std::vector<Inventory::Claim> claims;
  for (int i = 0; i < 7; ++i) claims.push_back(promised(inventory, {ask(A::sell, "mug", 1)}));
  CHECK(inventory.decide(Demands{ask(A::sell, "mug", 1)}).code() == Errc::out_of_stock);
  settle(inventory, claims[2], false);
  settle(inventory, claims[5], true);
  CHECK(inventory.decide(Demands{ask(A::sell, "mug", 1)}));
  CHECK(inventory.decide(Demands{ask(A::sell, "mug", 2)}).code() == Errc::out_of_stock);
  CHECK(inventory.find(sku("mug"))->sold == 1);
  check_sound(inventory);
}

namespace {

/// Puts one demand through: promised, then decided.
Errc put(Inventory& inventory, const StockDemand& demand, bool commit = true) {
  auto claim = inventory.decide(Demands{demand});
  if (!claim) return claim.code();
  for (const auto& posting : claim->postings) inventory.hold(posting);
  for (const auto& posting : claim->postings) inventory.settle(posting, commit);
  return Errc::none;
}

}  // namespace

TEST_CASE("inventory: what is reserved is not sold to others", "[domain][inventory]") {
  Inventory inventory;
  inventory.add(product("mug", 10));
  CHECK(put(inventory, ask(A::reserve, "mug", 4)) == Errc::none);
  const Product* mug = inventory.find(sku("mug"));
  CHECK((mug->on_hand == 10 && mug->reserved == 4 && mug->held == 0 && mug->available() == 6));
  const auto refused = inventory.decide(Demands{ask(A::sell, "mug", 7)});
  CHECK(refused.code() == Errc::out_of_stock);
  CHECK(refused.error().figure == 6);
  CHECK(inventory.decide(Demands{ask(A::reserve, "mug", 7)}).code() == Errc::out_of_stock);
  CHECK(inventory.decide(Demands{ask(A::adjust, "mug", -7)}).code() == Errc::out_of_stock);
  CHECK(put(inventory, ask(A::sell, "mug", 6)) == Errc::none);
  CHECK(put(inventory, ask(A::redeem, "mug", 4)) == Errc::none);
  CHECK((mug->on_hand == 0 && mug->reserved == 0 && mug->sold == 10));
}

TEST_CASE("inventory: a reservation's units are claimed until it is decided how it ends", "[domain][inventory]") {
  Inventory inventory;
  inventory.add(product("mug", 10));
  REQUIRE(put(inventory, ask(A::reserve, "mug", 4)) == Errc::none);
  const auto action = GENERATE(A::redeem, A::release);
  const auto claim = inventory.decide(Demands{ask(action, "mug", 3)});
  REQUIRE(claim);
  inventory.hold(claim->postings[0]);
  const Product* mug = inventory.find(sku("mug"));
  CHECK((mug->reserved == 4 && mug->leaving == 3 && mug->held == 0 && mug->available() == 6));
  CHECK(inventory.decide(Demands{ask(A::redeem, "mug", 2)}).code() == Errc::conflict);
  CHECK(inventory.decide(Demands{ask(A::release, "mug", 2)}).code() == Errc::conflict);
  CHECK(inventory.decide(Demands{ask(A::release, "mug", 1)}).code() == Errc::none);
  const bool commit = GENERATE(true, false);
  inventory.settle(claim->postings[0], commit);
  CHECK(mug->leaving == 0);
  CHECK(mug->reserved == (commit ? 1 : 4));
  CHECK(mug->on_hand == (commit && action == A::redeem ? 7 : 10));
  CHECK(mug->sold == (commit && action == A::redeem ? 3 : 0));
  CHECK(mug->received + mug->adjusted + mug->returned == mug->on_hand + mug->sold);
}

TEST_CASE("inventory: a reservation that is refused leaves nothing", "[domain][inventory]") {
  Inventory inventory;
  inventory.add(product("mug", 10));
  CHECK(put(inventory, ask(A::reserve, "mug", 4), false) == Errc::none);
  const Product* mug = inventory.find(sku("mug"));
  CHECK((mug->reserved == 0 && mug->held == 0 && mug->available() == 10));
  CHECK(inventory.decide(Demands{ask(A::reserve, "mug", 1, 2)}).code() == Errc::price_changed);
  CHECK(inventory.decide(Demands{ask(A::reserve, "mug", 1, 3, kEur)}).code() == Errc::currency_mismatch);
  CHECK(inventory.decide(Demands{ask(A::reserve, "mug", 0)}).code() == Errc::invalid_argument);
  CHECK(inventory.decide(Demands{ask(A::redeem, "mug", 1)}).code() == Errc::conflict);
  CHECK(inventory.decide(Demands{ask(A::redeem, "mug", -1)}).code() == Errc::invalid_argument);
}

TEST_CASE("inventory: who reserves may redeem: room to be sold is kept", "[domain][inventory]") {
  Inventory inventory;
  Product mug = product("mug", 10);
  mug.sold = kStockUnitsMax - 5;
  mug.received = kStockUnitsMax, mug.returned = 5;
  inventory.add(mug);
  CHECK(put(inventory, ask(A::reserve, "mug", 3)) == Errc::none);
  CHECK(inventory.decide(Demands{ask(A::sell, "mug", 3)}).code() == Errc::amount_out_of_range);
  CHECK(put(inventory, ask(A::sell, "mug", 2)) == Errc::none);
  CHECK(put(inventory, ask(A::redeem, "mug", 3)) == Errc::none);
  CHECK(inventory.find(sku("mug"))->sold == kStockUnitsMax);
}

TEST_CASE("inventory: room in a counter is kept for what is promised", "[domain][inventory]") {
  const auto [demand, code] = GENERATE(table<StockDemand, Errc>({
      {ask(A::sell, "nail", 1), kOut},
      {ask(A::adjust, "nail", -1), kOut},
      {ask(A::receive, "nail", 1), kOut},
      {ask(A::take_back, "nail", 1), kOut},
      {ask(A::adjust, "tack", 1), kOut},
      {ask(A::sell, "mug", 1), kOk},
      {ask(A::adjust, "mug", -1), kOk},
  }));
  Inventory inventory = some_products();
  const auto claim = promised(inventory, {demand});
  CHECK(inventory.decide(Demands{demand}).code() == code);
  settle(inventory, claim, false);
  CHECK(inventory.decide(Demands{demand}));
}

TEST_CASE("inventory: demands are promised as a whole, and the refused one is named", "[domain][inventory]") {
  const Inventory inventory = some_products();
  const auto refused = inventory.decide(Demands{ask(A::receive, "cup", 1), ask(A::sell, "mug", 8)});
  CHECK(refused.code() == Errc::out_of_stock);
  CHECK(refused.error().line == 1);
  CHECK(inventory.decide(Demands{ask(A::sell, "mug", 1), ask(A::sell, "mug", 1)}).code() == kInvalid);
  CHECK(inventory.decide(Demands{ask(A::sell, "mug", 1), ask(A::receive, "cup", 1)}).code() == kInvalid);
  CHECK(inventory.decide(Demands{}));
}

TEST_CASE("inventory: a claim is described by demands that resolve to it again", "[domain][inventory]") {
  const Demands demands = GENERATE(values<Demands>({
      {},
      {ask(A::receive, "cup", 4), ask(A::sell, "mug", 7)},
      {ask(A::adjust, "cup", 4), ask(A::adjust, "mug", -7)},
      {ask(A::take_back, "mug", 3)},
      {ask(A::set_price, "mug", 3)},
      {ask(A::define, "fork", 77, 0, kJpy)},
  }));
  const Inventory inventory = some_products();
  const auto claim = inventory.decide(demands);
  REQUIRE(claim);
  Demands described;
  inventory.describe(*claim, described);
  REQUIRE(described.size() == demands.size());
  for (std::size_t i = 0; i < demands.size(); ++i) {
    CHECK(described[i].sku == demands[i].sku);
    CHECK(described[i].action == demands[i].action);
    CHECK(described[i].currency == demands[i].currency);
    CHECK(described[i].amount == demands[i].amount);
  }
  const auto resolved = inventory.resolve(described);
  REQUIRE(resolved);
  REQUIRE(resolved->postings.size() == claim->postings.size());
  for (std::size_t i = 0; i < claim->postings.size(); ++i) {
    CHECK(resolved->postings[i].row == claim->postings[i].row);
    CHECK(resolved->postings[i].action == claim->postings[i].action);
    CHECK(resolved->postings[i].amount == claim->postings[i].amount);
  }
  CHECK((resolved->creation == nullptr) == (claim->creation == nullptr));
  CHECK(inventory.resolve(Demands{ask(A::sell, "spoon", 1)}).code() == Errc::unknown_sku);
}

TEST_CASE("inventory: no more products than kProductsMax, those being defined included",
          "[domain][inventory][limits]") {
  CHECK(Inventory(kProductsMax).decide(Demands{ask(A::define, "a", 1)}));
  Inventory inventory(2);
  settle(inventory, promised(inventory, {ask(A::define, "a", 1)}), true);
  const auto second = promised(inventory, {ask(A::define, "b", 1)});
  CHECK(inventory.decide(Demands{ask(A::define, "c", 1)}).code() == Errc::too_large);
  settle(inventory, second, true);
  CHECK(inventory.decide(Demands{ask(A::define, "c", 1)}).code() == Errc::too_large);
  CHECK_FALSE(inventory.add(product("a", 5)));
}

}  // namespace kontor::tests

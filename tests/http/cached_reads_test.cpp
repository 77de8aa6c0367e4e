// Reads through the cache, over HTTP: whoever writes reads what it wrote, and nobody goes back.
#include <algorithm>
#include <atomic>
#include <thread>

#include "cmd/kontor/serve/objects.hpp"
#include "tests/http/served_shop.hpp"

using namespace kontor;
using namespace kontor::tests;

namespace {

std::int64_t version_of(Client& client) { return client.get("/v1/products/mug").json().at("version").as_int64(); }

std::string price_text(std::int64_t pence) { return R"({"price":)" + ServedShop::gbp_text(pence) + "}"; }

}  // namespace

TEST_CASE("cached reads: every write is read at once by whoever was told of it", "[http][cache]") {
  ServedShop shop({}, GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  shop.open_shop(1'000'000, 1'000);
  auto client = shop.client();
  const auto stock = [&] { return client.get("/v1/products/mug/stock").json().at("available").as_int64(); };
  for (int i = 0; i < 30; ++i) {
    const std::string round = std::to_string(i);
    const auto alice = shop.balance("alice"), paid = shop.balance("shop"), mugs = stock();
    CHECK(shop.balance("alice") == alice);
    REQUIRE(client.post("/v1/products/mug/price", price_text(100 + i), "price " + round).status == 201);
    CHECK(client.get("/v1/products/mug").json().at_pointer("/price/amount").as_int64() == 100 + i);
    const Answer bought = client.post("/v1/checkouts", ServedShop::checkout_text(2), "buy " + round);
    REQUIRE(bought.status == 201);
    CHECK(shop.balance("alice") == alice - 2 * (100 + i));
    CHECK(shop.balance("shop") == paid + 2 * (100 + i));
    CHECK(stock() == mugs - 2);
    const std::string order = bought.field("location");
    CHECK(client.get(order).json().at("payment").as_string() == "paid");
    // A refund names the order only; its parties and goods are forgotten all the same.
    REQUIRE(client.post(order + "/refunds", "{}", "refund " + round).status == 201);
    CHECK(client.get(order).json().at("payment").as_string() == "refunded");
    CHECK(shop.balance("alice") == alice);
    CHECK(shop.balance("shop") == paid);
    CHECK(stock() == mugs);
  }
  CHECK(shop.served().objects().accounts().hits > 20);
  CHECK(shop.served().objects().products().forgotten > 20);
}

TEST_CASE("cached reads: among writers and readers no price goes back", "[http][cache]") {
  ServedShop shop({}, GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  shop.open_shop();
  std::atomic<bool> over{false};
  std::atomic<int> back{0}, unseen{0};
  std::atomic<std::uint64_t> reads{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 4; ++r)
    readers.emplace_back([&] {
      Client client = shop.client();
      for (std::int64_t seen = 0; !over;) {
        const std::int64_t version = version_of(client);
        if (version < seen) ++back;
        seen = std::max(seen, version);
        ++reads;
      }
    });
  std::vector<std::thread> writers;
  for (int w = 0; w < 2; ++w)
    writers.emplace_back([&, w] {
      Client client = shop.client();
      for (int i = 0; i < 150; ++i) {
        const std::int64_t before = version_of(client);
        const Answer priced =
            client.post("/v1/products/mug/price", price_text(1 + i), std::to_string(w) + " " + std::to_string(i));
        if (priced.status == 201 && version_of(client) <= before) ++unseen;
      }
    });
  for (std::thread& writer : writers) writer.join();
  over = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(back == 0);
  CHECK(unseen == 0);
  const auto counters = shop.served().objects().products();
  UNSCOPED_INFO(reads << " reads, " << counters.hits << " hits, " << counters.misses << " misses");
  CHECK(counters.hits > 0);
}

TEST_CASE("cached reads: what an operation touches is all that it names", "[http][cache]") {
  const AccountId a = *AccountId::parse("a"), b = *AccountId::parse("b"), f = *AccountId::parse("f");
  const Sku s = *Sku::parse("s"), t = *Sku::parse("t");
  const auto accounts = [](const Operation& operation) {
    auto touched = cmd::serve::touched_by(operation, {}).accounts;
    std::sort(touched.begin(), touched.end());
    return touched;
  };
  using Ids = std::vector<AccountId>;
  CHECK(accounts(OpenAccount{a}) == Ids{a});
  CHECK(accounts(Deposit{b, a, {}}) == Ids{a, b});
  CHECK(accounts(Withdraw{a, b, {}}) == Ids{a, b});
  CHECK(accounts(Transfer{a, b, {}}) == Ids{a, b});
  CHECK(accounts(UnmatchedRefund{a, b, {}, {}}) == Ids{a, b});
  Checkout checkout{a, {}, {b}, {{s, 1}, {t, 1}}, {f, 1}};
  CHECK(accounts(checkout) == Ids{a, b, f});
  const auto skus = [](const Operation& operation) { return cmd::serve::touched_by(operation, {}).skus; };
  using Skus = std::vector<Sku>;
  CHECK(skus(checkout) == Skus{s, t});
  CHECK(skus(DefineProduct{s, {}}) == Skus{s});
  CHECK(skus(SetPrice{s, {}}) == Skus{s});
  CHECK(skus(ReceiveStock{{{s, 1}, {t, 1}}}) == Skus{s, t});
  CHECK(skus(AdjustStock{{{s, 1}}}) == Skus{s});
  CHECK(skus(UnmatchedRefund{a, b, {}, {{t, 1, 1}}}) == Skus{t});
  const OrderId order{0, 1, 2};
  for (const Operation& operation : {Operation(Cancel{order}), Operation(Refund{order}), Operation(Fulfil{order})})
    CHECK(cmd::serve::touched_by(operation, {0, 1, 3}).order == order);
  for (const Operation& operation : {Operation(checkout), Operation(Reserve{checkout})})
    CHECK(cmd::serve::touched_by(operation, {0, 1, 3}).order ==
          OrderId{0, 1, 3});  // Somebody may ask for it too early.
  CHECK_FALSE(cmd::serve::touched_by(DefineProduct{s, {}}, {0, 1, 3}).order);
}

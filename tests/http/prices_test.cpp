// Prices change while customers buy: whoever agreed to a price pays that one or is told of another, and nobody pays a
// price that was not the product's.
#include <atomic>
#include <thread>

#include "tests/http/served_shop.hpp"

using namespace kontor::tests;

TEST_CASE("prices: a race with checkouts costs a price_changed at most, never a wrong charge", "[http][prices]") {
  ServedShop shop({}, GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  shop.open_shop(100'000'000, 100'000);
  // The price tells its version: the first is 1299, and version v has 1000 + v.
  std::atomic<bool> over{false};
  std::thread repricing([&] {
    auto client = shop.client();
    for (int version = 2; !over; ++version)
      client.post("/v1/products/mug/price", R"({"price":)" + ServedShop::gbp_text(1000 + version) + "}",
                  "price-" + std::to_string(version));
  });
  auto client = shop.client();
  std::int64_t paid = 0, sold = 0, told = 0;
  for (int i = 0; i < 400; ++i) {
    const auto product = client.get("/v1/products/mug").json();
    const std::int64_t version = product.at("version").as_int64();
    const std::int64_t price = product.at_pointer("/price/amount").as_int64();
    const auto answer = client.post(
        "/v1/checkouts",
        R"({"customer":"alice","currency":"GBP","payees":["shop"],"lines":[{"sku":"mug","quantity":1,"unit_price":)" +
            ServedShop::gbp_text(price) + R"(,"expected_version":)" + std::to_string(version) + "}]}",
        "buy-" + std::to_string(i));
    INFO(answer.body);
    if (answer.status == 201) {
      paid += version == 1 ? 1299 : 1000 + version;
      ++sold;
    } else if (answer.code() == "price_changed") {
      ++told;
    } else {
      REQUIRE(answer.code() == "conflict");  // The price is being changed.
    }
  }
  // Whoever names no price is charged the product's own, at whatever moment.
  for (int i = 0; i < 100; ++i) {
    const auto answer = client.post("/v1/checkouts", ServedShop::checkout_text(), "any-" + std::to_string(i));
    INFO(answer.body);
    if (answer.status != 201) continue;
    const auto order = client.get("/v1/orders/" + std::string(answer.json().at("order").as_string())).json();
    const std::int64_t charged = order.at_pointer("/total/amount").as_int64();
    CHECK((charged == 1299 || charged > 1000));
    paid += charged;
    ++sold;
  }
  over = true;
  repricing.join();
  CHECK(sold > 0);
  CHECK(shop.balance("shop") == paid);
  CHECK(client.get("/v1/products/mug/stock").json().at("sold").as_int64() == sold);
  UNSCOPED_INFO(told << " were told of another price");
}

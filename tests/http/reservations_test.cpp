// Reservations over HTTP: set aside, committed, released, expired.
#include <chrono>
#include <thread>

#include "cmd/kontor/time_text.hpp"
#include "tests/http/served_shop.hpp"

using namespace kontor;
using namespace kontor::tests;

namespace {

constexpr const char* kPath = "/v1/reservations";

std::string reservation_text(std::int64_t quantity, const std::string& expiry = R"("expires_in_ms":600000)") {
  return "{" + expiry + "," + ServedShop::checkout_text(quantity).substr(1);
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t stock(Client& client, const std::string& what) {
  return client.get("/v1/products/mug/stock").json().at(what).as_int64();
}

}  // namespace

TEST_CASE("reservations: stock is set aside, then paid and sold", "[http][reservations]") {
  ServedShop shop({}, GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  shop.open_shop(100'000, 5);
  auto client = shop.client();
  const auto made = shop.done(kPath, reservation_text(3));
  CHECK(made.text("kind") == "reserve");
  const std::string path = made.field("location"), id = made.text("reservation");
  CHECK(path == "/v1/reservations/" + id);
  CHECK(id.starts_with("rsv_"));
  CHECK(stock(client, "reserved") == 3);
  CHECK(stock(client, "available") == 2);
  CHECK(shop.balance("alice") == 100'000);

  const auto read = client.get(path).json();
  CHECK(read.at("object").as_string() == "reservation");
  CHECK(read.at("id").as_string() == id);
  CHECK(read.at("status").as_string() == "reserved");
  CHECK(read.at("customer").as_string() == "alice");
  CHECK(read.at_pointer("/total/amount").as_int64() == 3 * 1299);
  CHECK(read.at_pointer("/lines/0/unit_price/amount").as_int64() == 1299);
  CHECK_FALSE(read.as_object().contains("order"));
  const auto expires_at = cmd::parse_time(std::string(read.at("expires_at").as_string()));
  REQUIRE(expires_at);
  CHECK(*expires_at > now_ns() + 500'000'000'000);
  CHECK(*expires_at < now_ns() + 600'000'000'000);
  CHECK(client.get("/v1/orders/ord_" + id.substr(4)).text("payment") == "unpaid");

  const auto refused = client.post("/v1/checkouts", ServedShop::checkout_text(3), "too many");
  CHECK(refused.status == 409);
  CHECK(refused.code() == "out_of_stock");
  CHECK(refused.json().at("available").as_int64() == 2);

  const auto paid = client.post(path + "/commit", "", "commit");
  CHECK(paid.status == 201);
  CHECK(paid.text("kind") == "redeem");
  CHECK(paid.text("order") == "ord_" + id.substr(4));
  CHECK(paid.field("location") == "/v1/orders/ord_" + id.substr(4));
  CHECK(client.post(path + "/commit", "", "commit").field("idempotent-replayed") == "true");
  CHECK(client.post(path + "/commit", "", "again").code() == "order_state");
  CHECK(client.post(path + "/release", "", "release").code() == "order_state");
  CHECK(shop.balance("shop") == 3 * 1299);
  CHECK(stock(client, "reserved") == 0);
  CHECK(stock(client, "sold") == 3);
  CHECK(client.get(path).text("status") == "committed");
  CHECK(client.get(path).text("order") == paid.text("order"));

  const auto order = client.get(paid.field("location")).json();
  CHECK(order.at("status").as_string() == "placed");
  CHECK(order.at("payment").as_string() == "paid");
  CHECK(order.at("reservation").as_string() == id);
  shop.done(paid.field("location") + "/cancel", "{}");
  CHECK(client.get(path).text("status") == "committed");
  CHECK(shop.balance("alice") == 100'000);
  CHECK(stock(client, "available") == 5);
}

TEST_CASE("reservations: what is released can be sold again", "[http][reservations]") {
  ServedShop shop;
  shop.open_shop(100'000, 5);
  auto client = shop.client();
  const std::string path = shop.done(kPath, reservation_text(5)).field("location");
  CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(1), "a").status == 409);
  const auto released = client.post(path + "/release", "{}", "release");
  CHECK(released.status == 201);
  CHECK(released.text("reservation") == path.substr(path.rfind('/') + 1));
  CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(5), "b").status == 201);
  CHECK(client.post(path + "/commit", "", "commit").code() == "order_state");
  CHECK(client.post(path + "/release", "", "again").code() == "order_state");
  CHECK(client.get(path).text("status") == "released");
}

TEST_CASE("reservations: the price is the one that was agreed on", "[http][reservations]") {
  ServedShop shop;
  shop.open_shop();
  const std::string path = shop.done(kPath, reservation_text(1)).field("location");
  shop.done("/v1/products/mug/price", R"({"price":)" + ServedShop::gbp_text(9999) + "}");
  shop.done(path + "/commit", "{}");
  CHECK(shop.balance("shop") == 1299);
}

TEST_CASE("reservations: who cannot pay keeps the reservation", "[http][reservations]") {
  ServedShop shop;
  shop.open_shop(100, 5);
  auto client = shop.client();
  const std::string path = shop.done(kPath, reservation_text(1)).field("location");
  const auto poor = client.post(path + "/commit", "", "commit");
  CHECK(poor.status == 402);
  CHECK(poor.code() == "insufficient_funds");
  CHECK(client.get(path).text("status") == "reserved");
  shop.done("/v1/accounts/alice/deposits", R"({"external":"bank","amount":)" + ServedShop::gbp_text(5000) + "}");
  CHECK(client.post(path + "/commit", "", "commit").status == 201);
}

TEST_CASE("reservations: what is late is not committed, and comes back by itself", "[http][reservations]") {
  ServedShop shop({}, GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  shop.open_shop(100'000, 5);
  auto client = shop.client();
  const auto made = client.post(kPath, reservation_text(5, R"("expires_in_ms":50)"), "short");
  REQUIRE(made.status == 201);
  const std::string path = made.field("location");
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  const auto late = client.post(path + "/commit", "", "commit");
  CHECK(late.status == 409);
  CHECK(late.code() == "reservation_expired");
  CHECK_FALSE(late.json().at("retryable").as_bool());
  const std::string order = "/v1/orders/ord_" + path.substr(path.find("rsv_") + 4);
  for (int i = 0; i < 1'000 && client.get(path).text("status") == "reserved"; ++i) {
    CHECK(client.get(order).status == 200);  // What is kept of these is forgotten when the reservation was seen gone.
    CHECK(stock(client, "reserved") >= 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(client.get(order).text("status") == "expired");
  CHECK(stock(client, "available") == 5);
  CHECK(client.get(path).text("status") == "expired");
  CHECK(client.post(path + "/commit", "", "later").code() == "reservation_expired");
  // The same request again is the same answer, though what it asks for has gone.
  CHECK(client.post(kPath, reservation_text(5, R"("expires_in_ms":50)"), "short").field("idempotent-replayed") ==
        "true");
  const auto metrics = client.get("/metrics").body;
  CHECK(metrics.find("kontor_reservations_expired_total 1\n") != std::string::npos);
  CHECK(metrics.find("kontor_reservations 0\n") != std::string::npos);
  CHECK(metrics.find("kontor_reservations_max ") != std::string::npos);
}

TEST_CASE("reservations: a time is given as such, and the same request stays the same", "[http][reservations]") {
  ServedShop shop;
  shop.open_shop(100'000, 5);
  auto client = shop.client();
  const std::int64_t at_ns = now_ns() / 1'000'000 * 1'000'000 + 300'000'000;
  const std::string text = reservation_text(2, R"("expires_at":")" + cmd::time_text(at_ns) + "\"");
  const auto made = client.post(kPath, text, "a");
  REQUIRE(made.status == 201);
  CHECK(client.get(made.field("location")).text("expires_at") == cmd::time_text(at_ns));
  while (now_ns() <= at_ns) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const auto again = client.post(kPath, text, "a");
  CHECK(again.status == 201);
  CHECK(again.field("idempotent-replayed") == "true");
  const auto fresh = client.post(kPath, text, "b");
  CHECK(fresh.status == 409);
  CHECK(fresh.code() == "reservation_expired");
  CHECK(client.post(kPath, reservation_text(1), "a").code() == "idempotency_key_reused");
}

TEST_CASE("reservations: what is wrong with one is named", "[http][reservations]") {
  ServedShop shop;
  shop.open_shop(100'000, 5);
  auto client = shop.client();
  const auto [expiry, code, param] = GENERATE(table<std::string, std::string, std::string>({
      {R"("expires_in_ms":0)", "invalid_argument", "/expires_in_ms"},
      {R"("expires_in_ms":604800001)", "too_large", "/expires_in_ms"},
      {R"("expires_in_ms":"1s")", "invalid_argument", "/expires_in_ms"},
      {R"("expires_at":5)", "invalid_argument", "/expires_at"},
      {R"("expires_at":"soon")", "invalid_argument", "/expires_at"},
      {R"("expires_at":"2026-02-30T00:00:00Z")", "invalid_argument", "/expires_at"},
      {R"("expires_at":"2260-01-01T00:00:00Z")", "too_large", ""},
      {R"("expires_at":"2020-01-01T00:00:00Z")", "reservation_expired", ""},
      {R"("expires_in_ms":5,"expires_at":"2030-01-01T00:00:00Z")", "invalid_argument", "/expires_in_ms"},
      {R"("fee":{"account":"bank2","basis_points":1})", "invalid_argument", "/expires_in_ms"},
  }));
  CAPTURE(expiry);
  const auto refused = client.post(kPath, reservation_text(1, expiry), "bad");
  CHECK(refused.code() == code);
  CHECK(refused.param() == param);
  CHECK(stock(client, "reserved") == 0);
}

TEST_CASE("reservations: out of stock names line and what is available; unknown parties are refused at once",
          "[http][reservations]") {
  ServedShop shop;
  shop.open_shop(100'000, 5);
  auto client = shop.client();
  const auto refused = client.post(kPath, reservation_text(6), "many");
  CHECK(refused.status == 409);
  CHECK(refused.code() == "out_of_stock");
  CHECK(refused.param() == "/lines/0/quantity");
  CHECK(refused.json().at("available").as_int64() == 5);
  CHECK(refused.json().at("sku").as_string() == "mug");
  std::string nobody = reservation_text(1);
  nobody.replace(nobody.find("alice"), 5, "nobody");
  CHECK(client.post(kPath, nobody, "nobody").code() == "unknown_account");
  CHECK(stock(client, "reserved") == 0);
}

TEST_CASE("reservations: an order that began otherwise is none", "[http][reservations]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const std::string order = shop.done("/v1/checkouts", ServedShop::checkout_text(1)).text("order");
  CHECK(client.get("/v1/reservations/rsv_" + order.substr(4)).code() == "unknown_order");
  CHECK(client.get("/v1/reservations/" + order).status == 404);
  CHECK(client.post("/v1/reservations/rsv_" + order.substr(4) + "/release", "", "a").code() == "order_state");
  CHECK(client.post("/v1/reservations/rsv_00_00000001_0000000fffff/commit", "", "b").status == 404);
  const std::string made = shop.done(kPath, reservation_text(1)).text("reservation");
  CHECK(client.post("/v1/orders/ord_" + made.substr(4) + "/cancel", "", "c").code() == "order_state");
}

TEST_CASE("reservations: a transaction and the log of events tell of them", "[http][reservations]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const auto made = shop.done(kPath, reservation_text(2));
  const auto story = client.get("/v1/transactions/" + made.text("id")).json();
  CHECK(story.at("kind").as_string() == "reserve");
  CHECK(story.at("reservation").as_string() == made.text("reservation"));
  const auto released = shop.done(made.field("location") + "/release", "{}");
  CHECK(client.get(released.field("location")).text("kind") == "release");
  const auto events = client.get("/v1/events").body;
  CHECK(events.find("\"reserve\"") != std::string::npos);
  CHECK(events.find("\"release\"") != std::string::npos);
}

// Each route once, as it is meant to be used.
#include <algorithm>
#include <array>
#include <sstream>

#include "tests/http/served_shop.hpp"

using namespace kontor::tests;

TEST_CASE("routes: products are defined, priced, stocked and read", "[http][routes]") {
  ServedShop shop;
  const auto made = shop.done("/v1/products", R"({"sku":"tea pot","price":{"amount":2500,"currency":"GBP"}})");
  CHECK(made.text("object") == "transaction");
  CHECK(made.text("kind") == "define_product");
  CHECK(made.text("outcome") == "committed");
  CHECK(made.field("location") == "/v1/products/tea%20pot");
  CHECK(made.field("request-id").starts_with("req_"));

  shop.done("/v1/products/tea%20pot/price", R"({"price":{"amount":2600,"currency":"GBP"},"expected_version":1})");
  shop.done("/v1/products/tea%20pot/stock/receipts", R"({"quantity":10})");
  shop.done("/v1/products/tea%20pot/stock/adjustments", R"({"quantity":-3})");

  auto client = shop.client();
  const auto product = client.get(made.field("location"));
  CHECK(product.status == 200);
  CHECK(product.body == R"({"object":"product","sku":"tea pot","price":{"amount":2600,"currency":"GBP"},"version":2})");
  CHECK(product.field("etag") == "\"2\"");
  const auto stock = client.get("/v1/products/tea%20pot/stock");
  CHECK(stock.body ==
        R"({"object":"stock","sku":"tea pot","on_hand":7,"held":0,"reserved":0,"available":7,"incoming":0,)"
        R"("received":10,"adjusted":-3,"sold":0,"returned":0})");
}

TEST_CASE("routes: a price is changed on condition that the product is as it was read", "[http][routes]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const std::string path = "/v1/products/mug/price", body = R"({"price":)" + ServedShop::gbp_text(1500) + "}";
  const auto etag = client.get("/v1/products/mug").field("etag");
  const auto change = [&](const std::string& key, const std::string& tag, const std::string& text) {
    return client.post(path, text, key, {{"If-Match", tag}});
  };
  CHECK(change("a", etag, body).status == 201);
  CHECK(change("a", etag, body).field("idempotent-replayed") == "true");
  const auto late = change("b", etag, body);
  CHECK(late.status == 412);
  CHECK(late.code() == "price_changed");
  CHECK(late.json().at("current_version").as_int64() == 2);
  CHECK(change("b", "\"2\"", body).status == 201);
  for (const std::string tag :
       {"2", "\"\"", "\"0\"", "\"-1\"", "\"x\"", "W/\"2\"", "*", "\"4294967296\"", "\"2\", \"3\""}) {
    CAPTURE(tag);
    const auto refused = change("c", tag, body);
    CHECK(refused.status == 400);
    CHECK(refused.param() == "If-Match");
  }
  const std::string other = R"({"expected_version":2,"price":)" + ServedShop::gbp_text(1500) + "}";
  CHECK(change("d", "\"3\"", other).param() == "If-Match");
  CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(), "e", {{"If-Match", "\"3\""}}).param() == "If-Match");
  CHECK(client.get("/v1/products/mug").field("etag") == "\"3\"");
}

TEST_CASE("routes: products are listed in pages, onwards and back", "[http][routes]") {
  ServedShop shop({}, GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  for (int i = 0; i < 11; ++i)
    shop.done("/v1/products", R"({"sku":"p)" + std::to_string(i) + R"(","price":)" + ServedShop::gbp_text(i) + "}");
  auto client = shop.client();
  const auto skus = [&](const std::string& query, bool* more = nullptr) {
    const auto answer = client.get("/v1/products" + query);
    INFO(query << " -> " << answer.body);
    REQUIRE(answer.status == 200);
    const auto body = answer.json();
    std::vector<std::string> out;
    for (const auto& product : body.at("data").as_array()) out.emplace_back(product.at("sku").as_string());
    if (more) *more = body.at("has_more").as_bool();
    return out;
  };
  bool more = true;
  const std::vector<std::string> all = skus("", &more);
  CHECK(all.size() == 11);
  CHECK_FALSE(more);
  std::vector<std::string> onwards, back;
  std::string from;
  for (more = true; more; from = "&starting_after=" + onwards.back()) {
    const auto page = skus("?limit=4" + from, &more);
    onwards.insert(onwards.end(), page.begin(), page.end());
  }
  CHECK(onwards == all);
  from = "&ending_before=" + all.back();
  for (more = true; more; from = "&ending_before=" + back.front()) {
    const auto page = skus("?limit=4" + from, &more);
    back.insert(back.begin(), page.begin(), page.end());
  }
  back.push_back(all.back());
  CHECK(back == all);
  const auto before_last = skus("?limit=4&ending_before=" + all.back());
  CHECK(before_last == std::vector<std::string>(all.end() - 5, all.end() - 1));
  CHECK(skus("?ending_before=" + all.front()).empty());
  for (const std::string query : {"?limit=0", "?limit=1001", "?starting_after=nobody", "?ending_before=", "?sort=sku",
                                  "?starting_after=p1&ending_before=p2"}) {
    CAPTURE(query);
    CHECK(client.get("/v1/products" + query).status == 400);
  }
}

TEST_CASE("routes: accounts are opened, filled, emptied and read", "[http][routes]") {
  ServedShop shop;
  shop.open_shop(5000);
  shop.done("/v1/accounts",
            R"({"id":"bob","currency":"GBP","kind":"wallet","credit_limit":)" + ServedShop::gbp_text(700) + "}");
  shop.done("/v1/accounts/alice/withdrawals", R"({"external":"bank","amount":)" + ServedShop::gbp_text(1000) + "}");
  shop.done("/v1/transfers", R"({"source":"alice","target":"bob","amount":)" + ServedShop::gbp_text(300) + "}");
  CHECK(shop.balance("alice") == 3700);
  CHECK(shop.balance("bank") == -4000);
  auto client = shop.client();
  const auto bob = client.get("/v1/accounts/bob");
  CHECK(bob.json().at_pointer("/available/amount").as_int64() == 1000);
  CHECK(bob.json().at_pointer("/credit_limit/amount").as_int64() == 700);
  CHECK_FALSE(client.get("/v1/accounts/bank").json().as_object().contains("available"));
}

TEST_CASE("routes: an order is placed, partly fulfilled and refunded, and read", "[http][routes]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const auto placed = client.post("/v1/checkouts", R"({"customer":"alice","currency":"GBP","payees":["shop"],
    "lines":[{"sku":"mug","quantity":3,"unit_price":{"amount":1000,"currency":"GBP"},"payee":"shop"}],
    "fee":{"account":"bank2","basis_points":500}})",
                                  "fee account is missing");
  CHECK(placed.status == 404);
  CHECK(placed.code() == "unknown_account");

  const auto receipt = shop.done("/v1/checkouts", ServedShop::checkout_text(3));
  const std::string path = receipt.field("location");
  CHECK(path == "/v1/orders/" + receipt.text("order"));
  shop.done(path + "/fulfilments", R"({"lines":[{"line":0,"quantity":1}]})");
  const auto refund = shop.done(path + "/refunds", R"({"lines":[{"line":0,"quantity":1}],"restock":false})");
  CHECK(refund.text("order") == receipt.text("order"));

  const auto order = client.get(path).json();
  CHECK(order.at("status").as_string() == "placed");
  CHECK(order.at("payment").as_string() == "partially_refunded");
  CHECK(order.at("fulfilment").as_string() == "partially_fulfilled");
  CHECK(order.at_pointer("/total/amount").as_int64() == 3 * 1299);
  CHECK(order.at_pointer("/lines/0/unit_price/amount").as_int64() == 1299);
  CHECK(order.at_pointer("/lines/0/refunded").as_int64() == 1);
  CHECK(shop.balance("shop") == 2 * 1299);
}

TEST_CASE("routes: an order is cancelled, with and without a body", "[http][routes]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  for (const std::string body : {"", "{}"}) {
    const auto placed = shop.done("/v1/checkouts", ServedShop::checkout_text(2));
    const auto path = placed.field("location");
    CHECK(client.post(path + "/cancel", body, "cancel" + body).status == 201);
    CHECK(client.get(path).text("status") == "cancelled");
    CHECK(client.post(path + "/cancel", body, "again" + body).code() == "order_state");
  }
  CHECK(shop.balance("alice") == 100'000);
}

TEST_CASE("routes: a transaction tells what was asked and what became of it", "[http][routes]") {
  ServedShop shop({}, 3);
  shop.open_shop();
  const auto placed = shop.done("/v1/checkouts", ServedShop::checkout_text(2));
  auto client = shop.client();
  const auto story = client.get("/v1/transactions/" + placed.text("id")).json();
  CHECK(story.at("outcome").as_string() == "committed");
  CHECK(story.at("kind").as_string() == "checkout");
  CHECK(story.at("order").as_string() == placed.text("order"));
  CHECK(story.at("enrolled_at").as_string().ends_with("Z"));
  CHECK_FALSE(story.at("operation").as_array().empty());
}

TEST_CASE("routes: a batch answers each line in order", "[http][routes]") {
  ServedShop shop;
  shop.open_shop(100'000, 3);
  const auto line = [](const std::string& key, int quantity) {
    return R"({"idempotency_key":")" + key + "\"," + ServedShop::checkout_text(quantity).substr(1) + "\n";
  };
  auto client = shop.client();
  const auto answer = client.post("/v1/checkouts:batch",
                                  line("a", 1) + "\n" + line("b", 9) + "nonsense\n" + line("c", 1) + line("d", 0), "",
                                  {{"Content-Type", "application/x-ndjson"}});
  CHECK(answer.status == 200);
  CHECK(answer.field("content-type") == "application/x-ndjson");
  std::vector<boost::json::value> lines;
  std::istringstream in(answer.body);
  for (std::string text; std::getline(in, text);) lines.push_back(boost::json::parse(text));
  REQUIRE(lines.size() == 5);
  const std::array statuses{201, 409, 400, 201, 400};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CHECK(lines[i].at("line").as_int64() == static_cast<std::int64_t>(i));
    CHECK(lines[i].at("status").as_int64() == statuses[i]);
  }
  CHECK(lines[1].at_pointer("/problem/available").as_int64() >= 1);
  CHECK(lines[4].at_pointer("/problem/param").as_string() == "/lines/0/quantity");
  // A line is the same request as the single checkout with its key.
  const auto single = client.post("/v1/checkouts", ServedShop::checkout_text(1), "a");
  CHECK(single.status == 201);
  CHECK(single.field("idempotent-replayed") == "true");
  CHECK(single.text("id") == lines[0].at_pointer("/transaction/id").as_string());
}

TEST_CASE("routes: a long batch is streamed in chunks", "[http][routes]") {
  ServedShop shop;
  shop.open_shop(100'000'000, 10'000);
  std::string body;
  constexpr int kLines = 5'000;
  for (int i = 0; i < kLines; ++i)
    body += R"({"idempotency_key":"long-)" + std::to_string(i) + "\"," + ServedShop::checkout_text(1).substr(1) + "\n";
  auto client = shop.client();
  const auto answer =
      client.post("/v1/checkouts:batch", body, "", {{"Content-Type", "application/x-ndjson; charset=utf-8"}});
  CHECK(std::count(answer.body.begin(), answer.body.end(), '\n') == kLines);
  CHECK(shop.balance("shop") == kLines * 1299);
}

TEST_CASE("routes: health, readiness, metrics and the documentation are there", "[http][routes]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  CHECK(client.get("/healthz").body == R"({"status":"alive"})");
  CHECK(client.get("/readyz").body == R"({"status":"ready"})");
  const auto metrics = client.get("/metrics");
  CHECK(metrics.field("content-type").starts_with("text/plain"));
  CHECK(metrics.body.find("kontor_outcomes_total{outcome=\"committed\"} 6\n") != std::string::npos);
  CHECK(metrics.body.find("kontor_http_responses_total{status=\"201\"} 6\n") != std::string::npos);
  CHECK(metrics.body.find("kontor_http_request_seconds_bucket{le=\"+Inf\"} 8\n") != std::string::npos);
  CHECK(client.get("/openapi.json").text("openapi") == "3.1.0");
}

TEST_CASE("routes: the protocol and the deadline are taken from the headers", "[http][routes]") {
  ServedShop shop({}, 3);
  shop.open_shop();
  auto client = shop.client();
  for (const char* protocol : {"two_phase", "three_phase", "three_phase_optimised"})
    CHECK(client
              .post("/v1/checkouts", ServedShop::checkout_text(1), protocol,
                    {{"Kontor-Protocol", protocol}, {"Kontor-Deadline-Ms", "60000"}})
              .status == 201);
}

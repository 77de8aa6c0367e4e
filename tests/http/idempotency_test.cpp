// One key, one effect; many at once, one effect.
#include "cmd/kontor/serve/idempotency.hpp"

#include <chrono>
#include <set>
#include <thread>

#include "tests/http/served_shop.hpp"

using namespace kontor::tests;

TEST_CASE("idempotency: without a key nothing is changed", "[http][idempotency]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const auto answer = client.post("/v1/checkouts", ServedShop::checkout_text(), "");
  CHECK(answer.status == 400);
  CHECK(answer.param() == "Idempotency-Key");
  CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(), std::string(256, 'k')).param() == "Idempotency-Key");
  CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(), "k\xC3\xA4").param() == "Idempotency-Key");
  CHECK(shop.balance("shop") == 0);
}

TEST_CASE("idempotency: the engine's keys stay what they are, since journals have them", "[http][idempotency]") {
  using kontor::cmd::serve::engine_key;
  // SHA-256 over each part after its length as two bytes, cut to 24 bytes; these by another program.
  CHECK(engine_key("local", "/v1/checkouts", {}, "order-1").view() ==
        "http-1c637ef6ccf31cc8bb7925de48d1169b748b902dc18e81fb");
  CHECK(engine_key("customer:alice", "/v1/accounts/{account}/deposits", {"alice"}, std::string(255, 'k')).view() ==
        "http-5257cf56f6e8e948cf5a91a1575c9ede3fe04945243c8bc0");
}

TEST_CASE("idempotency: the same request again gets the same answer, and says so", "[http][idempotency]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const std::string key(255, 'k');
  const auto first = client.post("/v1/checkouts", ServedShop::checkout_text(), key);
  const auto again = client.post("/v1/checkouts", "\n " + ServedShop::checkout_text() + " ", key);
  CHECK(first.status == 201);
  CHECK(first.field("idempotent-replayed").empty());
  CHECK(again.status == first.status);
  CHECK(again.body == first.body);
  CHECK(again.field("location") == first.field("location"));
  CHECK(again.field("idempotent-replayed") == "true");
  CHECK(shop.balance("shop") == 1299);
}

TEST_CASE("idempotency: another body under the same key is refused", "[http][idempotency]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  REQUIRE(client.post("/v1/checkouts", ServedShop::checkout_text(1), "key").status == 201);
  const auto answer = client.post("/v1/checkouts", ServedShop::checkout_text(2), "key");
  CHECK(answer.status == 422);
  CHECK(answer.code() == "idempotency_key_reused");
  CHECK(shop.balance("shop") == 1299);
}

TEST_CASE("idempotency: a key is the route's and the path's own", "[http][idempotency]") {
  ServedShop shop;
  shop.open_shop();
  shop.done("/v1/accounts", R"({"id":"bob","currency":"GBP"})");
  auto client = shop.client();
  const std::string move = R"({"external":"bank","amount":)" + ServedShop::gbp_text(5) + "}";
  for (const char* path :
       {"/v1/accounts/alice/deposits", "/v1/accounts/bob/deposits", "/v1/accounts/bob/withdrawals"}) {
    const auto answer = client.post(path, move, "key");
    CHECK(answer.status == 201);
    CHECK(answer.field("idempotent-replayed").empty());
  }
  // The same path, written in another way.
  CHECK(client.post("/v1/accounts/b%6fb/deposits", move, "key").field("idempotent-replayed") == "true");
}

TEST_CASE("idempotency: a refusal leaves the key free", "[http][idempotency]") {
  ServedShop shop;
  shop.open_shop(100'000, 0);
  auto client = shop.client();
  CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(), "key").code() == "out_of_stock");
  shop.done("/v1/products/mug/stock/receipts", R"({"quantity":1})");
  CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(), "key").status == 201);
}

TEST_CASE("idempotency: 200 identical requests at once have one effect", "[http][idempotency]") {
  ServedShop shop;
  shop.open_shop();
  std::vector<Client> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(shop.client());
  for (Client& client : clients) REQUIRE(client.send(post_text("/v1/checkouts", ServedShop::checkout_text(), "one")));
  std::set<std::string> transactions;
  int first = 0;
  for (Client& client : clients) {
    const auto answer = client.receive();
    REQUIRE(answer);
    if (answer->status == 201) {
      transactions.insert(answer->text("id"));
      first += answer->field("idempotent-replayed").empty() ? 1 : 0;
    } else {
      CHECK(answer->status == 409);
      CHECK(answer->code() == "request_in_progress");
      CHECK(answer->field("retry-after") == "1");
    }
  }
  CHECK(first == 1);
  CHECK(transactions.size() == 1);
  CHECK(shop.balance("shop") == 1299);
}

TEST_CASE("idempotency: what is older than keys are kept is a new request", "[http][idempotency]") {
  kontor::EngineOptions options;
  options.key_retention = std::chrono::milliseconds(20);
  ServedShop shop({}, 1, options);
  shop.open_shop();
  auto client = shop.client();
  std::set<std::string> transactions;
  for (int tries = 0; transactions.size() < 3 && tries < 1'000; ++tries) {
    const auto answer = client.post("/v1/checkouts", ServedShop::checkout_text(), "key");
    CHECK(answer.status == 201);
    const bool fresh = transactions.insert(answer.text("id")).second;
    CHECK(fresh == answer.field("idempotent-replayed").empty());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(transactions.size() == 3);
  CHECK(shop.balance("shop") == 3 * 1299);
  for (const std::string& id : transactions) CHECK(client.get("/v1/transactions/" + id).status == 200);  // They stay.
  const std::string metrics = client.get("/metrics").body;
  CHECK(metrics.find("\nkontor_idempotency_keys ") != std::string::npos);
  CHECK(metrics.find("\nkontor_idempotency_keys_forgotten_total ") != std::string::npos);
}

TEST_CASE("idempotency: what is too much at once is refused, and goes through later", "[http][idempotency]") {
  kontor::EngineOptions options;
  options.open_transactions_max = 4;
  ServedShop shop({}, 1, options);
  shop.open_shop();
  std::string body;
  for (int i = 0; i < 50; ++i)
    body += R"({"idempotency_key":"many-)" + std::to_string(i) + "\"," + ServedShop::checkout_text().substr(1) + "\n";
  auto client = shop.client();
  const Headers ndjson{{"Content-Type", "application/x-ndjson"}};
  const auto answer = client.post("/v1/checkouts:batch", body, "", ndjson);
  CHECK(answer.body.find(R"("status":503,"problem":{"type":"urn:kontor:problem:overloaded")") != std::string::npos);
  CHECK(answer.body.find(R"("retryable":true)") != std::string::npos);
  CHECK(answer.body.find(R"("status":201)") != std::string::npos);
  for (int i = 0; i < 50; ++i)
    CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(), "many-" + std::to_string(i)).status == 201);
  CHECK(shop.balance("shop") == 50 * 1299);
}

TEST_CASE("idempotency: of 10,000 buyers of one unit exactly one gets it", "[http][idempotency]") {
  ServedShop shop;
  shop.open_shop(20'000'000, 1);
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(shop.client());
  int sold = 0, refused = 0;
  for (int round = 0; round < 100; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i)
      clients[i].send(post_text("/v1/checkouts", ServedShop::checkout_text(),
                                "buyer-" + std::to_string(round) + "-" + std::to_string(i)));
    for (Client& client : clients) {
      const auto answer = client.receive();
      REQUIRE(answer);
      if (answer->status == 201) {
        ++sold;
      } else {
        ++refused;
        REQUIRE(answer->code() == "out_of_stock");
        CHECK(answer->json().at("available").as_int64() == 0);
        CHECK(answer->json().at("line").as_int64() == 0);
      }
    }
  }
  CHECK(sold == 1);
  CHECK(refused == 9'999);
  CHECK(shop.balance("shop") == 1299);
}

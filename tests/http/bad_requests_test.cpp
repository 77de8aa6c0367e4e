// A catalogue of bad requests, made from docs/openapi.json (bad_bodies.hpp): each must be refused with the right code
// and place, and change nothing.
#include <map>
#include <set>
#include <sstream>

#include "tests/http/bad_bodies.hpp"
#include "tests/http/served_shop.hpp"

using namespace kontor::tests;
namespace json = boost::json;

namespace {

constexpr std::size_t kCataloguedMin = 2'000;

/// All that can be seen from outside: what there is, and what ever committed.
std::string state(Client& client) {
  std::string all;
  for (const char* path : {"/v1/accounts/alice", "/v1/accounts/shop", "/v1/accounts/bank", "/v1/accounts/bob",
                           "/v1/products/mug", "/v1/products/mug/stock", "/v1/products", "/v1/events?limit=1000"}) {
    const auto answer = client.get(path);
    all += answer.status == 200 ? answer.body : std::to_string(answer.status);
  }
  return all;
}

}  // namespace

TEST_CASE("bad requests: the bodies they are made from are good", "[http][bad]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  std::set<std::string> paths;
  for (const GoodBody& good : good_bodies()) {
    paths.insert(good.path);
    const auto answer = client.post(good.path, json::serialize(good.body), "good-" + std::to_string(paths.size()));
    CAPTURE(good.path, json::serialize(good.body), answer.body);
    CHECK(answer.status != 400);
    CHECK(answer.status < 500);
  }
  CHECK(paths.size() == 15);
}

TEST_CASE("bad requests: each is refused with its code and place, and changes nothing", "[http][bad]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const std::string before = state(client);
  const auto cases = bad_bodies();
  std::set<std::pair<std::string, std::string>> different;
  for (const BadBody& bad : cases) {
    different.emplace(bad.path, bad.body);
    const auto answer = client.post(bad.path, bad.body, "bad-" + std::to_string(different.size()));
    CAPTURE(bad.path, bad.body.substr(0, 500), answer.body);
    CHECK(answer.status == 400);
    CHECK(answer.field("content-type") == "application/problem+json");
    if (answer.status != 400) continue;
    CHECK(answer.code() == bad.code);
    if (bad.param != "?") CHECK(answer.param() == bad.param);
    CHECK(answer.json().at_pointer("/errors/0/param").as_string() == answer.param());
  }
  CHECK(different.size() >= kCataloguedMin);
  CHECK(state(client) == before);
}

TEST_CASE("bad requests: the same headers are refused on each route", "[http][bad]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const std::string before = state(client);
  std::size_t count = 0;
  for (const GoodBody& good : good_bodies()) {
    const std::string body = json::serialize(good.body);
    const auto refused = [&](const std::string& key, const Headers& more, const std::string& param) {
      const auto answer = client.post(good.path, body, key, more);
      CAPTURE(good.path, key, answer.body);
      CHECK(answer.status == 400);
      CHECK(answer.param() == param);
      ++count;
    };
    for (const std::string& key : {std::string(), std::string(256, 'k'), std::string("\xC3\xA9")})
      refused(key, {}, "Idempotency-Key");
    refused("key", {{"Idempotency-Key", "key"}}, "Idempotency-Key");
    for (const char* value : {"0", "-1", "600001", "1.5", "soon", "99999999999999999999"})
      refused("key", {{"Kontor-Deadline-Ms", value}}, "Kontor-Deadline-Ms");
    for (const char* value : {"one_phase", "TWO_PHASE"})
      refused("key", {{"Kontor-Protocol", value}}, "Kontor-Protocol");
    if (!good.path.ends_with("/price")) refused("key", {{"If-Match", "\"1\""}}, "If-Match");
    const std::string long_body = body + std::string(1'048'577 - body.size(), ' ');
    CHECK(client.post(good.path, long_body, "key").status == 413);
  }
  CHECK(count > 150);
  CHECK(state(client) == before);
}

TEST_CASE("bad requests: all faults of a body are told, each place once, the first in front", "[http][bad]") {
  ServedShop shop;
  auto client = shop.client();
  const auto faults = [&](const std::string& path, const std::string& body) {
    const auto answer = client.post(path, body, "key");
    CAPTURE(body, answer.body);
    CHECK(answer.status == 400);
    std::vector<std::string> params;
    const auto problem = answer.json();
    for (const auto& error : problem.at("errors").as_array()) {
      params.emplace_back(error.at("param").as_string());
      CHECK_FALSE(error.at("detail").as_string().empty());
    }
    CHECK(params.front() == answer.param());
    CHECK(problem.at("errors").at(0).at("code") == problem.at("code"));
    CHECK(problem.at("errors").at(0).at("detail") == problem.at("detail"));
    return params;
  };
  using Params = std::vector<std::string>;
  CHECK(faults("/v1/checkouts", "{}") == Params{"/customer", "/currency", "/payees", "/lines"});
  CHECK(faults("/v1/checkouts", R"({"customer":7,"currency":"gbp","payees":["shop","shop",""],)"
                                R"("lines":[{"sku":"mug"},{"quantity":0,"more":1,"most":1}],"else":{}})") ==
        Params{"/customer", "/currency", "/payees/1", "/payees/2", "/lines/0/quantity", "/lines/1/sku",
               "/lines/1/quantity", "/lines/1/more", "/lines/1/most", "/else"});
  // What follows from a fault is none of its own.
  CHECK(faults("/v1/checkouts", R"({"customer":"alice","currency":"GBP","payees":7,)"
                                R"("lines":[{"sku":"mug","quantity":1,"payee":"shop"}]})") == Params{"/payees"});
  CHECK(faults("/v1/products", R"({"sku":"mug","price":7})") == Params{"/price"});
  CHECK(faults("/v1/products", "7") == Params{""});
  CHECK(faults("/v1/products", "{") == Params{""});
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += i == 0 ? "{}" : ",{}";
  const auto many =
      faults("/v1/checkouts", R"({"customer":"","currency":"GBP","payees":["shop"],"lines":[)" + lines + "]}");
  CHECK(many.size() == 16);
  CHECK(many.back() == "/lines/7/sku");
}

TEST_CASE("bad requests: what is no fault of the body has no list of faults", "[http][bad]") {
  ServedShop shop;
  auto client = shop.client();
  const auto unknown = client.post("/v1/products/%00/price", "{}", "key");
  CHECK(unknown.code() == "unknown_sku");
  CHECK_FALSE(unknown.json().as_object().contains("errors"));
  CHECK_FALSE(client.get("/v1/accounts/nobody").json().as_object().contains("errors"));
}

TEST_CASE("bad requests: the same as lines of a batch", "[http][bad]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  std::string body;
  std::vector<BadBody> sent;
  for (const BadBody& bad : bad_bodies()) {
    const bool one_line = bad.body.find('\n') == std::string::npos && bad.body.size() < 60'000;
    if (bad.path != "/v1/checkouts" || bad.body.size() < 2 || bad.body.front() != '{' || !one_line) continue;
    sent.push_back(bad);
    body += R"({"idempotency_key":"k",)" + bad.body.substr(1) + "\n";
  }
  CHECK(sent.size() > 500);
  const auto answer = client.post("/v1/checkouts:batch", body, "", {{"Content-Type", "application/x-ndjson"}});
  REQUIRE(answer.status == 200);
  std::istringstream in(answer.body);
  std::string text;
  for (const BadBody& bad : sent) {
    REQUIRE(std::getline(in, text));
    CAPTURE(bad.body, text);
    const auto line = json::parse(text);
    CHECK(line.at("status").as_int64() == 400);
    CHECK(line.at_pointer("/problem/code").as_string() == bad.code);
    if (bad.param != "?") CHECK(line.at_pointer("/problem/param").as_string() == bad.param);
  }
  CHECK(shop.balance("shop") == 0);
}

TEST_CASE("bad requests: headers, methods and paths", "[http][bad]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const std::string good = ServedShop::checkout_text();
  const auto header = [&](const char* name, const char* value) {
    return client.post("/v1/checkouts", good, "key", {{name, value}});
  };
  for (const char* value : {"0", "-1", "600001", "1.5", "soon", "", "99999999999999999999"})
    CHECK(header("Kontor-Deadline-Ms", value).param() == "Kontor-Deadline-Ms");
  for (const char* value : {"", "one_phase", "TWO_PHASE"})
    CHECK(header("Kontor-Protocol", value).param() == "Kontor-Protocol");
  for (const char* value : {"text/plain", "application/x-www-form-urlencoded", "application/jsonp"})
    CHECK(header("Content-Type", value).status == 415);
  CHECK(header("Idempotency-Key", "twice").param() == "Idempotency-Key");
  CHECK(client.get("/v1/checkouts").status == 405);
  CHECK(client.get("/v1/checkouts").field("allow") == "POST");
  CHECK(client.post("/v1/orders/x", "{}", "key").field("allow") == "GET");
  CHECK(client.get("/v1/products/mug?x=1").param() == "query");
  for (const char* path : {"/", "/v1", "/v1/", "/v2/products", "/v1/products/mug/", "/v1/products//stock",
                           "/v1/products/%zz", "/v1/products/%4", "/v1/checkouts:batch/x"})
    CHECK(client.get(path).status == 404);
  for (const char* path : {"/v1/orders/x", "/v1/orders/txn_00_00000001_000000000001",
                           "/v1/orders/ord_00_00000001_ffffffffffff", "/v1/orders/ord_3f_00000001_000000000001"})
    CHECK(client.get(path).code() == "unknown_order");
  for (const char* path : {"/v1/transactions/x", "/v1/transactions/txn_00_00000001_ffffffffffff"})
    CHECK(client.get(path).code() == "not_found");
  CHECK(client.get("/v1/accounts/" + std::string(40, 'a')).code() == "unknown_account");
  CHECK(client.get("/v1/products/%00").code() == "unknown_sku");
  for (const char* bytes : {"\xFF", "\xC0\xAF", "\xED\xA0\x80"}) {  // What tells of them is JSON all the same.
    const auto answer = client.raw("GET /v1/accounts/" + std::string(bytes) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(answer.code() == "unknown_account");
    CHECK(answer.text("instance").starts_with("/v1/accounts/%"));
  }
  CHECK(client.raw("GET /healthz HTTP/1.1\r\nHost: shop.example\r\n\r\n").status == 421);
  CHECK(shop.balance("shop") == 0);
}

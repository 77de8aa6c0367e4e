// A catalogue of bad requests, made from a table of each route's fields: each must be refused with 400 (or the code
// that the row says) and the right `param`, and change nothing.
#include <sstream>

#include "tests/http/served_shop.hpp"

using namespace kontor::tests;
namespace json = boost::json;

namespace {

enum class Kind {
  name,
  currency,
  quantity,
  signed_quantity,
  amount,
  positive_amount,
  version,
  basis_points,
  object,
  list,
  flag,
  kind,
  order_line,
};

struct FieldRow {
  const char* pointer;  ///< Into the good body.
  Kind kind;
  bool required = true;
};

struct RouteRow {
  const char* path;
  const char* good;
  std::vector<FieldRow> fields;
};

const std::vector<RouteRow> kRoutes{
    {"/v1/products",
     R"({"sku":"cup","price":{"amount":5,"currency":"GBP"}})",
     {{"/sku", Kind::name},
      {"/price", Kind::object},
      {"/price/amount", Kind::amount},
      {"/price/currency", Kind::currency}}},
    {"/v1/products/mug/price",
     R"({"price":{"amount":5,"currency":"GBP"},"expected_version":1})",
     {{"/price", Kind::object},
      {"/price/amount", Kind::amount},
      {"/price/currency", Kind::currency},
      {"/expected_version", Kind::version, false}}},
    {"/v1/products/mug/stock/receipts", R"({"quantity":5})", {{"/quantity", Kind::quantity}}},
    {"/v1/products/mug/stock/adjustments", R"({"quantity":5})", {{"/quantity", Kind::signed_quantity}}},
    {"/v1/accounts",
     R"({"id":"bob","currency":"GBP","kind":"wallet","credit_limit":{"amount":5,"currency":"GBP"}})",
     {{"/id", Kind::name},
      {"/currency", Kind::currency},
      {"/kind", Kind::kind, false},
      {"/credit_limit", Kind::object, false},
      {"/credit_limit/amount", Kind::amount},
      {"/credit_limit/currency", Kind::currency}}},
    {"/v1/accounts/alice/deposits",
     R"({"external":"bank","amount":{"amount":5,"currency":"GBP"}})",
     {{"/external", Kind::name},
      {"/amount", Kind::object},
      {"/amount/amount", Kind::positive_amount},
      {"/amount/currency", Kind::currency}}},
    {"/v1/accounts/alice/withdrawals",
     R"({"external":"bank","amount":{"amount":5,"currency":"GBP"}})",
     {{"/external", Kind::name},
      {"/amount", Kind::object},
      {"/amount/amount", Kind::positive_amount},
      {"/amount/currency", Kind::currency}}},
    {"/v1/transfers",
     R"({"source":"alice","target":"shop","amount":{"amount":5,"currency":"GBP"}})",
     {{"/source", Kind::name},
      {"/target", Kind::name},
      {"/amount", Kind::object},
      {"/amount/amount", Kind::positive_amount},
      {"/amount/currency", Kind::currency}}},
    {"/v1/checkouts",
     R"({"customer":"alice","currency":"GBP","payees":["shop"],"lines":[{"sku":"mug","quantity":1,)"
     R"("unit_price":{"amount":5,"currency":"GBP"},"expected_version":1,"payee":"shop"}],)"
     R"("fee":{"account":"shop","basis_points":5}})",
     {{"/customer", Kind::name},
      {"/currency", Kind::currency},
      {"/payees", Kind::list},
      {"/payees/0", Kind::name, false},
      {"/lines", Kind::list},
      {"/lines/0", Kind::object, false},
      {"/lines/0/sku", Kind::name},
      {"/lines/0/quantity", Kind::quantity},
      {"/lines/0/unit_price", Kind::object, false},
      {"/lines/0/unit_price/amount", Kind::amount},
      {"/lines/0/unit_price/currency", Kind::currency},
      {"/lines/0/expected_version", Kind::version, false},
      {"/lines/0/payee", Kind::name, false},
      {"/fee", Kind::object, false},
      {"/fee/account", Kind::name},
      {"/fee/basis_points", Kind::basis_points}}},
    {"/v1/orders/ord_00_00000001_000000000007/cancel", "{}", {}},
    {"/v1/orders/ord_00_00000001_000000000007/refunds",
     R"({"lines":[{"line":0,"quantity":1}],"restock":true})",
     {{"/lines", Kind::list, false},
      {"/lines/0", Kind::object, false},
      {"/lines/0/line", Kind::order_line},
      {"/lines/0/quantity", Kind::quantity},
      {"/restock", Kind::flag, false}}},
    {"/v1/orders/ord_00_00000001_000000000007/fulfilments",
     R"({"lines":[{"line":0,"quantity":1}]})",
     {{"/lines", Kind::list, false},
      {"/lines/0", Kind::object, false},
      {"/lines/0/line", Kind::order_line},
      {"/lines/0/quantity", Kind::quantity}}},
};

/// Texts that stand where a value of this kind belongs, and are wrong. `@` in front: wrong inside, not here.
std::vector<std::string> wrong_values(Kind kind) {
  const std::vector<std::string> numbers{
      "1.0", "1e2", "0.5", "9223372036854775808", "-9223372036854775809", "1e400", "99999999999999999999999"};
  const std::vector<std::string> other{"null", "true", R"("1")", "[]", "{}"};
  std::vector<std::string> out;
  const auto add = [&](std::initializer_list<const char*> texts) { out.insert(out.end(), texts.begin(), texts.end()); };
  const auto add_integers = [&](std::initializer_list<const char*> beyond) {
    out = numbers;
    out.insert(out.end(), other.begin(), other.end());
    add(beyond);
    add({"9223372036854775807", "-9223372036854775808"});
  };
  switch (kind) {
    case Kind::name:
      add({"null", "true", "7", "[]", "{}", "1.5", R"("")", R"("1234567890123456789012345678901234567890")",
           R"("a\u0000b")", R"("a\nb")", R"("\u007f")", R"("\u0085")"});
      break;
    case Kind::currency:
      add({"null", "true", "826", "[]", "{}", R"("")", R"("gbp")", R"("GB")", R"("GBPP")", R"("XQX")"});
      break;
    case Kind::kind: add({"null", "true", "7", "[]", "{}", R"("")", R"("Wallet")", R"("purse")"}); break;
    case Kind::quantity: add_integers({"0", "-1", "1000000001"}); break;
    case Kind::signed_quantity: add_integers({"0", "-1000000001", "1000000001"}); break;
    case Kind::amount: add_integers({"-1", "1000000000000001"}); break;
    case Kind::positive_amount: add_integers({"0", "-1", "1000000000000001"}); break;
    case Kind::version: add_integers({"0", "-1", "4294967296"}); break;
    case Kind::basis_points: add_integers({"-1", "10001"}); break;
    case Kind::order_line: add_integers({"-1", "2000"}); break;
    case Kind::object: add({"null", "true", "7", R"("x")", "[]"}); break;
    case Kind::list: add({"null", "true", "7", R"("x")", "{}", "[]"}); break;
    case Kind::flag: add({"null", "0", "1", R"("true")", "[]", "{}"}); break;
  }
  return out;
}

struct Case {
  std::string path, body, param;
};

/// `good` with the value at `pointer` written as `text`: by way of a placeholder, so that `text` need not be JSON.
std::string replaced(const char* good, const char* pointer, const std::string& text) {
  json::value body = json::parse(good);
  body.at_pointer(pointer) = "@@";
  std::string out = json::serialize(body);
  const std::string placeholder = "\"@@\"";
  return out.replace(out.find(placeholder), placeholder.size(), text);
}

json::object& parent_of(json::value& body, const std::string& pointer, std::string& name) {
  const std::size_t slash = pointer.rfind('/');
  name = pointer.substr(slash + 1);
  return body.at_pointer(pointer.substr(0, slash)).as_object();
}

void add_missing(const RouteRow& route, const FieldRow& field, std::vector<Case>& cases) {
  if (!field.required) return;
  json::value body = json::parse(route.good);
  std::string name;
  parent_of(body, field.pointer, name).erase(name);
  cases.push_back({route.path, json::serialize(body), field.pointer});
}

/// An unknown member in each object, and each of its members twice.
void add_extra_and_twice(const RouteRow& route, const std::string& pointer, std::vector<Case>& cases) {
  const json::value good = json::parse(route.good);
  const json::value* object = pointer.empty() ? &good : &good.at_pointer(pointer);
  if (!object->is_object()) return;
  for (const char* name : {"extra", "Sku", "__proto__", "a/b"}) {
    json::value body = good;
    (pointer.empty() ? body : body.at_pointer(pointer)).as_object()[name] = 1;
    cases.push_back({route.path, json::serialize(body), pointer + "/" + (std::string(name) == "a/b" ? "a~1b" : name)});
  }
  const std::string text = json::serialize(*object);
  for (const auto& member : object->as_object()) {
    const std::string doubled = text.substr(0, text.size() - 1) + ",\"" + std::string(member.key()) +
                                "\":" + json::serialize(member.value()) + "}";
    const std::string body = pointer.empty() ? doubled : replaced(route.good, pointer.c_str(), doubled);
    cases.push_back({route.path, body, pointer + "/" + std::string(member.key())});
  }
}

void add_malformed(const RouteRow& route, std::vector<Case>& cases) {
  const std::string good = route.good;
  const std::string no_body = std::string(route.path).ends_with("/cancel") ? " " : "";
  for (const std::string& body :
       {no_body, std::string("{"), good.substr(0, good.size() - 1) + ",}", good + "x", good + good,
        std::string("\xEF\xBB\xBF") + good, "/**/" + good, std::string("nul"), std::string("{'a':1}"),
        std::string("{\"a\":01}"), std::string("{\"a\":+1}"), std::string("{a:1}")})
    cases.push_back({route.path, body, "?"});
  for (const char* body : {"null", "true", "7", "\"x\"", "[]"}) cases.push_back({route.path, body, ""});
}

std::vector<Case> catalogue() {
  std::vector<Case> cases;
  for (const RouteRow& route : kRoutes) {
    add_malformed(route, cases);
    add_extra_and_twice(route, "", cases);
    for (const FieldRow& field : route.fields) {
      add_missing(route, field, cases);
      if (field.kind == Kind::object) add_extra_and_twice(route, field.pointer, cases);
      for (const std::string& value : wrong_values(field.kind))
        cases.push_back({route.path, replaced(route.good, field.pointer, value), field.pointer});
      cases.push_back(
          {route.path, replaced(route.good, field.pointer, std::string(17, '[') + std::string(17, ']')), "?"});
      cases.push_back({route.path, replaced(route.good, field.pointer, "\"\xFF\""), "?"});
    }
  }
  return cases;
}

std::string state(Client& client) {
  std::string all;
  for (const char* path : {"/v1/accounts/alice", "/v1/accounts/shop", "/v1/accounts/bank", "/v1/accounts/bob",
                           "/v1/products/mug", "/v1/products/mug/stock", "/v1/products/cup"}) {
    const auto answer = client.get(path);
    all += answer.status == 200 ? answer.body : std::to_string(answer.status);
  }
  return all;
}

}  // namespace

TEST_CASE("bad requests: each is refused with its place, and changes nothing", "[http][bad]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const std::string before = state(client);
  const auto cases = catalogue();
  CHECK(cases.size() >= 1'000);
  std::size_t number = 0;
  for (const Case& bad : cases) {
    const auto answer = client.post(bad.path, bad.body, "bad-" + std::to_string(number++));
    CAPTURE(bad.path, bad.body, answer.body);
    CHECK(answer.status == 400);
    CHECK(answer.field("content-type") == "application/problem+json");
    const auto code = answer.code();
    CHECK((code == "invalid_argument" || code == "too_large"));
    // A value of another shape is refused where it is, or where what it lacks would be.
    if (bad.param != "?") CHECK(std::string_view(answer.param()).starts_with(bad.param));
  }
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
  std::vector<Case> sent;
  for (const Case& bad : catalogue()) {
    if (bad.path != std::string("/v1/checkouts") || bad.body.size() < 2 || bad.body.find('\n') != std::string::npos ||
        bad.body.front() != '{')
      continue;
    sent.push_back(bad);
    body += R"({"idempotency_key":"k",)" + bad.body.substr(1) + "\n";
  }
  const auto answer = client.post("/v1/checkouts:batch", body, "", {{"Content-Type", "application/x-ndjson"}});
  REQUIRE(answer.status == 200);
  std::istringstream in(answer.body);
  std::string text;
  for (const Case& bad : sent) {
    REQUIRE(std::getline(in, text));
    CAPTURE(bad.body, text);
    CHECK(json::parse(text).at("status").as_int64() == 400);
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
  CHECK(client.raw("GET /healthz HTTP/1.1\r\nHost: shop.example\r\n\r\n").status == 421);
  CHECK(shop.balance("shop") == 0);
}

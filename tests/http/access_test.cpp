// Role × route × owner: who is let in, who is refused, and that a refusal tells nothing of what there is.
#include <algorithm>
#include <set>
#include <sstream>

#include "tests/http/keyed_shop.hpp"

using namespace kontor;
using namespace kontor::cmd::serve;
using namespace kontor::tests;

namespace {

constexpr const char* kBatch = "/v1/checkouts:batch";

/// What a route is to a merchant and a customer; written down apart from the program's own table, to hold that.
struct Row {
  const char* method;
  const char* path;
  const char* merchant;
  const char* customer;
  const char* body = "";
};

const std::vector<Row> kRows{
    {"POST", "/v1/products", "all", "none", R"({"sku":"cup","price":{"amount":5,"currency":"GBP"}})"},
    {"POST", "/v1/products/{sku}/price", "all", "none", R"({"price":{"amount":1299,"currency":"GBP"}})"},
    {"POST", "/v1/products/{sku}/stock/receipts", "all", "none", R"({"quantity":1})"},
    {"POST", "/v1/products/{sku}/stock/adjustments", "all", "none", R"({"quantity":-1})"},
    {"POST", "/v1/accounts", "none", "none", R"({"id":"{account}","currency":"GBP"})"},
    {"POST", "/v1/accounts/{account}/deposits", "none", "none",
     R"({"external":"bank","amount":{"amount":5,"currency":"GBP"}})"},
    {"POST", "/v1/accounts/{account}/withdrawals", "none", "none",
     R"({"external":"bank","amount":{"amount":5,"currency":"GBP"}})"},
    {"POST", "/v1/transfers", "none", "own",
     R"({"source":"{account}","target":"shop","amount":{"amount":5,"currency":"GBP"}})"},
    {"POST", "/v1/checkouts", "none", "own",
     R"({"customer":"{account}","currency":"GBP","payees":["shop"],"lines":[{"sku":"mug","quantity":1}]})"},
    {"POST", kBatch, "none", "own",
     R"({"customer":"{account}","currency":"GBP","payees":["shop"],"lines":[{"sku":"mug","quantity":1}]})"},
    {"POST", "/v1/reservations", "none", "own",
     R"({"customer":"{account}","currency":"GBP","payees":["shop"],"expires_in_ms":60000,)"
     R"("lines":[{"sku":"mug","quantity":1}]})"},
    {"POST", "/v1/reservations/{reservation}/commit", "none", "own", "{}"},
    {"POST", "/v1/reservations/{reservation}/release", "none", "own", "{}"},
    {"GET", "/v1/reservations/{reservation}", "own", "own"},
    {"POST", "/v1/orders/{order}/fulfilments", "own", "none", R"({"lines":[{"line":0,"quantity":1}]})"},
    {"POST", "/v1/orders/{order}/refunds", "own", "none", R"({"lines":[{"line":0,"quantity":1}]})"},
    {"POST", "/v1/orders/{order}/cancel", "own", "none", "{}"},
    {"GET", "/v1/products", "all", "all"},
    {"GET", "/v1/products/{sku}", "all", "all"},
    {"GET", "/v1/products/{sku}/stock", "all", "none"},
    {"GET", "/v1/accounts/{account}", "own", "own"},
    {"GET", "/v1/accounts/{account}/entries", "own", "own"},
    {"GET", "/v1/orders?customer=alice", "all", "all"},  // Whose they are is held in views_test.cpp.
    {"GET", "/v1/orders/{order}", "own", "own"},
    {"GET", "/v1/transactions/{transaction}", "own", "own"},
    {"GET", "/v1/events", "none", "none"},
    {"POST", "/v1/audits", "none", "none"},
    {"GET", "/v1/audits/{audit}", "none", "none"},
    {"GET", "/v1/cluster", "none", "none"},
    {"GET", "/v1/cluster/in-doubt", "none", "none"},
    {"POST", "/v1/cluster/in-doubt/{transaction}/resolve", "none", "none"},
    {"POST", "/v1/cluster/shards/{shard}/move/{node}", "none", "none"},
    {"POST", "/v1/cluster/members/{node}/add/{address}", "none", "none"},
    {"GET", "/metrics", "none", "none"},
    {"GET", "/healthz", "open", "open"},
    {"GET", "/readyz", "open", "open"},
    {"GET", "/openapi.json", "open", "open"},
};

/// What the names in a route's braces stand for.
struct Names {
  std::string sku, account, order, transaction, reservation;
};

std::string filled(std::string text, const Names& names) {
  const std::array<std::pair<std::string, std::string>, 8> all{{{"{sku}", names.sku},
                                                                {"{address}", "127.0.0.1:9"},
                                                                {"{shard}", "0"},
                                                                {"{node}", "node-1"},
                                                                {"{reservation}", names.reservation},
                                                                {"{account}", names.account},
                                                                {"{order}", names.order},
                                                                {"{transaction}", names.transaction}}};
  for (const auto& [name, value] : all)
    for (std::size_t at = text.find(name); at != text.npos; at = text.find(name)) text.replace(at, name.size(), value);
  return text;
}

std::string transaction_of(const std::string& order) { return "txn_" + order.substr(4); }

class Matrix {
 public:
  Matrix() {
    const std::string missing = "ord_00_00000001_0000000fffff";
    foreign_ = {"mug", "bob", all.bobs, transaction_of(all.bobs), all.bobs_reservation};
    missing_ = {"none", "nobody", missing, transaction_of(missing), "rsv_" + missing.substr(4)};
  }
  Names own(const TestKey& key) const {
    const AccountId& account = key.made.key.principal.account;
    return {"mug", account.empty() ? "alice" : account.str(), all.alices, transaction_of(all.alices),
            all.alices_reservation};
  }
  const Names& foreign() const { return foreign_; }
  const Names& missing() const { return missing_; }

  struct Told {
    unsigned status = 0;
    std::string text;  ///< Without what names the request and the object it asked for.
    std::uint64_t submitted = 0;
  };
  Told ask(const Row& row, const Names& names, const Headers& headers) {
    std::string path = filled(row.path, names);
    if (const auto at = path.find("{audit}"); at != path.npos) path.replace(at, path.npos, audit_);
    const std::string key = "matrix-" + std::to_string(++keys_);
    const std::uint64_t before = all.shop.engine().counters().submitted;
    std::string body = filled(row.body, names);
    Headers more = headers;
    if (row.path == std::string(kBatch)) {
      more.push_back({"Content-Type", "application/x-ndjson"});
      body = R"({"idempotency_key":")" + key + "\"," + body.substr(1);
    }
    const Answer answer =
        row.method == std::string("GET") ? all.client.get(path, more) : all.client.post(path, body, key, more);
    if (answer.status == 201 && row.path == std::string("/v1/audits")) audit_ = answer.text("id");
    Told told{answer.status, answer.body, all.shop.engine().counters().submitted - before};
    if (row.path == std::string(kBatch) && answer.status == 200) {
      const auto line = answer.json();
      told.status = static_cast<unsigned>(line.at("status").as_int64());
      const auto* problem = line.as_object().if_contains("problem");
      told.text = problem ? boost::json::serialize(*problem) : answer.body;
    }
    for (const std::string& word : {answer.field("request-id"), path})
      if (const std::size_t at = told.text.find(word); at != told.text.npos && !word.empty())
        told.text.erase(at, word.size());
    return told;
  }

  KeyedShop all;

 private:
  Names foreign_, missing_;
  std::string audit_;  ///< That an admin began last: one is remembered.
  int keys_ = 0;
};

/// Let in: done, or refused for another reason than who asks.
void check_let_in(const Matrix::Told& told) {
  CHECK(told.status != 401);
  CHECK(told.status != 403);
  CHECK(told.status != 404);
}

void check_refused(const Matrix::Told& told, unsigned status) {
  CHECK(told.status == status);
  CHECK(told.submitted == 0);
}

void check_scope(Matrix& matrix, const Row& row, const TestKey& key, const std::string& scope) {
  const auto own = matrix.ask(row, matrix.own(key), key.header());
  const auto foreign = matrix.ask(row, matrix.foreign(), key.header());
  const auto missing = matrix.ask(row, matrix.missing(), key.header());
  CAPTURE(own.text, foreign.text, missing.text);
  if (scope == "none") {
    check_refused(own, 403);
    check_refused(foreign, 403);
    check_refused(missing, 403);
    CHECK(own.text == foreign.text);
    CHECK(own.text == missing.text);
  } else if (scope == "own") {
    check_let_in(own);
    check_refused(foreign, 404);
    check_refused(missing, 404);
    CHECK(foreign.text == missing.text);
  } else {
    check_let_in(own);
    check_let_in(foreign);
  }
}

}  // namespace

TEST_CASE("access: each route has a row, here and in the program", "[http][access]") {
  std::set<std::string> served, tabled, tested;
  for (const RouteName& route : all_routes()) served.insert(std::string(route.method) + " " + std::string(route.path));
  for (const RouteAccess& row : access_table()) tabled.insert(std::string(row.method) + " " + std::string(row.path));
  for (const Row& row : kRows) {
    const std::string path = row.path;
    tested.insert(std::string(row.method) + " " + path.substr(0, path.find('?')));
  }
  CHECK(served == tabled);
  CHECK(served == tested);
  CHECK(access_table().size() == tabled.size());
  CHECK(scope_of(access_to("GET", "/v1/new"), {Role::merchant, *AccountId::parse("shop")}) == Scope::none);
}

TEST_CASE("access: role, route and owner decide, and nothing else is told", "[http][access]") {
  Matrix matrix;
  for (const Row& row : kRows) {
    CAPTURE(row.method, row.path);
    const bool open = row.merchant == std::string("open");
    for (const Names& names : {matrix.own(matrix.all.admin), matrix.missing()}) {
      const auto told = matrix.ask(row, names, {});
      if (open)
        CHECK(told.status == 200);
      else
        check_refused(told, 401);
    }
    INFO("merchant");
    check_scope(matrix, row, matrix.all.merchant, row.merchant);
    INFO("customer");
    check_scope(matrix, row, matrix.all.customer, row.customer);
    INFO("admin");
    check_let_in(matrix.ask(row, matrix.own(matrix.all.admin), matrix.all.admin.header()));
    check_let_in(matrix.ask(row, matrix.foreign(), matrix.all.admin.header()));
  }
  CHECK(matrix.ask({"GET", "/v1/nowhere", "", ""}, {}, {}).status == 401);
  CHECK(matrix.ask({"GET", "/v1/nowhere", "", ""}, {}, matrix.all.customer.header()).status == 404);
}

TEST_CASE("access: a customer buys at the product's price, and sets no fee", "[http][access]") {
  KeyedShop all;
  const std::string text = KeyedShop::checkout_text("alice", "shop");
  const std::string priced =
      R"({"customer":"alice","currency":"GBP","payees":["shop"],"lines":[{"sku":"mug","quantity":1,)"
      R"("unit_price":{"amount":1,"currency":"GBP"}}]})";
  const std::string with_fee = text.substr(0, text.size() - 1) + R"(,"fee":{"account":"other","basis_points":10000}})";
  const auto cheap = all.post("/v1/checkouts", priced, all.customer, "cheap");
  CHECK(cheap.status == 403);
  CHECK(cheap.param() == "/lines/0/unit_price");
  CHECK(all.post("/v1/checkouts", with_fee, all.customer, "fee").param() == "/fee");
  const auto reserved = [](const std::string& checkout) { return R"({"expires_in_ms":60000,)" + checkout.substr(1); };
  CHECK(all.post("/v1/reservations", reserved(priced), all.customer, "cheap").param() == "/lines/0/unit_price");
  CHECK(all.post("/v1/reservations", reserved(with_fee), all.customer, "fee").param() == "/fee");
  CHECK(all.post("/v1/checkouts", priced, all.admin, "cheap").status == 201);
  CHECK(all.post("/v1/checkouts", with_fee, all.admin, "fee").status == 201);
}

TEST_CASE("access: of an order that pays two merchants each amends its own lines", "[http][access]") {
  KeyedShop all;
  const auto placed = all.post("/v1/checkouts", R"({"customer":"alice","currency":"GBP","payees":["shop","other"],
    "lines":[{"sku":"mug","quantity":2,"payee":"shop"},{"sku":"mug","quantity":2,"payee":"other"}]})",
                               all.admin, "two payees");
  REQUIRE(placed.status == 201);
  const std::string order = placed.field("location");
  CHECK(all.get(order, all.merchant).status == 200);
  CHECK(all.get(order, all.other_merchant).status == 200);
  CHECK(all.get(order, all.other_customer).status == 404);
  const auto lines = [](int line) { return R"({"lines":[{"line":)" + std::to_string(line) + R"(,"quantity":1}]})"; };
  for (const std::string what : {"/refunds", "/fulfilments"}) {
    CHECK(all.post(order + what, lines(0), all.merchant, "own").status == 201);
    CHECK(all.post(order + what, lines(1), all.merchant, "other's").status == 403);
    CHECK(all.post(order + what, "{}", all.merchant, "all").status == 403);
    CHECK(all.post(order + what, lines(7), all.merchant, "none").status == 400);
    CHECK(all.post(order + what, lines(1), all.other_merchant, "own").status == 201);
  }
  CHECK(all.post(order + "/cancel", "{}", all.merchant, "cancel").status == 403);
}

TEST_CASE("access: a transaction is told to its parties", "[http][access]") {
  KeyedShop all;
  const auto refund = all.post("/v1/orders/" + all.alices + "/refunds", "{}", all.merchant, "refund").field("location");
  const auto transfer =
      all.post("/v1/transfers", R"({"source":"alice","target":"other","amount":{"amount":5,"currency":"GBP"}})",
               all.customer, "transfer")
          .field("location");
  const auto price = all.post("/v1/products/mug/price", R"({"price":{"amount":7,"currency":"GBP"}})", all.merchant, "p")
                         .field("location");
  const auto statuses = [&](const std::string& path) {
    std::vector<unsigned> out;
    for (const TestKey* key : {&all.admin, &all.merchant, &all.other_merchant, &all.customer, &all.other_customer})
      out.push_back(all.get(path, *key).status);
    return out;
  };
  CHECK(statuses(refund) == std::vector<unsigned>{200, 200, 404, 200, 404});
  CHECK(statuses(transfer) == std::vector<unsigned>{200, 404, 200, 200, 404});
  CHECK(statuses(price) == std::vector<unsigned>{200, 200, 200, 404, 404});
}

TEST_CASE("access: each line of a batch is judged for itself", "[http][access]") {
  KeyedShop all;
  std::string body;
  for (const char* customer : {"alice", "bob", "nobody", "alice"})
    body += R"({"idempotency_key":")" + std::to_string(body.size()) + "\"," +
            KeyedShop::checkout_text(customer, "shop").substr(1) + "\n";
  Headers headers = all.customer.header();
  headers.push_back({"Content-Type", "application/x-ndjson"});
  std::istringstream lines(all.client.post(kBatch, body, "", headers).body);
  std::vector<std::int64_t> statuses;
  for (std::string line; std::getline(lines, line);)
    statuses.push_back(boost::json::parse(line).at("status").as_int64());
  CHECK(statuses == std::vector<std::int64_t>{201, 404, 404, 201});
}

TEST_CASE("access: what only customers pay is refused to a merchant without its route, too", "[http][access]") {
  const AccountId shop = *AccountId::parse("shop");
  const Principal merchant{Role::merchant, shop}, customer{Role::customer, shop};
  Checkout checkout;
  checkout.customer = shop;
  Transfer transfer;
  transfer.source = shop;
  for (const Operation& operation : {Operation(checkout), Operation(transfer)}) {
    CHECK(refuse(merchant, operation)->code == Errc::unknown_account);
    CHECK_FALSE(refuse(customer, operation));
    CHECK_FALSE(refuse(Principal{}, operation));
  }
}

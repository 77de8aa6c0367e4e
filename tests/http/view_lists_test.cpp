// Lists of orders and of an account's entries, as clients page through them.
#include "cmd/kontor/serve/view_lists.hpp"

#include <algorithm>

#include "tests/http/keyed_shop.hpp"

using namespace kontor;
using namespace kontor::tests;

namespace {

std::vector<std::string> ids(const Answer& page, const char* member) {
  CAPTURE(page.body);
  REQUIRE(page.status == 200);
  CHECK(page.text("object") == "list");
  std::vector<std::string> out;
  const auto list = page.json();
  for (const auto& row : list.at("data").as_array()) out.emplace_back(row.at(member).as_string());
  return out;
}

bool has_more(const Answer& page) { return page.json().at("has_more").as_bool(); }

/// All pages of `limit` each.
std::vector<std::string> walked(Client& client, const std::string& list, const char* member, int limit) {
  std::vector<std::string> all;
  const std::string first = list + (list.find('?') == list.npos ? "?" : "&") + "limit=" + std::to_string(limit);
  for (std::string from;;) {
    const Answer page = client.get(first + from);
    const auto found = ids(page, member);
    all.insert(all.end(), found.begin(), found.end());
    if (!has_more(page)) return all;
    REQUIRE_FALSE(found.empty());
    from = "&starting_after=" + found.back();
  }
}

Answer buy(Client& client, const std::string& customer, const std::string& payee, int number) {
  Answer answer =
      client.post("/v1/checkouts", KeyedShop::checkout_text(customer, payee), "buy-" + std::to_string(number));
  REQUIRE(answer.status == 201);
  return answer;
}

}  // namespace

TEST_CASE("views: a page of orders has 4,000 lines, or one order", "[http][views][limits]") {
  ServedShop shop;
  shop.open_shop(100'000'000, 10'000);
  auto client = shop.client();
  std::string lines = R"({"sku":"mug","quantity":1})";
  for (int i = 1; i < 1'500; ++i) lines += R"(,{"sku":"mug","quantity":1})";
  const std::string body = R"({"customer":"alice","currency":"GBP","payees":["shop"],"lines":[)" + lines + "]}";
  std::vector<std::string> all;
  for (int i = 0; i < 5; ++i)
    all.insert(all.begin(), client.post("/v1/checkouts", body, "long-" + std::to_string(i)).text("order"));
  const std::string list = "/v1/orders?customer=alice";
  const Answer first = client.get(list);
  CHECK(ids(first, "id") == std::vector{all[0], all[1]});
  CHECK(has_more(first));
  CHECK(walked(client, list, "id", 100) == all);
  const Answer before = client.get(list + "&ending_before=" + all[4]);
  CHECK(ids(before, "id") == std::vector{all[2], all[3]});
  CHECK(has_more(before));
}

TEST_CASE("views: the orders of a customer, newest first, as soon as they are answered", "[http][views]") {
  ServedShop shop({}, GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  shop.open_shop();
  shop.done("/v1/accounts", R"({"id":"other","currency":"GBP"})");
  auto client = shop.client();
  std::vector<std::string> all, of_shop;
  for (int i = 0; i < 7; ++i) {
    const std::string payee = i % 3 == 0 ? "other" : "shop";
    all.insert(all.begin(), buy(client, "alice", payee, i).text("order"));
    if (payee == "shop") of_shop.insert(of_shop.begin(), all.front());
    CHECK(ids(client.get("/v1/orders?customer=alice&limit=1"), "id").front() == all.front());
    CHECK(ids(client.get("/v1/orders?customer=alice"), "id") == all);
  }
  CHECK(ids(client.get("/v1/orders?payee=shop"), "id") == of_shop);
  CHECK(ids(client.get("/v1/orders?payee=shop&customer=alice"), "id") == of_shop);
  CHECK(ids(client.get("/v1/orders?customer=shop"), "id").empty());
  CHECK(ids(client.get("/v1/orders?customer=nobody"), "id").empty());
  for (const int limit : {1, 2, 3, 7}) {
    CHECK(walked(client, "/v1/orders?customer=alice", "id", limit) == all);
    CHECK(walked(client, "/v1/orders?payee=shop", "id", limit) == of_shop);
  }
  // The page before an order holds those that came just after it.
  const Answer before = client.get("/v1/orders?customer=alice&limit=2&ending_before=" + all[4]);
  CHECK(ids(before, "id") == std::vector<std::string>{all[2], all[3]});
  CHECK(has_more(before));
  CHECK_FALSE(has_more(client.get("/v1/orders?customer=alice&ending_before=" + all[4])));
  // What is told of each is what the order itself tells, now.
  shop.done("/v1/orders/" + all[0] + "/refunds", "{}");
  const auto row = client.get("/v1/orders?customer=alice&limit=1").json().at("data").at(0);
  CHECK(row == client.get("/v1/orders/" + all[0]).json());
  CHECK(row.at("payment").as_string() == "refunded");
}

TEST_CASE("views: the entries of an account add up to its balance", "[http][views]") {
  ServedShop shop({}, GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  shop.open_shop();
  auto client = shop.client();
  const Answer bought = buy(client, "alice", "shop", 1);
  shop.done("/v1/orders/" + bought.text("order") + "/refunds", R"({"lines":[{"line":0,"quantity":1}]})");
  shop.done("/v1/transfers", R"({"source":"alice","target":"shop","amount":)" + ServedShop::gbp_text(7) + "}");
  for (const std::string account : {"alice", "shop", "bank"}) {
    CAPTURE(account);
    const auto list = client.get("/v1/accounts/" + account + "/entries");
    const auto rows = list.json().at("data").as_array();
    std::int64_t balance = shop.balance(account);
    for (const auto& row : rows) {
      CHECK(row.at_pointer("/balance/amount").as_int64() == balance);
      CHECK(row.at_pointer("/amount/currency").as_string() == "GBP");
      balance -= row.at_pointer("/amount/amount").as_int64();
    }
    CHECK(balance == 0);
    CHECK(walked(client, "/v1/accounts/" + account + "/entries", "transaction", 1) == ids(list, "transaction"));
  }
  const auto entries = client.get("/v1/accounts/alice/entries").json().at("data").as_array();
  std::vector<std::string> kinds;
  for (const auto& row : entries) kinds.emplace_back(row.at("kind").as_string());
  std::sort(kinds.begin(), kinds.end());
  CHECK(kinds == std::vector<std::string>{"checkout", "deposit", "refund", "transfer"});
  const auto checkout = std::find_if(entries.begin(), entries.end(),
                                     [](const auto& row) { return row.at("kind").as_string() == "checkout"; });
  CHECK(std::string(checkout->at("transaction").as_string()) == bought.text("id"));
  CHECK(std::string(checkout->at("order").as_string()) == bought.text("order"));
  CHECK(checkout->at_pointer("/amount/amount").as_int64() == -1299);
  CHECK(client.get("/v1/accounts/nobody/entries").code() == "unknown_account");
}

TEST_CASE("views: what cannot be listed is refused, with the parameter that is to blame", "[http][views]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const std::string mine = buy(client, "alice", "shop", 1).text("order");
  struct Row {
    std::string path, param;
  };
  const std::string entries = "/v1/accounts/alice/entries?", orders = "/v1/orders?customer=alice&";
  for (const Row& row : std::vector<Row>{
           {"/v1/orders", "customer"},
           {orders + "limit=0", "limit"},
           {orders + "limit=" + std::to_string(cmd::serve::kOrdersListedMax + 1), "limit"},
           {entries + "limit=" + std::to_string(cmd::serve::kEntriesListedMax + 1), "limit"},
           {orders + "starting_after=nonsense", "starting_after"},
           {orders + "starting_after=txn_" + mine.substr(4), "starting_after"},
           {orders + "ending_before=ord_00_00000001_0000000fffff", "ending_before"},
           {orders + "starting_after=" + mine + "&ending_before=" + mine, "ending_before"},
           {"/v1/orders?customer=shop&starting_after=" + mine, "starting_after"},
           {"/v1/orders?customer=nobody&starting_after=" + mine, "starting_after"},
           {entries + "starting_after=" + mine, "starting_after"},
           {entries + "order=" + mine, "query"},
       }) {
    CAPTURE(row.path);
    const Answer answer = client.get(row.path);
    CHECK(answer.status == 400);
    CHECK(answer.param() == row.param);
  }
  const std::string most = "limit=" + std::to_string(cmd::serve::kOrdersListedMax);
  CHECK(client.get(orders + most).status == 200);
  CHECK(client.get(entries + "limit=" + std::to_string(cmd::serve::kEntriesListedMax)).status == 200);
}

TEST_CASE("views: each key lists its own, and learns nothing of the rest", "[http][views][access]") {
  KeyedShop all;
  const auto listed = [&](const std::string& query, const TestKey& key) {
    return ids(all.get("/v1/orders" + query, key), "id");
  };
  const auto order_of = [](const std::string& reservation) { return "ord_" + reservation.substr(4); };
  const std::vector<std::string> none, alices{order_of(all.alices_reservation), all.alices},
      bobs{order_of(all.bobs_reservation), all.bobs};
  CHECK(listed("", all.customer) == alices);
  CHECK(listed("?customer=alice", all.customer) == alices);
  CHECK(listed("?payee=shop", all.customer) == alices);
  CHECK(listed("?payee=other", all.customer) == none);
  CHECK(listed("", all.merchant) == alices);
  CHECK(listed("?customer=alice", all.merchant) == alices);
  CHECK(listed("?customer=alice", all.other_merchant) == none);
  CHECK(listed("", all.other_merchant) == bobs);
  CHECK(listed("?customer=bob", all.admin) == bobs);
  CHECK(listed("?payee=shop&customer=bob", all.admin) == none);
  // Somebody else's are like those of nobody, cursors included.
  for (const std::string& more : std::vector<std::string>{"", "&starting_after=" + all.bobs, "&limit=1"}) {
    auto foreign = all.get("/v1/orders?customer=bob" + more, all.customer);
    auto missing = all.get("/v1/orders?customer=nobody" + more, all.customer);
    const auto without_id = [](Answer& answer) {
      if (const auto at = answer.body.find("req_"); at != answer.body.npos)
        answer.body.erase(at, answer.field("request-id").size());
      return answer.body;
    };
    CHECK(foreign.status == missing.status);
    CHECK(without_id(foreign) == without_id(missing));
  }
  CHECK(all.get("/v1/accounts/shop/entries", all.merchant).status == 200);
  CHECK(all.get("/v1/accounts/shop/entries", all.customer).status == 404);
}

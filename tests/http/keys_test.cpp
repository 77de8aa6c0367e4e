// Bearer keys on the wire: what opens, what does not, and that nothing tells why.
#include <chrono>
#include <set>
#include <thread>

#include "tests/http/keyed_shop.hpp"

using namespace kontor;
using namespace kontor::cmd::serve;
using namespace kontor::tests;
using namespace std::chrono_literals;

namespace {

const std::string kPath = "/v1/accounts/alice";

/// The answer without what names the request.
std::string told(const Answer& answer) {
  std::string text = answer.body;
  const std::string id = answer.field("request-id");
  text.erase(text.find(id), id.size());
  return std::to_string(answer.status) + answer.field("www-authenticate") + answer.field("connection") + text;
}

}  // namespace

TEST_CASE("keys: without a good one the answer is the same, whatever is wrong", "[http][keys]") {
  KeyedShop all;
  const std::string good = all.customer.made.token;
  const TestKey stranger(Role::admin, "");
  std::string wrong = good;
  wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
  const std::string expected = told(all.client.get(kPath));
  CHECK(expected.starts_with("401Bearer"));
  for (const std::string& value :
       {std::string("Bearer"), std::string("Bearer "), "Bearer " + wrong, "Bearer " + stranger.made.token, good,
        "Basic " + good, "Bearer  " + good, "Bearer " + good + "A", "Bearer " + good.substr(0, good.size() - 1),
        "Bearer " + good.substr(0, 20) + good.substr(21) + "-", "Bearer \"" + good + "\"",
        "Bearer " + good + ", Basic x", "Bearer x" + good.substr(1), "Bearer " + std::string(4'000, 'x')}) {
    CAPTURE(value);
    CHECK(told(all.client.get(kPath, {{"Authorization", value}})) == expected);
  }
  Headers twice = all.customer.header();
  twice.push_back(twice.front());
  CHECK(told(all.client.get(kPath, twice)) == expected);
  CHECK(all.client.get(kPath + "?access_token=" + good).status == 401);
  CHECK(all.client.post("/v1/checkouts", "", "k").status == 401);
}

TEST_CASE("keys: the scheme is known in any case, the host under any name", "[http][keys]") {
  KeyedShop all;
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER "})
    CHECK(all.client.get(kPath, {{"Authorization", scheme + all.customer.made.token}}).status == 200);
  const std::string tail = " HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer ";
  CHECK(all.client.raw("GET " + kPath + tail + all.customer.made.token + "\r\n\r\n").status == 200);
  ServedShop open_to_all;
  const auto told_under = [&](const std::string& host) {
    return open_to_all.client().raw("GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status;
  };
  for (const char* host : {"localhost", "localhost:8080", "127.0.0.1", "127.8.8.8:80", "[::1]", "[::1]:8080"})
    CHECK(told_under(host) == 200);
  for (const char* host :
       {"shop.example", "127.shop.example", "127.0.0.1.shop.example:80", "[::1", "[::2]", "10.0.0.1"})
    CHECK(told_under(host) == 421);
}

TEST_CASE("keys: a revoked key opens nothing from then on, a new one does", "[http][keys]") {
  KeyedShop all;
  CHECK(all.get(kPath, all.customer).status == 200);
  const TestKey next(Role::customer, "alice");
  all.shop.served().use_keys(ring_of({next}));
  CHECK(all.get(kPath, all.customer).status == 401);
  CHECK(all.get(kPath, next).status == 200);
  all.shop.served().use_keys(ring_of({}));
  CHECK(all.get(kPath, next).status == 401);
}

TEST_CASE("keys: a stream ends to be served when its key is revoked", "[http][keys]") {
  KeyedShop all;
  const auto chunk = [](const std::string& key) {
    const std::string line =
        R"({"idempotency_key":")" + key + "\"," + KeyedShop::checkout_text("alice", "shop").substr(1) + "\n";
    std::ostringstream text;
    text << std::hex << line.size() << "\r\n" << line << "\r\n";
    return text.str();
  };
  all.client.send(
      "POST /v1/checkouts:batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
      "Transfer-Encoding: chunked\r\nAuthorization: Bearer " +
      all.customer.made.token + "\r\n\r\n" + chunk("before"));
  const auto sold = [&] { return all.shop.engine().counters().committed; };
  const auto before = sold();
  for (int i = 0; i < 1'000 && sold() == before; ++i) std::this_thread::sleep_for(5ms);
  all.shop.served().use_keys(ring_of({}));
  all.client.send(chunk("after") + "0\r\n\r\n");
  const auto answer = all.client.receive();
  REQUIRE(answer);
  CHECK(answer->body.find(R"("line":0,"status":201)") != std::string::npos);
  CHECK(answer->body.find(R"("line":1,"status":401)") != std::string::npos);
}

TEST_CASE("keys: an event stream ends when its key is revoked", "[http][keys]") {
  KeyedShop all;
  const auto before = all.shop.served().stats().responses[200 - kontor::http::Stats::kStatusFirst].load();
  all.client.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer " +
                  all.admin.made.token + "\r\n\r\n");
  while (all.shop.served().stats().responses[200 - kontor::http::Stats::kStatusFirst] == before)
    std::this_thread::sleep_for(5ms);
  all.shop.served().use_keys(ring_of({all.customer}));
  const auto answer = all.client.receive();  // Whole: its last chunk came.
  REQUIRE(answer);
  CHECK(answer->status == 200);
}

TEST_CASE("keys: an idempotency key is the principal's, whichever of its API keys sends it", "[http][keys]") {
  KeyedShop all;
  const auto buy = [&](const std::string& who, const TestKey& key) {
    return all.post("/v1/checkouts", KeyedShop::checkout_text(who, "shop"), key, "one");
  };
  const auto first = buy("alice", all.customer);
  CHECK(first.status == 201);
  const TestKey rotated(Role::customer, "alice"), second_admin(Role::admin, "");
  all.shop.served().use_keys(ring_of({rotated, all.other_customer, all.admin, second_admin}));
  const auto again = buy("alice", rotated);
  CHECK(again.field("idempotent-replayed") == "true");
  CHECK(again.text("id") == first.text("id"));
  const auto others = buy("bob", all.other_customer);
  CHECK(others.status == 201);
  CHECK(others.field("idempotent-replayed").empty());
  const auto admins = buy("alice", all.admin);
  CHECK(admins.field("idempotent-replayed").empty());
  CHECK(buy("alice", second_admin).text("id") == admins.text("id"));
  all.shop.served().use_keys(nullptr);
  CHECK(all.client.post("/v1/checkouts", KeyedShop::checkout_text("alice", "shop"), "one").text("id") ==
        admins.text("id"));
}

TEST_CASE("keys: each is new, and told apart from what is none", "[http][keys]") {
  std::set<std::string> ids, secrets;
  for (int i = 0; i < 1'000; ++i) {
    const TestKey key(Role::merchant, "shop");
    const auto parts = parts_of(key.made.token);
    REQUIRE(parts);
    CHECK(parts->id == key.made.key.id);
    CHECK(hash_of(parts->secret) == key.made.key.hash);
    ids.emplace(parts->id);
    secrets.emplace(parts->secret);
  }
  CHECK(ids.size() == 1'000);
  CHECK(secrets.size() == 1'000);
}

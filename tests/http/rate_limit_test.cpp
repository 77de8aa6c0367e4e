// How often one caller may ask: the bucket alone, and at a server.
#include "cmd/kontor/serve/rate_limit.hpp"

#include "tests/http/keyed_shop.hpp"

using namespace kontor::cmd::serve;
using namespace kontor::tests;
using namespace std::chrono_literals;

TEST_CASE("rate limit: a second's worth at once, then as it comes", "[http][rate]") {
  RateLimit limit(10);
  const RateLimit::Time now{1h};
  for (int i = 0; i < 10; ++i) CHECK(limit.wait_s("a", now) == 0);
  CHECK(limit.wait_s("a", now) == 1);
  CHECK(limit.wait_s("b", now) == 0);  // Others have their own.
  CHECK(limit.wait_s("a", now + 99ms) == 1);
  CHECK(limit.wait_s("a", now + 101ms) == 0);
  CHECK(limit.wait_s("a", now + 102ms) == 1);
  for (int i = 0; i < 10; ++i) CHECK(limit.wait_s("a", now + 1h) == 0);  // Never more than a second's worth.
  CHECK(limit.wait_s("a", now + 1h) == 1);
  CHECK(limit.refused() == 4);
}

TEST_CASE("rate limit: none is none", "[http][rate]") {
  RateLimit limit(0);
  for (int i = 0; i < 1'000; ++i) CHECK(limit.wait_s("a", {}) == 0);
  CHECK(limit.callers() == 0);
}

TEST_CASE("rate limit: its table of callers has a bound, beyond which they share", "[http][rate]") {
  RateLimit limit(1, 3);
  const RateLimit::Time now{1h};
  for (const char* caller : {"a", "b", "c"}) CHECK(limit.wait_s(caller, now) == 0);
  CHECK(limit.wait_s("d", now) == 0);
  CHECK(limit.wait_s("e", now) == 1);  // It shares with d.
  CHECK(limit.callers() == 3);
  CHECK(limit.wait_s("d", now + 2s) == 0);  // All three were idle, and are forgotten.
  CHECK(limit.callers() == 1);
  CHECK(limit.wait_s("a", now + 2s) == 0);
  CHECK(limit.wait_s("a", now + 2s) == 1);
}

TEST_CASE("rate limit: of IPv6 a whole network is one caller", "[http][rate]") {
  CHECK(network_of("192.0.2.7") == "192.0.2.7");
  CHECK(network_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::");
  CHECK(network_of("2001:db8:1:2::9") == network_of("2001:db8:1:2:3:4:5:6"));
  CHECK(network_of("2001:db8:1:3::9") != network_of("2001:db8:1:2::9"));
  CHECK(network_of("::ffff:192.0.2.7") == "::ffff:192.0.2.7");
}

TEST_CASE("rate limit: beyond it 429 says when to come again, and nothing happens", "[http][rate]") {
  ServedShop shop({}, 1, {}, nullptr, 20);
  auto client = shop.client();
  unsigned limited = 0;
  for (int i = 0; i < 200 && limited == 0; ++i) {
    const auto answer = client.get("/v1/products");
    if (answer.status == 200) continue;
    CHECK(answer.status == 429);
    CHECK(answer.code() == "rate_limited");
    CHECK(answer.field("retry-after") == "1");
    CHECK(answer.json().at("retryable").as_bool());
    ++limited;
  }
  REQUIRE(limited == 1);
  for (int i = 0; i < 100; ++i) REQUIRE(client.get("/healthz").status == 200);  // Never a probe.
}

TEST_CASE("rate limit: keys have a rate each, whoever has none shares that of the address", "[http][rate]") {
  ServedShop shop({}, 1, {}, nullptr, 5);
  const TestKey one(Role::admin, ""), other(Role::admin, "");
  shop.served().use_keys(ring_of({one, other}));
  auto client = shop.client();
  const auto until_limited = [&](const Headers& headers) {
    for (int i = 0; i < 1'000; ++i)
      if (client.get("/v1/products", headers).status == 429) return true;
    return false;
  };
  CHECK(until_limited({}));  // With 401 before: guessing keys is slow, too.
  CHECK(client.get("/v1/products", one.header()).status == 200);
  CHECK(until_limited(one.header()));
  CHECK(client.get("/v1/products", other.header()).status == 200);
  const std::string metrics = client.get("/metrics", other.header()).body;
  CHECK(metrics.find("kontor_http_callers 3") != std::string::npos);
}

TEST_CASE("rate limit: a batch is no way around it", "[http][rate]") {
  ServedShop shop({}, 1, {}, nullptr, 10);
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "{}\n";
  const auto answer = shop.client().post("/v1/checkouts:batch", lines, "", {{"Content-Type", "application/x-ndjson"}});
  CHECK(answer.status == 200);
  std::size_t limited = 0;
  for (auto at = answer.body.find("\"rate_limited\""); at != std::string::npos;
       at = answer.body.find("\"rate_limited\"", at + 1))
    ++limited;
  CHECK(limited > 50);
  CHECK(limited < 100);
}

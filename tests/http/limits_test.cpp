// Each bound of cmd/http/limits.hpp is reached once; and what is not HTTP is refused.
#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include <sys/resource.h>

#include "cmd/kontor/serve/strict_json.hpp"
#include "tests/http/served_shop.hpp"

using namespace kontor::tests;
using namespace std::chrono_literals;

namespace {

std::string get_with(const std::string& fields) {
  return "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("limits: a header has 8 KiB and 64 fields", "[http][limits]") {
  ServedShop shop;
  auto client = shop.client();
  CHECK(client.raw(get_with("X: " + std::string(8'000, 'x') + "\r\n")).status == 200);
  const auto long_header = client.raw(get_with("X: " + std::string(8'192, 'x') + "\r\n"));
  CHECK(long_header.status == 431);
  CHECK(long_header.code() == "too_large");
  std::string fields;
  for (int i = 0; i < 63; ++i) fields += "X" + std::to_string(i) + ": y\r\n";
  CHECK(client.raw(get_with(fields)).status == 200);
  CHECK(client.raw(get_with(fields + "Last: y\r\n")).status == 431);
}

TEST_CASE("limits: a body has 1 MiB, however it comes", "[http][limits]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const std::string body = ServedShop::checkout_text();
  const std::string padded = body + std::string(1'048'576 - body.size(), ' ');
  CHECK(client.post("/v1/checkouts", padded, "fits").status == 201);
  const auto declared = client.post("/v1/checkouts", padded + " ", "too long");
  CHECK(declared.status == 413);
  const std::string head =
      "POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: c\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  CHECK(client.raw(head + "8\r\n        \r\n100000\r\n" + std::string(0x100000, ' ') + "\r\n0\r\n\r\n").status == 413);
  CHECK(shop.balance("shop") == 1299);
}

TEST_CASE("limits: a chunk's header and the trailer have 8 KiB", "[http][limits]") {
  ServedShop shop;
  const std::string head =
      "POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: c\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  for (const char* begins : {"1;", "1;x=", "0\r\nX: "}) {
    CAPTURE(begins);
    auto client = shop.client();
    client.send(head + begins + std::string(9'000, 'x'));
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(answer->status == 431);
    CHECK(answer->code() == "too_large");
  }
}

TEST_CASE("limits: a batch has any length, its lines 64 KiB", "[http][limits]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const Headers ndjson{{"Content-Type", "application/x-ndjson"}};
  const std::string line = R"({"idempotency_key":"k",)" + ServedShop::checkout_text().substr(1);
  const std::string longest = line + std::string(65'536 - line.size(), ' ') + "\n";
  CHECK(client.post("/v1/checkouts:batch", longest, "", ndjson).body.find("\"status\":201") != std::string::npos);
  const auto longer = client.post("/v1/checkouts:batch", std::string(70'000, 'x') + "\n", "", ndjson);
  CHECK((longer.status == 413 || longer.body.find("65536") != std::string::npos));
  const auto endless = client.post("/v1/checkouts:batch", std::string(300'000, 'x'), "", ndjson);
  CHECK(endless.status == 413);
  std::string many;
  while (many.size() < 3u << 20) many += "{\"idempotency_key\":\"n\"}\n";
  const auto answer = client.post("/v1/checkouts:batch", many, "", ndjson);
  CHECK(answer.status == 200);
  CHECK(std::count(answer.body.begin(), answer.body.end(), '\n') == std::count(many.begin(), many.end(), '\n'));
}

TEST_CASE("limits: a request's header, and its body, must come in time", "[http][limits]") {
  kontor::http::Limits limits;
  limits.header_deadline = 300ms;
  limits.body_deadline = 300ms;
  limits.idle_deadline = 300ms;
  ServedShop shop(limits);
  auto client = shop.client();
  SECTION("a header that stops") {
    client.send("GET /healthz HT");
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(answer->status == 408);
    CHECK(answer->code() == "deadline_exceeded");
  }
  SECTION("a header that drips") {
    const auto begun = std::chrono::steady_clock::now();
    client.send("GET /healthz HTTP/1.1\r\n");
    while (std::chrono::steady_clock::now() - begun < 450ms && client.send("X: y\r\n"))
      std::this_thread::sleep_for(20ms);
    const auto answer = client.receive();
    if (answer) CHECK(answer->status == 408);
    CHECK_FALSE(client.receive());
  }
  SECTION("a body that stops") {
    client.send(
        "POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 10\r\n\r\n{");
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(answer->status == 408);
  }
  SECTION("a connection that says nothing ends without an answer") {
    client.send("");
    CHECK_FALSE(client.receive());
  }
  SECTION("so does one that has had its answer") {
    CHECK(client.get("/healthz").status == 200);
    CHECK_FALSE(client.receive());
  }
}

TEST_CASE("limits: a body comes at a least rate, once its grace is over", "[http][limits]") {
  kontor::http::Limits limits;  // The deadline for a whole body is far longer than any client here waits.
  limits.body_rate_grace = 300ms;
  limits.body_bytes_per_second_min = 1'000;
  ServedShop shop(limits);
  shop.open_shop();
  const std::string body = ServedShop::checkout_text() + std::string(2'000, ' ');
  const std::string text = post_text("/v1/checkouts", body, "k");
  const std::size_t head = text.size() - body.size();
  auto client = shop.client();
  SECTION("one that drips is ended") {
    client.send(text.substr(0, head + 10));
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(answer->status == 408);
    CHECK(answer->code() == "deadline_exceeded");
    CHECK(shop.served().stats().bodies_late == 1);
    CHECK(shop.balance("shop") == 0);
  }
  SECTION("one that takes longer than the grace, but is fast enough, is served") {
    client.send(text.substr(0, head));
    for (std::size_t at = head; at < text.size(); at += 400) {
      std::this_thread::sleep_for(100ms);
      client.send(text.substr(at, 400));
    }
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(answer->status == 201);
    CHECK(shop.served().stats().bodies_late == 0);
  }
  CHECK(shop.served().stats().body_bytes == 0);
}

TEST_CASE("limits: a batch may pause between two lines, not within one", "[http][limits]") {
  kontor::http::Limits limits;
  limits.body_rate_grace = 200ms;
  ServedShop shop(limits);
  const std::string line = "{\"idempotency_key\":\"k\"}\n";
  const std::string text =
      post_text("/v1/checkouts:batch", line + line, "", {{"Content-Type", "application/x-ndjson"}});
  auto client = shop.client();
  client.send(text.substr(0, text.size() - line.size()));
  std::this_thread::sleep_for(600ms);
  SECTION("between") {
    client.send(line);
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(std::count(answer->body.begin(), answer->body.end(), '\n') == 2);
    CHECK(shop.served().stats().bodies_late == 0);
  }
  SECTION("within") {
    client.send(line.substr(0, 5));
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(answer->body.find("did not arrive in time") != std::string::npos);
    CHECK(answer->body.find(R"("status":408,"problem":{"type":"urn:kontor:problem:deadline_exceeded")") !=
          std::string::npos);
    CHECK(shop.served().stats().bodies_late == 1);
  }
}

TEST_CASE("limits: a batch that pauses does not hold up the server's end", "[http][limits]") {
  ServedShop shop;
  shop.open_shop();
  const std::string line = R"({"idempotency_key":"k",)" + ServedShop::checkout_text().substr(1) + "\n";
  const std::string text =
      post_text("/v1/checkouts:batch", line + line, "", {{"Content-Type", "application/x-ndjson"}});
  auto client = shop.client();
  const auto committed = shop.engine().counters().committed;
  client.send(text.substr(0, text.size() - line.size()));
  while (shop.engine().counters().committed == committed) std::this_thread::sleep_for(1ms);
  CHECK(shop.served().stop(std::chrono::seconds(100)));  // A hang of the test, were it waited for.
  const auto answer = client.receive();
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(std::count(answer->body.begin(), answer->body.end(), '\n') == 1);
}

TEST_CASE("limits: all bodies together have a bound", "[http][limits]") {
  kontor::http::Limits limits;
  limits.bodies_bytes_max = 100'000;
  ServedShop shop(limits);
  shop.open_shop();
  const std::string body = ServedShop::checkout_text() + std::string(60'000, ' ');
  const std::string text = post_text("/v1/checkouts", body, "k");
  auto first = shop.client(), second = shop.client();
  first.send(text.substr(0, text.size() - 1));
  while (shop.served().stats().body_bytes < body.size() - 1) std::this_thread::sleep_for(1ms);
  second.send(post_text("/v1/checkouts", body, "other"));
  const auto refused = second.receive();
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(refused->code() == "overloaded");
  CHECK(refused->field("retry-after") == "1");
  CHECK(shop.served().stats().bodies_refused == 1);
  CHECK(shop.client().get("/metrics").body.find("kontor_http_bodies_refused_total 1") != std::string::npos);
  first.send(text.substr(text.size() - 1));
  const auto served = first.receive();
  REQUIRE(served);
  CHECK(served->status == 201);
  CHECK(shop.client().post("/v1/checkouts", body, "other").status == 201);  // There is room again.
  const Headers ndjson{{"Content-Type", "application/x-ndjson"}};
  const std::string line = R"({"idempotency_key":"k",)" + ServedShop::checkout_text().substr(1) + "\n";
  std::string many;
  while (many.size() < 300'000) many += line;  // A batch holds a block at a time, not the whole.
  CHECK(shop.client().post("/v1/checkouts:batch", many.substr(0, 50'000), "", ndjson).status == 200);
  while (shop.served().stats().open > 1) std::this_thread::sleep_for(1ms);
  CHECK(shop.served().stats().body_bytes == 0);
}

TEST_CASE("limits: 1,000 clients that drip keep nobody else waiting", "[http][limits]") {
  constexpr rlim_t kNeeded = 4'096;  // Both ends are in this process.
  rlimit descriptors{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &descriptors) == 0);
  if (descriptors.rlim_max < kNeeded) {
    WARN("not run: too few descriptors are allowed here");
    return;
  }
  descriptors.rlim_cur = std::max(descriptors.rlim_cur, kNeeded);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &descriptors) == 0);
  ServedShop shop;
  shop.open_shop();
  std::vector<Client> slow;
  for (int i = 0; i < 1'000; ++i) REQUIRE(slow.emplace_back(shop.port()).send("POST /v1/check"));
  auto client = shop.client();
  for (int i = 0; i < 50; ++i) {
    for (std::size_t k = 0; k < slow.size(); k += 50) slow[k].send("o");
    REQUIRE(client.post("/v1/checkouts", ServedShop::checkout_text(), "key-" + std::to_string(i)).status == 201);
  }
  CHECK(shop.balance("shop") == 50 * 1299);
  CHECK(shop.served().stats().open >= 1'000);  // They were there all the time.
}

TEST_CASE("limits: connections are counted, in all and by address", "[http][limits]") {
  kontor::http::Limits limits;
  (GENERATE(true, false) ? limits.connections_max : limits.address_connections_max) = 3;
  ServedShop shop(limits);
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(shop.client());
    CHECK(clients.back().get("/healthz").status == 200);
  }
  auto one_more = shop.client();
  one_more.send("");
  const auto answer = one_more.receive();
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(answer->field("retry-after") == "1");
  clients.pop_back();
  std::this_thread::sleep_for(200ms);
  CHECK(shop.client().get("/healthz").status == 200);
  CHECK(shop.served().stats().refused == 1);
}

TEST_CASE("limits: JSON is at most 16 deep and 32 wide", "[http][limits]") {
  using kontor::cmd::serve::parse_strict;
  using kontor::cmd::serve::Problem;
  const auto fits = [](const std::string& text) { return parse_strict(text).index() == 0; };
  CHECK(fits(std::string(16, '[') + std::string(16, ']')));
  CHECK_FALSE(fits(std::string(17, '[') + std::string(17, ']')));
  const auto object = [](int members) {
    std::string text = "{";
    for (int i = 0; i < members; ++i) text += (i ? ",\"" : "\"") + std::to_string(i) + "\":0";
    return text + "}";
  };
  CHECK(fits(object(32)));
  CHECK_FALSE(fits(object(33)));
  std::string array = "[0";
  for (int i = 1; i < 4096; ++i) array += ",0";
  CHECK(fits(array + "]"));
  CHECK_FALSE(fits(array + ",0]"));
}

TEST_CASE("limits: what is not HTTP/1.1 is refused, and the connection ends", "[http][limits]") {
  ServedShop shop;
  shop.open_shop();
  const auto [text, status] = GENERATE(table<std::string, unsigned>({
      {"nonsense\r\n\r\n", 400},
      {"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n", 505},
      {"GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n", 505},
      {"GET /healthz HTTP/1.1\nHost: localhost\n\n", 505},
      {"GET /healthz HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n", 400},
      {"GET /healthz HTTP/1.1\r\n\r\n", 400},
      {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400},
      {"GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nA b: c\r\n\r\n", 400},
      {"POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400},
      {"POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400},
      {"POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nContent-Length: -2\r\n\r\n{}", 400},
      {"POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2\r\n{}\r\n0\r\n\r\n",
       400},
      {"POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n"
       "2\r\n{}\r\n0\r\n\r\n",
       400},
      {"POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n{}", 501},
      {"POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
       "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
       400},
      {"POST /v1/checkouts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
       "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
       400},
  }));
  CAPTURE(text);
  auto client = shop.client();
  const auto answer = client.raw(text);
  CHECK(answer.status == status);
  CHECK(answer.field("connection") == "close");
  CHECK(answer.json().as_object().contains("code"));
  CHECK(shop.client().get("/healthz").status == 200);
}

TEST_CASE("limits: requests that follow each other in one packet are answered in order", "[http][limits]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  client.send(post_text("/v1/checkouts", ServedShop::checkout_text(), "p") + get_with("") + get_with("") +
              post_text("/v1/checkouts", ServedShop::checkout_text(), "p"));
  const std::array statuses{201U, 200U, 200U, 201U};
  for (const unsigned status : statuses) {
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(answer->status == status);
  }
}

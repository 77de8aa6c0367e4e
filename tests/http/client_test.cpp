// The client's parts: URLs, amounts and lines as people write them, and what it does about answers that do not come.
#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

#include "cmd/kontor/client/caller.hpp"
#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/client/view.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "tests/http/tls_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace kontor;
using namespace kontor::cmd;
using namespace kontor::cmd::client;
using kontor::tests::TlsServer;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// A server that says what it is told to: one answer for each request, each on a connection of its own; an empty one
/// means that the connection ends instead.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> answers)
      : acceptor_(context_, {asio::ip::make_address("127.0.0.1"), 0}), answers_(std::move(answers)) {
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedServer() { thread_.join(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  /// The header of each request. To be read when all answers are given.
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  void run() {
    for (const std::string& answer : answers_) {
      asio::ip::tcp::socket socket(context_);
      acceptor_.accept(socket);
      std::string request;
      const std::size_t size = asio::read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n");
      requests_.push_back(request.substr(0, size));
      if (!answer.empty()) asio::write(socket, asio::buffer(answer));
    }
  }

  asio::io_context context_;
  asio::ip::tcp::acceptor acceptor_;
  std::vector<std::string> answers_, requests_;
  std::thread thread_;
};

std::string answer_text(const std::string& status, const std::string& body, const std::string& more = {}) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + more + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

const std::string kDone = answer_text("201 Created", R"({"object":"transaction","outcome":"committed"})");
const std::string kBusy =
    answer_text("503 Service Unavailable", R"({"code":"overloaded","retryable":true})", "Retry-After: 0\r\n");
const std::string kInProgress =
    answer_text("409 Conflict", R"({"code":"request_in_progress","retryable":true})", "Retry-After: 0\r\n");
const std::string kRefused = answer_text("409 Conflict", R"({"code":"out_of_stock","retryable":false})");

CallOptions options_for(const std::string& url, unsigned retries = 4) {
  CallOptions options;
  options.url = url;
  options.timeout_s = 20;
  options.retries = retries;
  return options;
}

Caller caller_for(const CallOptions& options) {
  std::string why;
  auto caller = Caller::make(options, why);
  INFO(why);
  REQUIRE(caller);
  return std::move(*caller);
}

std::string key_in(const std::string& request) {
  const auto at = request.find("Idempotency-Key: ");
  return at == std::string::npos ? std::string() : request.substr(at, request.find('\r', at) - at);
}

}  // namespace

TEST_CASE("client: a URL is a scheme, a host and a port", "[http][client]") {
  CHECK(parse_url("http://127.0.0.1:8080")->authority() == "127.0.0.1:8080");
  CHECK(parse_url("http://[::1]:81/")->authority() == "[::1]:81");
  CHECK(parse_url("http://localhost")->port == "80");
  CHECK(parse_url("https://shop.example/")->authority() == "shop.example");
  CHECK(parse_url("https://shop.example")->port == "443");
  CHECK(parse_url("http://[::1]")->is_loopback());
  CHECK(parse_url("http://127.1.2.3:80")->is_loopback());
  for (const char* text : {"http://192.0.2.1", "http://127.shop.example", "http://127.0.0.1.shop.example"})
    CHECK_FALSE(parse_url(text)->is_loopback());
  for (const char* text : {"", "127.0.0.1:8080", "ftp://x", "http://", "http://x/y", "http://u@x", "http://x:0",
                           "http://x:65536", "http://x:", "http://[::1", "http://x y", "http://x\r\nA:b"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_url(text));
  }
}

TEST_CASE("client: lines are read as they are written", "[http][client]") {
  const Currency gbp = *parse_currency("GBP");
  CHECK(json::serialize(*checkout_line("mug=2", gbp)) == R"({"sku":"mug","quantity":2})");
  CHECK(json::serialize(*checkout_line("a=b=1@7.5", gbp)) ==
        R"({"sku":"a=b","quantity":1,"unit_price":{"amount":750,"currency":"GBP"}})");
  CHECK(json::serialize(*order_line("3=12")) == R"({"line":3,"quantity":12})");
  for (const char* text : {"", "mug", "mug=", "=2", "mug=0", "mug=-1", "mug=x", "mug=2@", "mug=2@x", "mug=2@1.234"}) {
    CAPTURE(text);
    CHECK_FALSE(checkout_line(text, gbp));
  }
  for (const char* text : {"", "0", "0=", "=1", "0=0", "-1=1", "x=1"}) CHECK_FALSE(order_line(text));
}

TEST_CASE("client: people see money as they write it, and nothing steers their terminal", "[http][client]") {
  CHECK(value_text(json::parse(R"({"amount":-1299,"currency":"GBP"})")) == "-12.99 GBP");
  CHECK(value_text(json::parse(R"(["shop","bank"])")) == "shop, bank");
  CHECK(value_text(json::value("a\x1b[2Jb")) == "a?[2Jb");
  const auto object = json::parse(R"({"object":"order","id":"ord_1","lines":[{"line":0,"sku":"mug"}]})").as_object();
  const std::string text = object_text(object, false);
  CHECK(text == "id  ord_1\n\nline  sku\n   0  mug\n");
}

TEST_CASE("client: a POST is sent again with its key until it is answered", "[http][client]") {
  ScriptedServer server({"", kBusy, kInProgress, kDone});
  const Reply reply = caller_for(options_for(server.url())).post("/v1/checkouts", {});
  CHECK(reply.exit_code == kExitOk);
  CHECK(reply.status == 201);
  REQUIRE(server.requests().size() == 4);
  CHECK(reply.idempotency_key.size() == 32);
  for (const std::string& request : server.requests())
    CHECK(key_in(request) == "Idempotency-Key: " + reply.idempotency_key);
}

TEST_CASE("client: what asking again does not change is asked once", "[http][client]") {
  ScriptedServer server({kRefused});
  const Reply reply = caller_for(options_for(server.url())).post("/v1/checkouts", {});
  CHECK(reply.exit_code == kExitCheckFailed);
  CHECK(reply.status == 409);
}

TEST_CASE("client: asking again has an end", "[http][client]") {
  {
    ScriptedServer server({kBusy, kBusy, kBusy});
    CHECK(caller_for(options_for(server.url(), 2)).get("/v1/products/mug").exit_code == kExitCheckFailed);
  }
  ScriptedServer server({"", ""});
  const Reply reply = caller_for(options_for(server.url(), 1)).post("/v1/checkouts", {});
  CHECK(reply.exit_code == kExitJournal);  // It may have had its effect.
  CHECK(reply.status == 0);
}

TEST_CASE("client: a refusal for now says nothing of what was sent before it", "[http][client]") {
  const std::string unknown =
      answer_text("202 Accepted", R"({"code":"outcome_unknown","retryable":true})", "Retry-After: 0\r\n");
  for (const auto& answers : {std::vector{std::string(), kBusy}, {unknown, kBusy}, {kBusy, kInProgress}}) {
    ScriptedServer server(answers);
    const Reply reply = caller_for(options_for(server.url(), 1)).post("/v1/checkouts", {});
    CHECK(reply.exit_code == kExitJournal);
    CHECK_FALSE(reply.idempotency_key.empty());
  }
  ScriptedServer server({"", kRefused});
  CHECK(caller_for(options_for(server.url(), 1)).post("/v1/checkouts", {}).exit_code == kExitCheckFailed);
}

TEST_CASE("client: without a server nothing was asked", "[http][client]") {
  std::string url;
  {
    ScriptedServer gone({});
    url = gone.url();
  }
  CHECK(caller_for(options_for(url)).get("/healthz").exit_code == kExitUnavailable);
}

TEST_CASE("client: an API key comes from a file, and goes to this machine or over https", "[http][client]") {
  const kontor::testing::TempDir dir;
  const std::string file = (dir.path() / "key").string();
  std::ofstream(file) << "secret\n";
  ScriptedServer server({kDone});
  CallOptions options = options_for(server.url());
  options.key_file = file;
  caller_for(options).get("/v1/products/mug");
  CHECK(server.requests().at(0).find("Authorization: Bearer secret\r\n") != std::string::npos);

  std::string why;
  options.url = "http://192.0.2.1";
  CHECK_FALSE(Caller::make(options, why));
  std::ofstream(file) << "two words";
  options.url = "http://127.0.0.1";
  CHECK_FALSE(Caller::make(options, why = {}));
  options.key_file += "-missing";
  CHECK_FALSE(Caller::make(options, why = {}));
}

TEST_CASE("client: https is spoken with the server that its certificate names, and whom we trust", "[http][client]") {
  const kontor::testing::TempDir dir;
  const std::string certificate = (dir.path() / "certificate").string();
  TlsServer server(certificate, 3);
  CallOptions options = options_for("https://localhost:" + server.port());
  const Reply stranger = caller_for(options).get("/healthz");  // The system trusts others.
  CHECK(stranger.exit_code == kExitUnavailable);
  CHECK(stranger.why.find("certificate") != std::string::npos);

  options.ca_file = certificate;
  CHECK(caller_for(options).get("/healthz").status == 200);

  options.url = "https://127.0.0.2:" + server.port();  // Not what the certificate says.
  CHECK(caller_for(options).get("/healthz").exit_code == kExitUnavailable);
  CHECK(server.requests() == 1);

  options.ca_file = certificate + "-missing";
  const Reply reply = caller_for(options).get("/healthz");
  CHECK(reply.exit_code == kExitUnavailable);
  CHECK(reply.why.find("whom to trust") != std::string::npos);
}

// TLS under the HTTP layer alone: who is let in, and that nobody holds it up.
#include "cmd/http/tls.hpp"

#include <chrono>
#include <thread>

#include <openssl/ssl.h>

#include "cmd/http/server.hpp"
#include "tests/http/client.hpp"
#include "tests/http/echo.hpp"
#include "tests/http/test_certificate.hpp"
#include "tests/http/tls_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace kontor::http;
using namespace kontor::tests;
using namespace std::chrono_literals;

namespace {

struct Files {
  explicit Files(const TestCertificate& pair = make_certificate()) : made(pair) {
    write_file(certificate, made.certificate);
    write_file(key, made.key);
  }
  TlsContext load() { return load_tls(certificate, key, fault); }

  kontor::testing::TempDir dir;
  std::filesystem::path certificate = dir.path() / "chain.pem", key = dir.path() / "key.pem";
  TestCertificate made;
  TlsFault fault;
};

struct Served {
  explicit Served(const Limits& limits = {}) {
    ServerOptions options;
    options.listen = {"127.0.0.1", 0};
    options.lanes = 2;
    options.limits = limits;
    options.tls = files.load();
    REQUIRE(options.tls);
    server = std::make_unique<Server>(options, stats, [](const Post&) { return std::make_unique<Echo>(); });
  }
  std::uint16_t port() const { return server->endpoint().port; }
  TlsClient client(int version_max = 0) const { return TlsClient(port(), files.made.certificate, version_max); }
  bool empties() const {
    for (int i = 0; i < 500 && stats.open != 0; ++i) std::this_thread::sleep_for(10ms);
    return stats.open == 0;
  }

  Files files;
  Stats stats;
  std::unique_ptr<Server> server;
};

std::string body_of(const std::optional<std::string>& answer) {
  REQUIRE(answer);
  return answer->substr(answer->find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("tls: a client that trusts the certificate is served, in 1.2 and 1.3", "[http][tls]") {
  const auto [version_max, version] = GENERATE(table<int, std::string>({{0, "TLSv1.3"}, {TLS1_2_VERSION, "TLSv1.2"}}));
  Served served;
  auto client = served.client(version_max);
  REQUIRE(client.connected());
  CHECK(client.version() == version);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(client.send(post_text("/", "hello " + std::to_string(i), "")));
    CHECK(body_of(client.receive()) == "hello " + std::to_string(i));
  }
}

TEST_CASE("tls: bodies of many records, and requests in one packet, come through", "[http][tls]") {
  Served served;
  auto client = served.client();
  std::string body(1'048'576, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1'000) body[i] = static_cast<char>('a' + i % 26);
  REQUIRE(client.send(post_text("/", body, "")));
  CHECK(body_of(client.receive()) == body);
  REQUIRE(client.send(post_text("/", "one", "") + post_text("/", "two", "")));
  CHECK(body_of(client.receive()) == "one");
  CHECK(body_of(client.receive()) == "two");
  REQUIRE(client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
  CHECK(client.receive() == "HTTP/1.1 100 Continue\r\n\r\n");
  REQUIRE(client.send("two"));
  CHECK(body_of(client.receive()) == "two");
}

TEST_CASE("tls: the last answer is followed by an end in good order", "[http][tls]") {
  Served served;
  SECTION("asked for") {
    auto client = served.client();
    REQUIRE(client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    CHECK(client.receive());
    CHECK(client.ends_in_order());
  }
  SECTION("of what is refused, while the client still sends") {
    auto client = served.client();
    REQUIRE(client.send(post_text("/", std::string(3u << 20, 'x'), "").substr(0, 2u << 20)));
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(answer->starts_with("HTTP/1.1 413"));
    CHECK(client.ends_in_order());
  }
  CHECK(served.empties());
}

TEST_CASE("tls: who does not trust the certificate, or is too old, is not served", "[http][tls]") {
  Served served;
  CHECK_FALSE(TlsClient(served.port(), make_certificate().certificate).connected());
  CHECK_FALSE(served.client(TLS1_1_VERSION).connected());
  CHECK_FALSE(served.client(TLS1_VERSION).connected());
  CHECK(served.empties());
  CHECK(served.client().connected());
}

TEST_CASE("tls: who speaks in the clear is closed without a word of HTTP", "[http][tls]") {
  Served served;
  for (const std::string text : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n", "\x16\x03\x01\xff\xff"}) {
    Client client(served.port());
    client.send(text + std::string(70'000, '\0'));
    CHECK_FALSE(client.receive());
  }
  CHECK(served.empties());
  CHECK(served.stats.responses[400 - Stats::kStatusFirst] == 0);
  CHECK(served.client().connected());
}

TEST_CASE("tls: a handshake that stalls ends at the header's deadline", "[http][tls]") {
  Limits limits;
  limits.header_deadline = 300ms;
  Served served(limits);
  const auto begun = std::chrono::steady_clock::now();
  Client silent(served.port()), stalled(served.port());
  silent.send("");
  stalled.send(std::string("\x16\x03\x01\x00\x80\x01", 6));
  CHECK_FALSE(silent.receive());
  CHECK_FALSE(stalled.receive());
  CHECK(served.empties());
  const auto took = std::chrono::steady_clock::now() - begun;
  CHECK(took >= 300ms);
  CHECK(took < 5s);
}

TEST_CASE("tls: a drain ends handshakes and what is idle", "[http][tls]") {
  Served served;
  Client silent(served.port());
  silent.send("");
  auto idle = served.client();
  REQUIRE(idle.connected());
  CHECK(served.server->drain(5s));
}

TEST_CASE("tls: connections that come later begin with the new certificate, others keep theirs", "[http][tls]") {
  Served served;
  auto old = served.client();
  REQUIRE(old.connected());
  Files next;
  served.server->use_tls(next.load());
  for (int i = 0; i < 500 && !TlsClient(served.port(), next.made.certificate).connected(); ++i)
    std::this_thread::sleep_for(10ms);
  CHECK(TlsClient(served.port(), next.made.certificate).connected());
  CHECK_FALSE(served.client().connected());
  REQUIRE(old.send(post_text("/", "still", "")));
  CHECK(body_of(old.receive()) == "still");
}

TEST_CASE("tls: files that do not serve are told apart and named", "[http][tls]") {
  Files files;
  SECTION("a pair that fits") { CHECK(files.load()); }
  SECTION("of two pairs") {
    write_file(files.key, make_certificate().key);
    CHECK_FALSE(files.load());
    CHECK_FALSE(files.fault.unreadable);
    CHECK(files.fault.explanation.find("key.pem") != std::string::npos);
  }
  SECTION("exchanged") {
    std::swap(files.certificate, files.key);
    CHECK_FALSE(files.load());
    CHECK_FALSE(files.fault.unreadable);
  }
  SECTION("no PEM") {
    write_file(GENERATE(true, false) ? files.key : files.certificate, "nonsense");
    CHECK_FALSE(files.load());
    CHECK_FALSE(files.fault.unreadable);
  }
  SECTION("too long") {
    write_file(files.certificate, files.made.certificate + std::string(kPemBytesMax, '\n'));
    CHECK_FALSE(files.load());
    CHECK_FALSE(files.fault.unreadable);
  }
  SECTION("not there, or a directory") {
    auto& path = GENERATE(true, false) ? files.key : files.certificate;
    std::filesystem::remove(path);
    if (GENERATE(true, false)) std::filesystem::create_directory(path);
    CHECK_FALSE(files.load());
    CHECK(files.fault.unreadable);
    CHECK(files.fault.explanation.find(path.string()) != std::string::npos);
  }
}

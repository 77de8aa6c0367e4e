// `kontor serve --tls-cert --tls-key` as a program.
#include <csignal>
#include <thread>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/http/running.hpp"
#include "tests/http/test_certificate.hpp"
#include "tests/http/tls_client.hpp"

using namespace kontor::cmd;
using namespace kontor::tests;
using namespace std::chrono_literals;

namespace {

struct Shop {
  kontor::testing::TempDir temp;
  std::filesystem::path dir = temp.path() / "shop", certificate = temp.path() / "chain.pem",
                        key = temp.path() / "key.pem";

  std::string renew() const {
    const auto made = make_certificate();
    write_file(certificate, made.certificate);
    write_file(key, made.key);
    return made.certificate;
  }
  std::vector<std::string> options() const { return {"--tls-cert", certificate.string(), "--tls-key", key.string()}; }
  int serve(std::vector<std::string> more) const {
    more.insert(more.begin(), {"serve", "--data", dir.string(), "--listen", "127.0.0.1:0"});
    return run_kontor(more).exit_code;
  }
};

bool comes_to_trust(std::uint16_t port, const std::string& certificate) {
  for (int i = 0; i < 500; ++i) {
    if (TlsClient(port, certificate).connected()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

}  // namespace

TEST_CASE("serve: files for TLS that are no pair, or not there, are said at once", "[http][program]") {
  const Shop shop;
  shop.renew();
  CHECK(shop.serve({"--tls-cert", shop.certificate.string()}) == kExitUsage);
  CHECK(shop.serve({"--tls-key", shop.key.string()}) == kExitUsage);
  CHECK(shop.serve({"--tls-cert", shop.certificate.string(), "--tls-key", "/nowhere"}) == kExitJournal);
  CHECK(shop.serve({"--tls-cert", "/nowhere", "--tls-key", shop.key.string()}) == kExitJournal);
  write_file(shop.key, make_certificate().key);
  CHECK(shop.serve(shop.options()) == kExitUsage);
  CHECK_FALSE(std::filesystem::exists(shop.dir));
}

TEST_CASE("serve: TLS with keys beyond loopback; SIGHUP reads the certificate again", "[http][program]") {
  const Shop shop;
  const std::string first = shop.renew();
  const auto made = run_kontor({"keys", "create", "--role", "admin", "--data", shop.dir.string()});
  REQUIRE(made.lines.size() == 1);
  auto running = start(shop.dir, shop.options(), "0.0.0.0", "https");
  TlsClient client(running.port, first);
  REQUIRE(client.connected());
  const std::string get = "GET /metrics HTTP/1.1\r\nHost: shop.example\r\n";
  REQUIRE(client.send(get + "\r\n"));
  CHECK(client.receive().value_or("").starts_with("HTTP/1.1 401"));
  REQUIRE(client.send(get + "Authorization: Bearer " + made.lines.front() + "\r\n\r\n"));
  CHECK(client.receive().value_or("").starts_with("HTTP/1.1 200"));

  write_file(shop.key, "broken");
  running.child.signal(SIGHUP);
  std::this_thread::sleep_for(100ms);
  CHECK(TlsClient(running.port, first).connected());
  const std::string second = shop.renew();
  running.child.signal(SIGHUP);
  CHECK(comes_to_trust(running.port, second));
  CHECK_FALSE(TlsClient(running.port, first).connected());
  running.child.signal(SIGTERM);
  CHECK(running.child.wait() == kExitOk);
}

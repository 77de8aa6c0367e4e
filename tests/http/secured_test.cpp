// The commands and `kontor load --url` against a server with API keys, and over TLS.
#include "cmd/kontor/exit_codes.hpp"
#include "tests/http/running.hpp"
#include "tests/http/test_certificate.hpp"

using namespace kontor::cmd;
using namespace kontor::tests;

namespace {

struct Shop {
  kontor::testing::TempDir temp;
  std::filesystem::path dir = temp.path() / "shop";
  std::string key_file = (temp.path() / "key").string();

  Shop() {
    const Ended made = run_kontor({"keys", "create", "--role", "admin", "--data", dir.string()});
    REQUIRE(made.lines.size() == 1);
    write_file(key_file, made.lines.front() + "\n");
  }
};

}  // namespace

TEST_CASE("commands: with an API key, over TLS", "[http][program]") {
  const Shop shop;
  const std::string certificate = (shop.temp.path() / "chain.pem").string();
  const std::string tls_key = (shop.temp.path() / "key.pem").string();
  const auto made = make_certificate();
  write_file(certificate, made.certificate);
  write_file(tls_key, made.key);
  const auto server = start(shop.dir, {"--tls-cert", certificate, "--tls-key", tls_key}, "127.0.0.1", "https");
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port);
  const std::vector<std::string> create{"product", "create", "mug", "12.99GBP", "--json", "--url", url};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), create.begin(), create.end());
    return run_kontor(more);
  };
  CHECK(with({"--key-file", shop.key_file}).exit_code == kExitUnavailable);  // Who is there?
  const Ended nobody = with({"--ca-file", certificate});
  CHECK(nobody.exit_code == kExitCheckFailed);
  CHECK(nobody.json().at("status") == 401);
  const Ended done = with({"--ca-file", certificate, "--key-file", shop.key_file});
  CHECK(done.exit_code == kExitOk);
  CHECK(done.json().at("outcome") == "committed");
}

TEST_CASE("load over HTTP: with an API key", "[http][program]") {
  const Shop shop;
  const auto server = start(shop.dir);
  std::vector<std::string> load{"load",
                                "--url",
                                "http://127.0.0.1:" + std::to_string(server.port),
                                "--customers",
                                "100",
                                "--skus",
                                "10",
                                "--count",
                                "200",
                                "--connections",
                                "8",
                                "--json"};
  CHECK(run_kontor(load).exit_code == kExitCheckFailed);
  load.insert(load.end(), {"--key-file", shop.key_file});
  const Ended done = run_kontor(load);
  CHECK(done.exit_code == kExitOk);
  CHECK(done.json().at("committed") == 200);
}

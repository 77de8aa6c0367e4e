// `kontor keys` and `kontor serve` together, as an operator uses them.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <sys/stat.h>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/http/client.hpp"
#include "tests/http/running.hpp"

using namespace kontor::cmd;
using namespace kontor::tests;
using namespace std::chrono_literals;

namespace {

struct Shop {
  kontor::testing::TempDir temp;
  std::filesystem::path dir = temp.path() / "shop", file = dir / "keys.json";

  Ended keys(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "keys");
    arguments.insert(arguments.end(), {"--data", dir.string()});
    return run_kontor(arguments);
  }
  std::string create(const std::string& role, const std::string& account = {}) const {
    std::vector<std::string> arguments{"create", "--role", role, "--name", "for a test"};
    if (!account.empty()) arguments.insert(arguments.end(), {"--account", account});
    const auto ended = keys(arguments);
    REQUIRE(ended.exit_code == kExitOk);
    REQUIRE(ended.lines.size() == 1);
    return ended.lines.front();
  }
  std::string text() const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

unsigned status(std::uint16_t port, const std::string& token) {
  Headers headers;
  if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
  return Client(port).get("/v1/accounts/alice", headers).status;
}

/// The server takes a signal in its own time.
bool comes_to(unsigned wanted, std::uint16_t port, const std::string& token) {
  for (int i = 0; i < 500; ++i) {
    if (status(port, token) == wanted) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

std::string id_of(const std::string& token) { return token.substr(7, 12); }

}  // namespace

TEST_CASE("keys: they are made, listed without secrets, and revoked", "[http][program]") {
  const Shop shop;
  CHECK(shop.keys({"list", "--json"}).json().at("keys").as_array().empty());
  const std::string admin = shop.create("admin"), alice = shop.create("customer", "alice");
  CHECK(admin.size() == 63);
  CHECK(admin.starts_with("kontor_"));
  for (const std::string& token : {admin, alice}) {
    const std::string secret = token.substr(20);
    CHECK(shop.text().find(secret) == std::string::npos);
    CHECK(shop.text().find(id_of(token)) != std::string::npos);
  }
  const auto listed = shop.keys({"list", "--json"});
  const auto keys = listed.json().at("keys").as_array();
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].at("role").as_string() == "admin");
  CHECK(keys[0].at("account").is_null());
  CHECK(keys[0].at("name").as_string() == "for a test");
  CHECK(keys[1].at("account").as_string() == "alice");
  CHECK(keys[1].at("created").as_string().ends_with("Z"));
  CHECK(keys[1].as_object().size() == 5);
  CHECK(shop.keys({"list"}).lines.size() == 3);

  CHECK(shop.keys({"revoke", id_of(alice)}).exit_code == kExitOk);
  CHECK(shop.keys({"revoke", id_of(alice)}).exit_code == kExitBadData);
  CHECK(shop.keys({"revoke", alice}).exit_code == kExitUsage);
  CHECK(shop.keys({"list"}).lines.size() == 2);
}

TEST_CASE("keys: what makes no key is refused", "[http][program]") {
  const Shop shop;
  CHECK(shop.keys({"create"}).exit_code == kExitUsage);
  CHECK(shop.keys({"create", "--role", "root"}).exit_code == kExitUsage);
  CHECK(shop.keys({"create", "--role", "admin", "--account", "alice"}).exit_code == kExitUsage);
  CHECK(shop.keys({"create", "--role", "customer"}).exit_code == kExitUsage);
  CHECK(shop.keys({"create", "--role", "merchant", "--account", std::string(40, 'x')}).exit_code == kExitUsage);
  CHECK(shop.keys({"create", "--role", "admin", "--name", std::string(101, 'x')}).exit_code == kExitUsage);
  CHECK(shop.keys({"create", "--role", "admin", "--name", "a\nb"}).exit_code == kExitUsage);
  CHECK(shop.keys({"revoke", "0123456789ab"}).exit_code == kExitBadData);
  CHECK_FALSE(std::filesystem::exists(shop.file));
  shop.create("admin");
  ::chmod(shop.file.c_str(), 0644);
  CHECK(shop.keys({"list"}).exit_code == kExitBadData);
  CHECK(run_kontor({"serve", "--data", shop.dir.string(), "--listen", "0"}).exit_code == kExitBadData);
}

TEST_CASE("keys: SIGHUP takes them in; what cannot be read changes nothing", "[http][program]") {
  const Shop shop;
  auto running = start(shop.dir);
  CHECK(status(running.port, {}) == 404);  // No keys: everybody is let in, but there is no alice.
  running.child.signal(SIGHUP);
  const std::string first = shop.create("admin");
  CHECK(status(running.port, {}) == 404);
  running.child.signal(SIGHUP);
  CHECK(comes_to(401, running.port, {}));
  CHECK(status(running.port, first) == 404);

  const std::string second = shop.create("customer", "alice");
  CHECK(status(running.port, second) == 401);
  running.child.signal(SIGHUP);
  CHECK(comes_to(404, running.port, second));
  CHECK(shop.keys({"revoke", id_of(first)}).exit_code == kExitOk);
  running.child.signal(SIGHUP);
  CHECK(comes_to(401, running.port, first));

  ::chmod(shop.file.c_str(), 0644);
  running.child.signal(SIGHUP);
  std::filesystem::remove(shop.file);
  running.child.signal(SIGHUP);
  std::this_thread::sleep_for(200ms);
  CHECK(status(running.port, {}) == 401);
  CHECK(status(running.port, second) == 404);

  const std::string third = shop.create("admin");
  CHECK(shop.keys({"revoke", id_of(third)}).exit_code == kExitOk);
  running.child.signal(SIGHUP);  // A file without keys lets nobody in.
  CHECK(comes_to(401, running.port, second));
  CHECK(status(running.port, {}) == 401);
  running.child.signal(SIGTERM);
  CHECK(running.child.wait() == kExitOk);
}

TEST_CASE("keys: beyond loopback there must be one, and somebody who hides it", "[http][program]") {
  const Shop shop;
  const std::string data = shop.dir.string();
  const auto serve = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"serve", "--data", data, "--listen", "0.0.0.0:0"});
    return run_kontor(more).exit_code;
  };
  CHECK(serve({}) == kExitUsage);
  CHECK(serve({"--behind-proxy"}) == kExitUsage);
  CHECK(serve({"--keys", data + "/nowhere.json"}) == kExitBadData);
  const std::string admin = shop.create("admin");
  CHECK(serve({}) == kExitUsage);
  auto running = start(shop.dir, {"--behind-proxy"}, "0.0.0.0");
  CHECK(status(running.port, admin) == 404);
  CHECK(status(running.port, {}) == 401);
  CHECK(Client(running.port).get("/healthz").status == 200);
  running.child.signal(SIGTERM);
  CHECK(running.child.wait() == kExitOk);
  CHECK(shop.keys({"revoke", id_of(admin)}).exit_code == kExitOk);
  CHECK(serve({"--behind-proxy"}) == kExitUsage);
}

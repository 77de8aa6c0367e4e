// The log of `kontor serve` as an operator keeps it: lines that parse, no secrets, rotation.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/http/client.hpp"
#include "tests/http/running.hpp"

using namespace kontor::cmd;
using namespace kontor::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// All lines; each must parse.
std::vector<json::object> lines_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<json::object> lines;
  for (std::string line; std::getline(in, line);) {
    INFO(line);
    boost::system::error_code failure;
    const auto parsed = json::parse(line, failure);
    REQUIRE_FALSE(failure);
    lines.push_back(parsed.as_object());
    CHECK(lines.back().at("time").as_string().ends_with("Z"));
    CHECK(lines.back().contains("level"));
  }
  return lines;
}

const json::object* line_with(const std::vector<json::object>& lines, const char* member, const std::string& value) {
  for (const json::object& line : lines)
    if (const auto* found = line.if_contains(member); found && found->is_string() && found->as_string() == value)
      return &line;
  return nullptr;
}

/// What is logged is written in its own time.
bool comes_to_hold(const fs::path& file, const std::string& text) {
  for (int i = 0; i < 500; ++i) {
    if (text_of(file).find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

std::string key_made_in(const fs::path& data) {
  const auto made = run_kontor({"keys", "create", "--role", "admin", "--data", data.string()});
  REQUIRE(made.lines.size() == 1);
  return made.lines.front();
}

}  // namespace

TEST_CASE("log: ids are there, secrets are not, however they are sent", "[http][program]") {
  const kontor::testing::TempDir dir;
  const fs::path data = dir.path() / "shop", file = dir.path() / "log";
  const std::string key = key_made_in(data), secret = key.substr(20);
  auto running = start(data, {"--log-file", file.string(), "--log-format", "json", "--log-level", "debug"});
  Client client(running.port);
  const Headers with_key{{"Authorization", "Bearer " + key}};
  const auto made =
      client.post("/v1/products", R"({"sku":"mug","price":{"amount":1,"currency":"GBP"}})", "k", with_key);
  REQUIRE(made.status == 201);
  const auto denied = client.get("/v1/products/mug", {{"Authorization", "Bearer " + key + "x"}});
  CHECK(denied.status == 401);
  CHECK(client.get("/v1/accounts/" + secret, with_key).status == 404);
  CHECK(client.get("/" + key, with_key).status == 404);
  CHECK(client.get("/v1/products?limit=" + key, with_key).status == 400);
  CHECK(client.post("/v1/products", R"({"sku":")" + key + "\"}", key, with_key).status == 400);
  CHECK(client.raw(key + " / HTTP/1.1\r\nHost: localhost\r\n\r\n").status >= 400);
  const std::string last = Client(running.port).get("/healthz").field("request-id");
  REQUIRE(comes_to_hold(file, last));
  running.child.signal(SIGTERM);
  CHECK(running.child.wait() == kExitOk);

  CHECK(text_of(file).find(secret) == std::string::npos);
  const auto lines = lines_of(file);
  const auto* request = line_with(lines, "request_id", made.field("request-id"));
  REQUIRE(request);
  CHECK(request->at("transaction").as_string() == made.text("id"));
  CHECK(request->at("route").as_string() == "/v1/products");
  CHECK(request->at("status").as_int64() == 201);
  CHECK(line_with(lines, "request_id", denied.field("request-id")));
  CHECK(line_with(lines, "event", "recovered"));
  const auto* started = line_with(lines, "event", "started");
  REQUIRE(started);
  CHECK(started->at("url").as_string() == running.url());
  CHECK(started->at("keys").as_int64() == 1);
  CHECK(line_with(lines, "event", "stopping"));
  CHECK(lines.back().at("event").as_string() == "stopped");
  CHECK(lines.back().at("all_answered").as_bool());
}

TEST_CASE("log: after it is renamed, SIGHUP goes on in a new file", "[http][program]") {
  const kontor::testing::TempDir dir;
  const fs::path file = dir.path() / "log", old = dir.path() / "log.1";
  auto running = start(dir.path() / "shop", {"--log-file", file.string(), "--log-level", "debug"});
  const std::string first = Client(running.port).get("/healthz").field("request-id");
  REQUIRE(comes_to_hold(file, first));
  fs::rename(file, old);
  const std::string second = Client(running.port).get("/healthz").field("request-id");
  CHECK(comes_to_hold(old, second));
  running.child.signal(SIGHUP);
  CHECK(comes_to_hold(file, "log_opened"));
  const std::string third = Client(running.port).get("/healthz").field("request-id");
  CHECK(comes_to_hold(file, third));
  CHECK(text_of(old).find(third) == std::string::npos);
  CHECK(text_of(file).find(first) == std::string::npos);
}

TEST_CASE("log: a file that cannot be opened stops the start, and later none", "[http][program]") {
  const kontor::testing::TempDir dir;
  const fs::path folder = dir.path() / "logs", file = folder / "log";
  const std::string data = (dir.path() / "shop").string();
  CHECK(run_kontor({"serve", "--listen", "0", "--data", data, "--log-file", file.string()}).exit_code ==
        kExitCannotCreate);
  CHECK_FALSE(fs::exists(data));
  fs::create_directory(folder);
  auto running = start(data, {"--log-file", file.string(), "--log-format", "json"});
  fs::rename(folder, dir.path() / "moved");
  running.child.signal(SIGHUP);
  CHECK(comes_to_hold(dir.path() / "moved" / "log", "log_kept"));
  CHECK(Client(running.port).get("/healthz").status == 200);
}

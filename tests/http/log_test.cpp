// What a server tells its operator: the form of a line, floods, and a log that nobody reads.
#include "cmd/kontor/log/log.hpp"

#include <fstream>

#include <boost/json.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/kontor/log/line_text.hpp"
#include "cmd/kontor/log/log_limit.hpp"
#include "tests/http/served_shop.hpp"

using namespace kontor::cmd;
using namespace kontor::tests;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::unique_ptr<Log> open_log(const LogOptions& options) {
  std::string why;
  auto log = Log::open(options, why);
  INFO(why);
  REQUIRE(log);
  return log;
}

}  // namespace

TEST_CASE("log: a line is one line of well-formed text, whatever it holds", "[http][log]") {
  const json::object fields{{"n", 3},         {"s", "plain"},    {"t", "two words"},
                            {"u", "a\nb\"c"}, {"v", "\xff\x01"}, {"w", 1.5}};
  CHECK(line_text(LogFormat::text, "event", fields) ==
        R"(event n=3 s=plain t="two words" u="a\nb\"c" v="?\u0001" w=1.5)");
  const auto parsed = json::parse("{" + line_text(LogFormat::json, "event", fields) + "}");
  CHECK(parsed.at("event").as_string() == "event");
  CHECK(parsed.at("u").as_string() == "a\nb\"c");
  CHECK(parsed.at("v").as_string() == "?\x01");
  const std::string text = line_text(LogFormat::json, "event", {{"long", std::string(kLogLineBytesMax, 'x')}});
  CHECK(json::parse("{" + text + "}").as_object() == json::object{{"event", "event"}, {"cut", true}});
  CHECK(line_text(LogFormat::text, "event", {{"empty", ""}}) == R"(event empty="")");
}

TEST_CASE("log: so many of a flood are told in a second, and how many were not", "[http][log]") {
  LogLimit limit(2);
  std::chrono::steady_clock::time_point now{1h};
  CHECK(limit.pass(now) == 0);
  CHECK(limit.pass(now + 999ms) == 0);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limit.pass(now + 999ms));
  CHECK(limit.pass(now + 1s) == 5);
  CHECK(limit.pass(now + 1s) == 0);
  CHECK_FALSE(limit.pass(now + 1s));
  CHECK(limit.pass(now + 1h) == 1);
}

TEST_CASE("log: levels below the wanted one go nowhere; a file is its owner's", "[http][log]") {
  const kontor::testing::TempDir dir;
  const auto file = dir.path() / "log";
  {
    const auto log = open_log({file, LogLevel::warning, LogFormat::json});
    CHECK_FALSE(log->keeps(LogLevel::info));
    CHECK(log->keeps(LogLevel::error));
    for (const LogLevel level : kLogLevels) {
      CHECK(parse_log_level(to_string(level)) == level);
      log->write(level, "event");
    }
  }
  const auto lines = lines_of(file);
  REQUIRE(lines.size() == 2);
  CHECK(json::parse(lines[0]).at("level").as_string() == "warning");
  CHECK(json::parse(lines[1]).at("level").as_string() == "error");
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & (S_IRWXO | S_IWGRP)) == 0);
  std::string why;
  CHECK_FALSE(Log::open({dir.path() / "nowhere" / "log", LogLevel::info, LogFormat::text}, why));
  CHECK(why.find("nowhere") != std::string::npos);
}

TEST_CASE("log: a pipe that nobody reads holds nobody up, and what is lost is counted", "[http][log]") {
  constexpr std::size_t kLines = 20'000;
  const kontor::testing::TempDir dir;
  const auto pipe = dir.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const int reader = ::open(pipe.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  std::uint64_t dropped = 0;
  {
    const auto log = open_log({pipe, LogLevel::info, LogFormat::text});
    const std::string long_text(1'000, 'x');
    for (std::size_t i = 0; i < kLines; ++i) log->write(LogLevel::info, "event", {{"text", long_text}});
    for (int i = 0; i < 500 && dropped < kLines - 100; ++i) {
      std::this_thread::sleep_for(10ms);
      dropped = log->dropped();
    }
  }
  std::string read(1 << 20, '\0');
  const ssize_t got = ::read(reader, read.data(), read.size());
  ::close(reader);
  REQUIRE(got > 0);
  read.resize(static_cast<std::size_t>(got));
  CHECK(static_cast<std::size_t>(std::count(read.begin(), read.end(), '\n')) + dropped == kLines);
}

TEST_CASE("log: what fails by the server's fault is told with its ids, at any level", "[http][log]") {
  const kontor::testing::TempDir dir;
  const auto file = dir.path() / "log";
  std::string id;
  {
    kontor::EngineOptions full;
    full.open_transactions_max = 0;
    ServedShop shop({}, 1, full, open_log({file, LogLevel::info, LogFormat::json}));
    auto client = shop.client();
    CHECK(client.get("/healthz").status == 200);
    const auto answer = client.post("/v1/products", R"({"sku":"mug","price":{"amount":1,"currency":"GBP"}})", "key");
    CHECK(answer.status == 503);
    id = answer.field("request-id");
    CHECK(client.get("/metrics").body.find("kontor_log_dropped_total 0") != std::string::npos);
  }
  const auto lines = lines_of(file);
  REQUIRE(lines.size() == 1);
  const auto line = json::parse(lines.front()).as_object();
  CHECK(line.at("level").as_string() == "warning");
  CHECK(line.at("event").as_string() == "request_failed");
  CHECK(line.at("request_id").as_string() == id);
  CHECK(line.at("route").as_string() == "/v1/products");
  CHECK(line.at("status").as_int64() == 503);
  CHECK(line.at("address").as_string() == "127.0.0.1");
}

TEST_CASE("log: connections that are turned away are told once a second", "[http][log]") {
  const kontor::testing::TempDir dir;
  const auto file = dir.path() / "log";
  {
    kontor::http::Limits limits;
    limits.connections_max = 1;
    ServedShop shop(limits, 1, {}, open_log({file, LogLevel::info, LogFormat::json}));
    auto client = shop.client();
    CHECK(client.get("/healthz").status == 200);
    for (int i = 0; i < 20; ++i) {
      auto refused = shop.client();
      refused.send("");
      CHECK(refused.receive()->status == 503);
    }
    CHECK(shop.served().stats().refused == 20);
  }
  const auto lines = lines_of(file);
  REQUIRE_FALSE(lines.empty());
  CHECK(lines.size() < 20);
  CHECK(json::parse(lines.front()).at("event").as_string() == "connection_refused");
  CHECK(json::parse(lines.front()).at("address").as_string() == "127.0.0.1");
}

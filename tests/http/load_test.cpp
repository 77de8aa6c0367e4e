// `kontor load --url`: what it counts is what the server did.
#include <csignal>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/cmd/program.hpp"
#include "tests/http/running.hpp"
#include "tests/support/temp_dir.hpp"

using namespace kontor::cmd;
using namespace kontor::tests;

namespace {

/// A run of one second on a small shop.
boost::json::object run_load(const std::string& url, std::vector<std::string> more) {
  std::vector<std::string> arguments{"load", "--url",      url,  "--customers",   "2000", "--skus",
                                     "200",  "--duration", "1s", "--connections", "32",   "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Ended ended = run_kontor(arguments);
  CAPTURE(arguments);
  REQUIRE(ended.exit_code == kExitOk);
  return ended.json();
}

std::uint64_t number(const boost::json::object& object, const char* name) {
  return object.at(name).to_number<std::uint64_t>();
}

}  // namespace

TEST_CASE("load over HTTP: each checkout that it counts is an order on disk, and no other", "[http][program]") {
  const kontor::testing::TempDir dir;
  std::uint64_t committed = 0;
  {
    Running server = start(dir.path() / "shop");
    const auto single = run_load(server.url(), {});
    CHECK(number(single, "committed") > 0);
    CHECK(number(single, "requests") == number(single, "committed"));
    CHECK(single.at("latency_us").at("p99").to_number<double>() > 0);

    const auto batches = run_load(server.url(), {"--batch", "50"});
    CHECK(number(batches, "committed") == 50 * number(batches, "requests"));

    const auto refused = run_load(server.url(), {"--batch", "50", "--poor", "0.2", "--short", "0.1"});
    const auto& aborted = refused.at("aborted").as_object();
    CHECK(number(aborted, "insufficient_funds") + number(aborted, "out_of_stock") + number(refused, "committed") ==
          50 * number(refused, "requests"));

    const auto counted = run_load(server.url(), {"--count", "777"});
    CHECK(number(counted, "committed") == 777);
    for (const auto* run : {&single, &batches, &refused, &counted}) {
      CHECK(number(*run, "unknown") == 0);
      committed += number(*run, "committed");
    }
    server.child.signal(SIGTERM);
    CHECK(server.child.wait() == kExitOk);
  }
  const auto audit = run_kontor({"audit", (dir.path() / "shop").string(), "--json"}).json();
  CHECK(audit.at("clean").as_bool());
  CHECK(number(audit, "orders") == committed);
}

TEST_CASE("load over HTTP: connections that drip beside it are there, and refused nothing but time",
          "[http][program]") {
  const kontor::testing::TempDir dir;
  const Running server = start(dir.path() / "shop");
  const auto report = run_load(server.url(), {"--dripping", "100"});
  CHECK(number(report, "dripping") > 50);
  CHECK(number(report, "dripping") <= 100);
  CHECK(number(report, "committed") > 0);
  CHECK(number(report, "unknown") == 0);
  CHECK(number(run_load(server.url(), {}), "dripping") == 0);
  CHECK(run_kontor({"load", "--dripping", "2"}).exit_code == kExitUsage);
}

TEST_CASE("load over HTTP: what cannot be driven is said at once", "[http][program]") {
  CHECK(run_kontor({"load", "--url", "http://127.0.0.1:1"}).exit_code == kExitUnavailable);
  CHECK(run_kontor({"load", "--url", "https://127.0.0.1:1"}).exit_code == kExitUsage);
  CHECK(run_kontor({"load", "--url", "http://127.0.0.1:1", "--data", "x"}).exit_code == kExitUsage);
  CHECK(run_kontor({"load", "--connections", "2"}).exit_code == kExitUsage);
}

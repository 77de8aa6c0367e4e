// What an operator relies on: readiness that notices a journal at a standstill, a dashboard whose figures exist.
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "cmd/kontor/serve/journal_watch.hpp"
#include "tests/http/served_shop.hpp"

using namespace kontor::tests;
using namespace std::chrono_literals;

TEST_CASE("operator: requests that wait for a journal at a standstill make it unready", "[http][operator]") {
  kontor::cmd::serve::JournalWatch watch;
  std::chrono::steady_clock::time_point now{1h};
  kontor::EngineCounters counters;
  const auto look = [&](std::uint64_t open, std::uint64_t commits, std::chrono::seconds later) {
    counters.open = open, counters.journal_commits = commits;
    return watch.moves(counters, now += later);
  };
  CHECK(look(0, 7, 0s));
  CHECK(look(0, 7, 1h));  // Nothing to do is no standstill.
  CHECK(look(3, 7, 1h));
  CHECK(look(3, 8, 1h));  // It moves, if slowly.
  CHECK(look(3, 8, 5s));
  CHECK_FALSE(look(3, 8, 1s));
  CHECK_FALSE(look(9, 8, 1h));
  CHECK(look(9, 9, 1s));
  CHECK(look(9, 9, 5s));
  CHECK(look(0, 9, 1h));
}

TEST_CASE("operator: each metric of the dashboard is served", "[http][operator]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const std::string metrics = client.get("/metrics").body;
  std::ifstream in(std::string(KONTOR_SOURCE_DIR) + "/deploy/grafana-dashboard.json");
  const std::string dashboard{std::istreambuf_iterator<char>(in), {}};
  static const std::regex name(R"(kontor_[a-z_]+)");
  const auto names_in = [](const std::string& text) {
    return std::set<std::string>(std::sregex_token_iterator(text.begin(), text.end(), name), {});
  };
  const auto served = names_in(metrics), shown = names_in(dashboard);
  CHECK(shown.size() > 10);
  for (const std::string& metric : shown) {
    CAPTURE(metric);
    CHECK(served.contains(metric));
  }
}

// What an operator relies on: readiness that notices a journal at a standstill, a dashboard whose figures exist.
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <thread>

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
  static const std::regex name(R"(kontor_[a-z0-9_]+)");
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

namespace {
/// The value of a sample, as it stands in the text; empty: there is none.
std::string sample(const std::string& metrics, const std::string& name) {
  const auto at = metrics.find("\n" + name + " ");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 2;
  return metrics.substr(begin, metrics.find('\n', begin) - begin);
}
}  // namespace

TEST_CASE("operator: what becomes of requests, and how long it takes, can be watched", "[http][operator]") {
  ServedShop shop;
  shop.open_shop(100'000, 3);
  auto client = shop.client();
  CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(), "one").status == 201);
  for (const char* key : {"two", "three"})
    CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(5), key).code() == "out_of_stock");
  std::string metrics;
  for (int i = 0; i < 500; ++i) {  // A caller has its answer a moment before the last figures are noted.
    metrics = client.get("/metrics").body;
    if (sample(metrics, R"(kontor_phase_seconds_count{phase="answering"})") == "9") break;
    std::this_thread::sleep_for(2ms);
  }
  CHECK(sample(metrics, R"(kontor_aborted_total{code="out_of_stock"})") == "2");
  CHECK(sample(metrics, R"(kontor_outcomes_total{outcome="aborted"})") == "2");
  // Seven committed of seven prepared of nine begun.
  CHECK(std::stod(sample(metrics, "kontor_p1")) == Approx(7.0 / 9));
  CHECK(sample(metrics, "kontor_p2") == "1");
  CHECK(std::stod(sample(metrics, "kontor_p")) == Approx(7.0 / 9));
  for (const char* phase : {"voting", "deciding", "answering"}) {
    CAPTURE(phase);
    CHECK(sample(metrics, "kontor_phase_seconds_count{phase=\"" + std::string(phase) + "\"}") ==
          "9");  // No batch of two.
    CHECK(std::stod(sample(metrics, "kontor_phase_seconds_sum{phase=\"" + std::string(phase) + "\"}")) > 0);
  }
  CHECK(std::stod(sample(metrics, "kontor_journal_sync_seconds_total")) > 0);
  CHECK(sample(metrics, "kontor_transactions_open") == "0");
  CHECK(sample(metrics, "kontor_transactions_open_max") == "65536");
  CHECK(sample(metrics, "kontor_open_bytes") == "0");
  CHECK(std::stod(sample(metrics, "kontor_open_bytes_max")) > 1e6);
  CHECK(sample(metrics, "kontor_gathered") == "0");
  CHECK(sample(metrics, "kontor_in_doubt_oldest_seconds") == "0");
}

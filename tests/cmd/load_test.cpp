#include <cmath>
#include <csignal>
#include <fstream>

#include <boost/json.hpp>

#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/load/report.hpp"
#include "cmd/kontor/load/run.hpp"
#include "cmd/kontor/temporary_directory.hpp"
#include "tests/cmd/program.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using namespace kontor::cmd;
using namespace std::chrono_literals;
using kontor::tests::run_kontor;

namespace {

struct Silent final : LoadWatcher {
  void on_progress(const std::string&) override {}
  void on_opened(const RecoveryReport&) override {}
  void on_driving() override {}
  void on_measured(const LoadReport&) override {}
};

LoadOptions small(const TemporaryDirectory& temporary) {
  LoadOptions options;
  options.dir = temporary.path() / "data";
  options.workload.skus = 100;
  options.workload.customers = 500;
  options.workload.merchants = 10;
  options.drive.duration = 60s;
  options.drive.checkouts_max = 3'000;
  options.drive.outstanding = 200;
  return options;
}

LoadReport load(const LoadOptions& options) {
  Silent watcher;
  const std::atomic<bool> never{false};
  std::string explanation;
  auto report = run_load(options, watcher, never, explanation);
  INFO(explanation);
  REQUIRE(report);
  REQUIRE(report->audit);
  for (const std::string& fault : report->audit->faults) FAIL_CHECK(fault);
  CHECK(report->audit->clean());
  CHECK(report->tally.unknown == 0);
  CHECK(report->tally.replayed == 0);
  return std::move(*report);
}

std::uint64_t aborted(const LoadReport& report, Errc code) {
  return report.tally.aborted[static_cast<std::size_t>(code)];
}

TemporaryDirectory scratch() {
  auto made = TemporaryDirectory::make();
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace

TEST_CASE("load: whoever can pay for what is there gets it", "[cmd][load]") {
  const auto temporary = scratch();
  LoadOptions options = small(temporary);
  options.shards = GENERATE(std::uint16_t{1}, std::uint16_t{3});
  options.workload.lines = GENERATE(1u, 3u);
  const LoadReport report = load(options);
  CHECK(report.tally.committed == 3'000);
  CHECK(report.tally.aborted_total() == 0);
  CHECK(report.audit->orders == 3'000);
  CHECK(report.audit->accounts == 511);
  CHECK(report.audit->products == 100);
  CHECK(report.shards == options.shards);
  CHECK(report.p1() == 1);
  CHECK(report.p2() == 1);
  CHECK(report.counters.journal_commits > 0);
  CHECK(report.memory.total_max() > 0);
}

TEST_CASE("load: all may buy the same product", "[cmd][load]") {
  const auto temporary = scratch();
  LoadOptions options = small(temporary);
  options.workload.hot = true;
  CHECK(load(options).tally.committed == 3'000);
}

TEST_CASE("load: the poor and the scarce are refused, and P1 says how often", "[cmd][load]") {
  const auto temporary = scratch();
  LoadOptions options = small(temporary);
  options.workload.customers = 5'000;
  options.workload.skus = 2'000;
  options.workload.poor = 0.2;
  options.workload.scarce = 0.1;
  options.drive.checkouts_max = 10'000;
  const LoadReport report = load(options);
  // Three products, none scarce, and a customer who can pay. A scarce product has a unit for the first who comes.
  const double expected = 0.8 * std::pow(0.9, 3);
  CHECK(report.success() == Approx(expected).margin(0.04));
  CHECK(report.p1() * report.p2() == Approx(report.success()).margin(0.02));
  CHECK(aborted(report, Errc::insufficient_funds) > 1'000);
  CHECK(aborted(report, Errc::out_of_stock) > 1'000);
  CHECK(report.tally.answered() == 10'000);
}

TEST_CASE("load: a directory can be driven again; the second run adds to it", "[cmd][load]") {
  const auto temporary = scratch();
  LoadOptions options = small(temporary);
  options.workload.poor = 0.1;
  options.workload.scarce = 0.1;
  const LoadReport first = load(options);
  const LoadReport second = load(options);
  CHECK(second.run != first.run);
  CHECK(second.audit->orders == first.tally.committed + second.tally.committed);
  CHECK(second.audit->accounts == first.audit->accounts);
}

TEST_CASE("load: an open loop keeps its rate", "[cmd][load]") {
  const auto temporary = scratch();
  LoadOptions options = small(temporary);
  options.drive.rate_per_s = 2'000;
  options.drive.duration = 500ms;
  options.drive.checkouts_max = 0;
  const LoadReport report = load(options);
  CHECK(report.tally.answered() >= 800);
  CHECK(report.tally.answered() <= 1'001);
}

TEST_CASE("load: the JSON has what programs rely on", "[cmd][load]") {
  const auto ended = run_kontor({"load", "--json", "--duration", "300ms", "--skus", "100", "--customers", "500"});
  REQUIRE(ended.exit_code == kExitOk);
  REQUIRE(ended.lines.size() == 1);
  const boost::json::value report = ended.json();
  for (const char* pointer : {"/committed",
                              "/aborted",
                              "/unknown",
                              "/elapsed_s",
                              "/committed_per_s",
                              "/latency_us/p50",
                              "/latency_us/p90",
                              "/latency_us/p99",
                              "/latency_us/p999",
                              "/latency_us/max",
                              "/journal/commits",
                              "/journal/bytes",
                              "/journal/records",
                              "/rss_bytes_max",
                              "/rss_bytes/at_25/total",
                              "/p1",
                              "/p2",
                              "/p",
                              "/recovery/transactions",
                              "/checkpoints",
                              "/audit/clean"}) {
    boost::json::error_code missing;
    INFO(pointer);
    CHECK(report.find_pointer(pointer, missing) != nullptr);
  }
  CHECK(report.at_pointer("/audit/clean").as_bool());
  CHECK(report.at_pointer("/committed").to_number<std::uint64_t>() > 0);
}

TEST_CASE("load: what is wrong on the command line is refused as such", "[cmd][load]") {
  const auto arguments = GENERATE(values<std::vector<std::string>>({
      {"load", "--duration", "soon"},
      {"load", "--poor", "1.5"},
      {"load", "--outstanding", "0"},
      {"load", "--rate", "10", "--outstanding", "5"},
      {"load", "--hot", "--zipf", "1"},
      {"load", "--nonsense"},
      {"nonsense"},
      {},
  }));
  CHECK(run_kontor(arguments).exit_code == kExitUsage);
}

TEST_CASE("load: options come from a file, and the command line wins", "[cmd][load]") {
  const auto temporary = scratch();
  const std::string file = (temporary.path() / "kontor.toml").string();
  std::ofstream(file) << "[load]\nduration = \"200ms\"\nskus = 77\ncustomers = 300\njson = true\n";
  const auto ended = run_kontor({"--config", file, "load", "--customers", "400"});
  REQUIRE(ended.exit_code == kExitOk);
  const boost::json::value report = ended.json();
  CHECK(report.at_pointer("/audit/products").to_number<int>() == 77);
  CHECK(report.at_pointer("/audit/accounts").to_number<int>() == 1 + 1'000 + 400);
}

TEST_CASE("load: a directory has one user at a time", "[cmd][load]") {
  const auto temporary = scratch();
  const std::string dir = (temporary.path() / "data").string();
  auto holder = Child::start(KONTOR_PROGRAM, {"load", "--data", dir, "--events", "--duration", "60s"});
  REQUIRE(holder);
  REQUIRE(holder->line(30s));
  CHECK(run_kontor({"load", "--data", dir, "--duration", "100ms"}).exit_code == kExitDirectoryInUse);
}

TEST_CASE("load: an interrupt ends it in good order", "[cmd][load]") {
  const auto temporary = scratch();
  const std::string dir = (temporary.path() / "data").string();
  auto child = Child::start(KONTOR_PROGRAM, {"load", "--data", dir, "--events", "--json", "--duration", "600s"});
  REQUIRE(child);
  REQUIRE(child->line(30s));  // Opened.
  REQUIRE(child->line(30s));  // Driving.
  child->signal(SIGINT);
  const auto report = child->line(30s);
  REQUIRE(report);
  CHECK(boost::json::parse(*report).at("interrupted").as_bool());
  CHECK(child->wait() == kExitInterrupted);
}

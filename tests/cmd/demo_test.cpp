#include "cmd/kontor/demo/demo.hpp"

#include <set>

#include <boost/json.hpp>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/cmd/engine_double.hpp"
#include "tests/cmd/program.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using namespace kontor::cmd;
using kontor::tests::EngineDouble;
using kontor::tests::run_kontor;

namespace {

const Workload& workload() {
  static const Workload made({.skus = 10, .customers = 10, .merchants = 1}, 1);
  return made;
}

/// Checkouts 0 to n - 1, answered with transactions of the same number.
std::vector<Answered> answered(std::uint64_t n) {
  std::vector<Answered> all;
  for (std::uint64_t i = 0; i < n; ++i) all.push_back({i, i, 1, 0, 0});
  return all;
}

Outcome replayed(const Request& request) {
  Outcome outcome = EngineDouble::committed(std::stoull(request.key.str().substr(9), nullptr, 16));
  outcome.replayed = true;
  return outcome;
}

Verification verify(EngineDouble& engine, const std::vector<Answered>& all) {
  return verify_answered(workload(), all, engine.submit(), [](std::uint64_t) {});
}

}  // namespace

TEST_CASE("verification: what comes back as it was answered is found", "[cmd][demo]") {
  EngineDouble engine(replayed);
  const Verification result = verify(engine, answered(10'000));
  CHECK(result.asked == 10'000);
  CHECK(result.found == 10'000);
  CHECK(result.lost == 0);
}

TEST_CASE("verification: anything else is lost, and the first is named", "[cmd][demo]") {
  const auto spoil = GENERATE(values<void (*)(Outcome&)>({
      [](Outcome& o) { o.replayed = false; },
      [](Outcome& o) { o.transaction.sequence += 1; },
      [](Outcome& o) { o = EngineDouble::aborted(Errc::out_of_stock); },
      [](Outcome& o) { o = {}; },
  }));
  EngineDouble engine([&](const Request& request) {
    Outcome outcome = replayed(request);
    if (outcome.transaction.sequence == 77) spoil(outcome);
    return outcome;
  });
  const Verification result = verify(engine, answered(100));
  CHECK(result.found == 99);
  CHECK(result.lost == 1);
  CHECK(result.first_lost.find(workload().key(77).str()) != std::string::npos);
}

TEST_CASE("verification: of too many, the newest half is chosen and an even share of the rest", "[cmd][demo]") {
  const auto chosen = chosen_for_verification(answered(1'000), 100);
  REQUIRE(chosen.size() == 100);
  std::set<std::uint64_t> numbers;
  for (const Answered& one : chosen) numbers.insert(one.number);
  CHECK(numbers.size() == 100);
  CHECK(*numbers.begin() == 0);
  for (std::uint64_t i = 950; i < 1'000; ++i) CHECK(numbers.count(i) == 1);
  CHECK(chosen_for_verification(answered(10), 100) == answered(10));
}

TEST_CASE("demo: two crashes lose nothing that was answered", "[cmd][demo]") {
  const auto ended = run_kontor({"demo", "--small", "--json", "--shards", GENERATE("1", "3")});
  REQUIRE(ended.exit_code == kExitOk);
  const boost::json::value report = ended.json();
  CHECK(report.at("good").as_bool());
  CHECK(report.at_pointer("/audit/clean").as_bool());
  CHECK(report.at("lost").to_number<int>() == 0);
  CHECK(report.at("asked_again").to_number<int>() > 0);
  REQUIRE(report.at("runs").as_array().size() == 3);
  CHECK(report.at_pointer("/runs/0/killed").as_bool());
  CHECK(report.at_pointer("/runs/1/killed").as_bool());
  CHECK_FALSE(report.at_pointer("/runs/2/killed").as_bool());
  CHECK(report.at_pointer("/runs/1/recovery/transactions").to_number<int>() > 0);
  CHECK(report.at_pointer("/runs/2/latency_us/p50").to_number<double>() > 0);
}

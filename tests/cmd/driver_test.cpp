#include "cmd/kontor/load/driver.hpp"

#include <map>

#include <sys/mman.h>
#include <unistd.h>

#include "cmd/kontor/load/seeding.hpp"
#include "tests/cmd/engine_double.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using namespace kontor::cmd;
using namespace std::chrono_literals;
using kontor::tests::EngineDouble;

namespace {

const std::atomic<bool> never{false};

WorkloadOptions small() {
  WorkloadOptions options;
  options.skus = 20;
  options.customers = 50;
  options.merchants = 3;
  return options;
}

const Workload& workload() {
  static const Workload made(small(), 1);
  return made;
}

/// Commits everything, with the running number as the transaction's.
auto commit_all() {
  return [n = std::uint64_t{0}](const Request&) mutable { return EngineDouble::committed(++n); };
}

Tally drive(EngineDouble& engine, DriveOptions options, const std::atomic<bool>& stop = never) {
  Driver driver(workload(), options, engine.submit());
  return driver.run({}, stop);
}

}  // namespace

TEST_CASE("driver: in the closed loop as many are in flight as was asked for, never more", "[cmd][load]") {
  DriveOptions options;
  options.outstanding = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{1'000});
  options.duration = 50ms;
  EngineDouble engine(commit_all());
  const Tally tally = drive(engine, options);
  CHECK(tally.committed == engine.submitted);
  CHECK(tally.committed > options.outstanding);
  CHECK(engine.unanswered_max <= options.outstanding);
  CHECK(engine.unanswered_max >= std::min<std::size_t>(options.outstanding, 100));
  CHECK(tally.latency.count() == tally.committed);
  CHECK(tally.elapsed_s >= 0.04);
}

TEST_CASE("driver: it ends after a number of checkouts", "[cmd][load]") {
  DriveOptions options;
  options.checkouts_max = GENERATE(std::uint64_t{1}, std::uint64_t{999}, std::uint64_t{10'000});
  options.duration = 60s;
  EngineDouble engine(commit_all());
  CHECK(drive(engine, options).committed == options.checkouts_max);
}

TEST_CASE("driver: it ends when it is told to stop", "[cmd][load]") {
  DriveOptions options;
  options.duration = 3'600s;
  const std::atomic<bool> stop{true};
  EngineDouble engine(commit_all());
  CHECK(drive(engine, options, stop).committed == 0);
}

TEST_CASE("driver: outcomes are counted by kind, and only what committed has a latency", "[cmd][load]") {
  DriveOptions options;
  options.checkouts_max = 1'000;
  EngineDouble engine([n = 0](const Request&) mutable {
    switch (++n % 5) {
      case 0: return EngineDouble::aborted(Errc::out_of_stock);
      case 1: return EngineDouble::aborted(Errc::insufficient_funds);
      case 2: return Outcome{};  // Unknown.
      default: return EngineDouble::committed(1);
    }
  });
  const Tally tally = drive(engine, options);
  CHECK(tally.committed == 400);
  CHECK(tally.unknown == 200);
  CHECK(tally.aborted[static_cast<std::size_t>(Errc::out_of_stock)] == 200);
  CHECK(tally.aborted[static_cast<std::size_t>(Errc::insufficient_funds)] == 200);
  CHECK(tally.aborted_total() == 400);
  CHECK(tally.answered() == 1'000);
  CHECK(tally.latency.count() == 400);
}

TEST_CASE("driver: every checkout that committed is noted down, with its transaction", "[cmd][load]") {
  DriveOptions options;
  options.checkouts_max = 5'000;
  options.answered_fd = ::memfd_create("answered", MFD_CLOEXEC);
  std::map<std::string, std::uint64_t> sequences;
  EngineDouble engine([&, n = std::uint64_t{0}](const Request& request) mutable {
    if (++n % 3 == 0) return EngineDouble::aborted(Errc::conflict);
    sequences[request.key.str()] = n;
    return EngineDouble::committed(n);
  });
  const Tally tally = drive(engine, options);
  REQUIRE(::write(options.answered_fd, "cut off", 7) == 7);  // As a SIGKILL may leave it.
  const auto answered = read_answered(options.answered_fd);
  REQUIRE(answered.size() == tally.committed);
  bool same = true;
  for (const Answered& one : answered) same = same && sequences[workload().key(one.number).str()] == one.sequence;
  CHECK(same);
  CHECK(read_answered(options.answered_fd, 24 * (answered.size() - 1)).size() == 1);
  CHECK(read_answered(options.answered_fd, 24 * (answered.size() + 1)).empty());
  ::close(options.answered_fd);
}

TEST_CASE("driver: in the open loop the rate is kept, whatever the answers do", "[cmd][load]") {
  DriveOptions options;
  options.rate_per_s = 2'000;
  options.duration = 300ms;
  options.outstanding = 1;  // Means nothing here.
  EngineDouble engine(commit_all());
  const Tally tally = drive(engine, options);
  CHECK(tally.committed >= 500);
  CHECK(tally.committed <= 601);
}

TEST_CASE("driver: in the open loop a stall is charged to every checkout that was due meanwhile", "[cmd][load]") {
  DriveOptions options;
  options.rate_per_s = 1'000;
  options.duration = 400ms;
  EngineDouble engine([n = 0](const Request&) mutable {
    if (++n == 100) std::this_thread::sleep_for(200ms);
    return EngineDouble::committed(1);
  });
  const Tally tally = drive(engine, options);
  // 200 of 400 checkouts were due while it slept: a quarter of all waited for 100 ms and more.
  CHECK(tally.latency.quantile(0.80) > 80'000'000);
  CHECK(tally.latency.quantile(0.99) > 180'000'000);
}

TEST_CASE("seeding: all that checkouts need is asked for, each once", "[cmd][load]") {
  auto options = small();
  options.poor = options.scarce = 0.3;
  const Workload load(options, 9);
  std::map<std::string, int> keys;
  std::array<std::size_t, kOperationKinds> kinds{};
  EngineDouble engine([&](const Request& request) {
    ++keys[request.key.str()];
    ++kinds[request.operation.index()];
    return EngineDouble::committed(1);
  });
  std::string explanation;
  REQUIRE(seed(
      load, engine.submit(), [](auto, auto) {}, explanation));
  CHECK(keys.size() == engine.submitted);
  CHECK(kinds[static_cast<std::size_t>(OperationKind::open_account)] == 1 + 3 + 50);
  CHECK(kinds[static_cast<std::size_t>(OperationKind::deposit)] == 50);
  CHECK(kinds[static_cast<std::size_t>(OperationKind::define_product)] == 20);
  CHECK(kinds[static_cast<std::size_t>(OperationKind::receive_stock)] > 1);
}

TEST_CASE("seeding: what is refused for the moment is sent again; what exists is fine", "[cmd][load]") {
  std::map<std::string, int> tries;
  EngineDouble engine([&](const Request& request) {
    if (std::holds_alternative<OpenAccount>(request.operation)) return EngineDouble::aborted(Errc::already_exists);
    return ++tries[request.key.str()] < 3 ? EngineDouble::aborted(Errc::overloaded) : EngineDouble::committed(1);
  });
  std::string explanation;
  REQUIRE(seed(
      workload(), engine.submit(), [](auto, auto) {}, explanation));
  bool thrice = true;
  for (const auto& [key, times] : tries) thrice = thrice && times == 3;
  CHECK(thrice);
}

TEST_CASE("seeding: any other refusal ends it and is named", "[cmd][load]") {
  EngineDouble engine([&](const Request& request) {
    const bool deposit = std::holds_alternative<Deposit>(request.operation);
    return deposit ? EngineDouble::aborted(Errc::account_kind) : EngineDouble::committed(1);
  });
  std::string explanation;
  const auto seeded = seed(
      workload(), engine.submit(), [](auto, auto) {}, explanation);
  CHECK(seeded.code() == Errc::account_kind);
  CHECK(explanation.find("deposit") != std::string::npos);
  CHECK(explanation.find("account_kind") != std::string::npos);
}

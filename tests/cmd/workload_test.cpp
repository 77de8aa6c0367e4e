#include "cmd/kontor/load/workload.hpp"

#include <cmath>
#include <map>
#include <set>
#include <string>

#include "domain/placement.hpp"
#include "domain/plan.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using kontor::cmd::Workload;
using kontor::cmd::WorkloadOptions;

namespace {

WorkloadOptions small() {
  WorkloadOptions options;
  options.skus = 50;
  options.customers = 200;
  options.merchants = 5;
  return options;
}

Request checkout(const Workload& workload, std::uint64_t n) {
  Request request;
  workload.checkout(n, request);
  return request;
}

const Checkout& body(const Request& request) { return *std::get_if<Checkout>(&request.operation); }

/// How often each product is bought in the first `checkouts`.
std::map<std::string, double> sales(const Workload& workload, std::uint64_t checkouts) {
  std::map<std::string, double> sold;
  Request request;
  for (std::uint64_t n = 0; n < checkouts; ++n) {
    workload.checkout(n, request);
    for (const Line& line : body(request).lines) ++sold[line.sku.str()];
  }
  return sold;
}

struct AnyPrice final : PriceList {
  const ListedPrice* find(const Sku&) const override { return &price; }
  ListedPrice price{{100, Workload::currency()}, 1};
};

}  // namespace

TEST_CASE("workload: a checkout is a function of options, run and number", "[cmd][workload]") {
  const Workload one(small(), 7), same(small(), 7), other_run(small(), 8);
  auto reseeded = small();
  reseeded.seed = 2;
  const Workload other_seed(reseeded, 7);
  for (const std::uint64_t n : {0u, 1u, 1'000'000u}) {
    CHECK(checkout(one, n).key == checkout(same, n).key);
    CHECK(fingerprint(checkout(one, n).operation) == fingerprint(checkout(same, n).operation));
    CHECK(fingerprint(checkout(one, n).operation) == fingerprint(checkout(other_run, n).operation));
    CHECK(fingerprint(checkout(one, n).operation) != fingerprint(checkout(other_seed, n).operation));
    CHECK(checkout(one, n).key != checkout(other_run, n).key);
  }
}

TEST_CASE("workload: keys are short, valid and all different", "[cmd][workload]") {
  const Workload workload(small(), 0xffffffff);
  std::set<std::string> keys;
  for (std::uint64_t n = 0; n < 10'000; ++n) keys.insert(workload.key(n * 12'347).str());
  CHECK(keys.size() == 10'000);
  CHECK(IdempotencyKey::parse(workload.key(12'345'678'901).view()));
  CHECK(workload.key(1).size() <= 20);
}

TEST_CASE("workload: checkouts are ones that the engine can plan", "[cmd][workload]") {
  auto options = small();
  options.lines = GENERATE(1u, 3u, 17u);
  const Workload workload(options, 1);
  const Request request = checkout(workload, 42);
  CHECK(body(request).lines.size() == options.lines);
  Plan planned;
  CHECK(plan(request.operation, AnyPrice{}, planned));
}

TEST_CASE("workload: a request that is used again is not allocated again", "[cmd][workload]") {
  const Workload workload(small(), 1);
  Request request;
  workload.checkout(0, request);
  const Line* const lines = body(request).lines.data();
  const AccountId* const payees = body(request).payees.data();
  workload.checkout(1, request);
  CHECK(body(request).lines.data() == lines);
  CHECK(body(request).payees.data() == payees);
  CHECK(fingerprint(request.operation) == fingerprint(checkout(workload, 1).operation));
}

TEST_CASE("workload: uniform, every product sells as often", "[cmd][workload]") {
  const auto sold = sales(Workload(small(), 1), 50'000);
  REQUIRE(sold.size() == 50);
  for (const auto& [sku, times] : sold) CHECK(times == Approx(3'000).epsilon(0.1));
}

TEST_CASE("workload: with Zipf, the product of rank k sells 1/k^S as often", "[cmd][workload]") {
  auto options = small();
  options.zipf = GENERATE(0.5, 1.0, 2.0);
  const Workload workload(options, 1);
  auto sold = sales(workload, 200'000);
  const auto first = sold[workload.skus()[0].str()];
  for (const std::size_t k : {2u, 3u, 10u, 50u}) {
    const double expected = first * std::pow(static_cast<double>(k), -options.zipf);
    CHECK(sold[workload.skus()[k - 1].str()] == Approx(expected).epsilon(0.05).margin(60));
  }
}

TEST_CASE("workload: hot, there is one product", "[cmd][workload]") {
  auto options = small();
  options.hot = true;
  CHECK(sales(Workload(options, 1), 100).size() == 1);
}

TEST_CASE("workload: the poor and the scarce are the share that was asked for", "[cmd][workload]") {
  auto options = small();
  options.skus = options.customers = 20'000;
  const double share = GENERATE(0.0, 0.05, 0.5, 1.0);
  options.poor = share;
  options.scarce = share;
  const Workload workload(options, 1);
  double poor = 0, scarce = 0;
  for (std::size_t i = 0; i < 20'000; ++i) poor += workload.poor(i), scarce += workload.scarce(i);
  CHECK(poor / 20'000 == Approx(share).margin(0.01));
  CHECK(scarce / 20'000 == Approx(share).margin(0.01));
}

TEST_CASE("workload: names and keys live where they are meant to", "[cmd][workload]") {
  auto options = small();
  options.shards = 3, options.names_home = ShardId{2}, options.keys_home = ShardId{1};
  const Workload workload(options, 7);
  std::set<std::string> names;
  const auto note = [&](const auto& name) {
    CHECK(home_of(name, 3) == 2);
    names.insert(name.str());
  };
  for (const auto& sku : workload.skus()) note(sku);
  for (const auto& id : workload.customers()) note(id);
  for (const auto& id : workload.merchants()) note(id);
  CHECK(names.size() == options.skus + options.customers + options.merchants);
  std::set<std::string> keys;
  for (std::uint64_t n = 0; n < 1'000; ++n) {
    CHECK(home_of(workload.key(n), 3) == 1);
    keys.insert(workload.key(n).str());
  }
  CHECK(keys.size() == 1'000);
}

TEST_CASE("workload: every checkout crosses shards when it is meant to", "[cmd][workload]") {
  auto options = small();
  options.shards = 2, options.crossing = true;
  const Workload workload(options, 7);
  for (std::uint64_t n = 0; n < 1'000; ++n) {
    const Request request = checkout(workload, n);
    CHECK(home_of(body(request).customer, 2) != home_of(body(request).lines.front().sku, 2));
  }
}

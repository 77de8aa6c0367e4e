#include "cmd/kontor/load/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tests/support/catch.hpp"

using kontor::cmd::Histogram;

TEST_CASE("histogram: buckets cover all values without gap or overlap", "[cmd][histogram]") {
  const std::size_t last = Histogram::bucket_of(Histogram::kValueMax);
  std::uint64_t expected = 0;
  bool gapless = true;
  for (std::size_t bucket = 0; bucket < last; ++bucket) {
    const std::uint64_t largest = Histogram::largest_in(bucket);
    gapless = gapless && Histogram::bucket_of(expected) == bucket && Histogram::bucket_of(largest) == bucket;
    expected = largest + 1;
  }
  CHECK(gapless);
  CHECK(Histogram::bucket_of(expected) == last);
}

TEST_CASE("histogram: no bucket is wider than a 1,024th of its values", "[cmd][histogram]") {
  const auto value =
      GENERATE(values<std::uint64_t>({0, 1, 2'047, 2'048, 2'049, 4'095, 4'096, 65'535, 1'000'000, 999'999'937,
                                      (std::uint64_t{1} << 42) - 1, std::uint64_t{1} << 42}));
  const std::uint64_t largest = Histogram::largest_in(Histogram::bucket_of(value));
  CHECK(largest >= value);
  CHECK((largest - value) * 1'024 <= value);
}

TEST_CASE("histogram: a quantile is within a tenth of a per cent of the sorted values'", "[cmd][histogram]") {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latency(12, 1.5);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(latency(random)));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size()))) - 1;
    CHECK(static_cast<double>(histogram.quantile(share)) == Approx(static_cast<double>(values[rank])).epsilon(0.001));
  }
  CHECK(histogram.max() == values.back());
  CHECK(histogram.quantile(1) == values.back());
  CHECK(histogram.count() == values.size());
}

TEST_CASE("histogram: empty, it answers zero", "[cmd][histogram]") {
  const Histogram empty;
  CHECK(empty.count() == 0);
  CHECK(empty.quantile(0.5) == 0);
  CHECK(empty.max() == 0);
}

TEST_CASE("histogram: a value recorded many times counts as often", "[cmd][histogram]") {
  Histogram histogram;
  histogram.record(100, 99);
  histogram.record(1'000'000, 1);
  histogram.record(5, 0);
  CHECK(histogram.count() == 100);
  CHECK(histogram.quantile(0.99) == 100);
  CHECK(histogram.quantile(0.991) == 1'000'000);
}

TEST_CASE("histogram: what is beyond its range counts as the largest value", "[cmd][histogram]") {
  Histogram histogram;
  histogram.record(~std::uint64_t{0});
  CHECK(histogram.quantile(1) == Histogram::kValueMax);
}

TEST_CASE("histogram: a sum is as if all had been recorded in one", "[cmd][histogram]") {
  Histogram one, other, both;
  for (std::uint64_t value = 1; value < 100'000; value *= 3) {
    (value % 2 == 0 ? one : other).record(value, value);
    both.record(value, value);
    one.record(2 * value);
    both.record(2 * value);
  }
  one.add(other);
  CHECK(one.count() == both.count());
  CHECK(one.max() == both.max());
  for (const double share : {0.1, 0.5, 0.9, 0.99}) CHECK(one.quantile(share) == both.quantile(share));
}

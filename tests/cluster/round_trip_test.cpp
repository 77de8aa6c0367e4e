// The Kalman filter over round trips: what it must do on quiet, noisy and changing roads.
#include "actors/cluster/round_trip.hpp"

#include <cmath>
#include <random>

#include "tests/support/catch.hpp"
#include "tests/support/property.hpp"

namespace kontor::actors {
namespace {

constexpr double kMs = 1'000;

/// Of `samples` normally distributed ones, the root of the mean square of (estimate - truth), after 100 to settle in.
struct Errors {
  double filter = 0, smoothing = 0;
};
Errors errors_on(double truth_us, double noise_us, int samples) {
  std::mt19937 random(7);
  std::normal_distribution<double> noise(0, noise_us);
  RoundTrip trip;
  double smoothed = 0, filter = 0, smoothing = 0;
  for (int i = 0; i < samples; ++i) {
    const double sample = std::max(1.0, truth_us + noise(random));
    trip.add(sample);
    smoothed = i == 0 ? sample : smoothed + (sample - smoothed) / 8;  // RFC 6298.
    if (i < 100) continue;
    filter += std::pow(trip.estimate_us() - truth_us, 2);
    smoothing += std::pow(smoothed - truth_us, 2);
  }
  return {std::sqrt(filter / (samples - 100)), std::sqrt(smoothing / (samples - 100))};
}

}  // namespace

TEST_CASE("round trip: nothing is known before the first sample, and then that", "[cluster][link]") {
  RoundTrip trip;
  CHECK_FALSE(trip.measured());
  trip.add(3 * kMs);
  CHECK(trip.measured());
  CHECK(trip.estimate_us() == 3 * kMs);
  CHECK(trip.deviation_us() >= 1.5 * kMs);
}

TEST_CASE("round trip: on a noisy road it errs less than TCP's smoothing", "[cluster][link]") {
  const Errors errors = errors_on(200 * kMs, 10 * kMs, 3'000);
  CAPTURE(errors.filter, errors.smoothing);
  CHECK(errors.filter < 0.8 * errors.smoothing);
}

TEST_CASE("round trip: on a road that drifts it is nearer than TCP's smoothing", "[cluster][link]") {
  RoundTrip trip;
  double smoothed = 1 * kMs, behind = 0, smoothed_behind = 0;
  for (int i = 0; i < 500; ++i) {
    const double truth = (1 + i / 10.0) * kMs;
    trip.add(truth);
    smoothed += (truth - smoothed) / 8;
    behind = truth - trip.estimate_us(), smoothed_behind = truth - smoothed;
  }
  CAPTURE(behind, smoothed_behind);
  CHECK(behind >= 0);
  CHECK(behind < smoothed_behind / 2);
}

TEST_CASE("round trip: one outlier moves it little, a new road soon wholly", "[cluster][link]") {
  RoundTrip trip;
  for (int i = 0; i < 200; ++i) trip.add(1 * kMs + (i % 5) * 20);
  const double before = trip.estimate_us();
  trip.add(200 * kMs);
  CHECK(trip.estimate_us() < before + 100 * kMs);
  for (int i = 0; i < 20; ++i) trip.add(1 * kMs);
  CHECK(std::abs(trip.estimate_us() - 1 * kMs) < 1 * kMs);
  for (int i = 0; i < 5; ++i) trip.add(200 * kMs);
  CHECK(std::abs(trip.estimate_us() - 200 * kMs) < 20 * kMs);
  for (int i = 0; i < 5; ++i) trip.add(1 * kMs);
  CHECK(std::abs(trip.estimate_us() - 1 * kMs) < 20 * kMs);
}

TEST_CASE("round trip: whatever comes, it stays within what came, and is a number", "[cluster][link]") {
  tests::property("an estimate stays within what came", 100, [] {
    const auto samples = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 20'000'000)));
    RoundTrip trip;
    int least = samples.front(), most = samples.front();
    for (const int sample : samples) {
      trip.add(sample);
      least = std::min(least, sample), most = std::max(most, sample);
      RC_ASSERT(std::isfinite(trip.estimate_us()));
      RC_ASSERT(trip.estimate_us() >= least - 1e-3);
      RC_ASSERT(trip.estimate_us() <= most + 1e-3);
      RC_ASSERT(trip.deviation_us() > 0);
      RC_ASSERT(std::isfinite(trip.deviation_us()));
    }
  });
}

}  // namespace kontor::actors

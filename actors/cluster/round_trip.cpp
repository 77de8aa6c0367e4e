#include "actors/cluster/round_trip.hpp"

#include <algorithm>
#include <cmath>

namespace kontor::actors {
namespace {

constexpr double kDrift = 100.0 * 100.0;    // Q: a tenth of a millisecond from sample to sample.
constexpr double kNoiseMin = 50.0 * 50.0;   // R: a machine's own scheduling, on the best of roads.
constexpr double kNoiseShare = 1.0 / 16.0;  // Of each innovation in R: it should change more slowly than the estimate.
constexpr double kOutlier = 3.0 * 3.0;      // Innovations beyond three deviations.
constexpr int kOutliersMax = 3;             // So many of them on one side are no noise: the road is another one.

}  // namespace

double RoundTrip::deviation_us() const { return std::sqrt(variance_ + kDrift + noise_); }

void RoundTrip::add(double sample_us) {
  if (!measured_) {
    measured_ = true;
    estimate_ = sample_us;
    variance_ = noise_ = std::max(kNoiseMin, sample_us * sample_us / 4);  // Half of it, as RFC 6298 begins.
    return;
  }
  variance_ += kDrift;
  double innovation = sample_us - estimate_;
  const double square = innovation * innovation;
  const double expected = variance_ + noise_;
  if (square <= kOutlier * expected) {
    outliers_ = 0;
  } else if (innovation > 0) {
    outliers_ = std::max(outliers_, 0) + 1;
  } else {
    outliers_ = std::min(outliers_, 0) - 1;
  }
  if (std::abs(outliers_) >= kOutliersMax) {
    outliers_ = 0;
    variance_ = square;  // All of the estimate is in question, and none of the samples.
  } else {
    // An outlier counts as the largest of what is expected: else one would throw the estimate away, and make R so large
    // that nothing after it counts.
    const double limit = std::sqrt(kOutlier * expected);
    innovation = std::clamp(innovation, -limit, limit);
    noise_ = std::max(kNoiseMin, noise_ + kNoiseShare * (std::min(square, kOutlier * expected) - expected));
  }
  const double gain = variance_ / (variance_ + noise_);
  estimate_ += gain * innovation;
  variance_ *= 1 - gain;
}

}  // namespace kontor::actors

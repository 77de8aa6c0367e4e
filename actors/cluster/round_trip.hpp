#pragma once

namespace kontor::actors {

/// How long a frame to a peer and its answer take, from noisy samples: a Kalman filter of one dimension. Pure; all
/// figures are microseconds. (Not in domain/, which has no floating point.)
///
/// Model: the road's time x drifts, x' = x + w with w ~ N(0, Q), and each sample z = x + v with v ~ N(0, R).
/// Source: Kalman, "A New Approach to Linear Filtering and Prediction Problems" (1960); the scalar form as in Welch and
/// Bishop, "An Introduction to the Kalman Filter" (TR 95-041), section 3. Nobody knows R beforehand, so it is matched
/// to the innovations, whose expected square is P + R (Mehra, "Approaches to adaptive filtering", 1972). Why not a
/// fixed share of each sample, as TCP has it (RFC 6298): on a quiet road a sample says much, on a noisy one little, and
/// this gives each the weight that it has earned.
class RoundTrip {
 public:
  void add(double sample_us);

  bool measured() const { return measured_; }
  double estimate_us() const { return estimate_; }
  /// Of the next sample from the estimate: the root of P + Q + R.
  double deviation_us() const;

 private:
  bool measured_ = false;
  double estimate_ = 0;  ///< x
  double variance_ = 0;  ///< P, of the estimate.
  double noise_ = 0;     ///< R, of a sample.
  int outliers_ = 0;     ///< In a row and on one side: below zero when the samples were too small.
};

}  // namespace kontor::actors

#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kontor::actors {

/// How much the silence of a peer says that it is gone. Pure: whoever calls has the clock.
///
/// Rule: phi = -log10(P(a silence lasts longer than this one)), with the silences of the recent past taken for normally
/// distributed. phi 1: one in ten such suspicions is wrong; phi 8: one in 10^8.
/// Source: Hayashibara, Défago, Yared and Katayama, "The phi accrual failure detector" (SRDS 2004), section 5.
/// Here heartbeats are whatever the peer sends, and a peer that has much to say would make any pause look like death.
/// So silences below kHeartbeat count together, until they make one of that length; a peer that has nothing to say is
/// asked that often. A deviation below kDeviationMin is not believed: a few even beats prove little.
class Suspicion {
 public:
  using Time = std::chrono::microseconds;  ///< Since anything.

  static constexpr Time kHeartbeat{100'000};
  static constexpr Time kDeviationMin{100'000};
  static constexpr std::size_t kSilencesKept = 256;  // Half a minute of beats: what the road was like lately.
  static constexpr std::size_t kSilencesMin = 10;    // Below: no opinion.
  static constexpr double kPhiMax = 99;              // Beyond, the tail of a normal distribution is below any double.

  /// Of a new connection, which says nothing of an older one.
  void begin(Time now);
  void heard(Time now);
  /// 0: no opinion yet. Never falls while nothing is heard.
  double phi(Time now) const;

  std::size_t silences() const { return count_; }

 private:
  std::array<std::int64_t, kSilencesKept> kept_us_{};  ///< A ring.
  std::size_t next_ = 0, count_ = 0;
  std::int64_t sum_us_ = 0,
               squares_us2_ = 0;  ///< Exact: with doubles, what was added and taken out again would leave a rest.
  Time heard_{0}, counted_{0};
};

}  // namespace kontor::actors

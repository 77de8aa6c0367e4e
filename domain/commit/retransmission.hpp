#pragma once
#include <algorithm>
#include <chrono>

#include "domain/limits.hpp"

namespace kontor::commit {

/// After what time what is unanswered is sent again, over a road whose round trip takes so long, and so much more or
/// less: four deviations above the estimate, and never before a second, which a busy disk may take to answer. Source:
/// RFC 6298, "Computing TCP's Retransmission Timer", rules 2.2 to 2.5; the estimate is a Kalman filter's
/// (actors/cluster/round_trip.hpp).
constexpr std::chrono::microseconds resend_after(std::chrono::microseconds round_trip,
                                                 std::chrono::microseconds deviation) {
  return std::clamp<std::chrono::microseconds>(round_trip + 4 * deviation, kResendAfterMin, kResendAfterMax);
}

}  // namespace kontor::commit

#include "actors/cluster/suspicion.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kontor::actors {
namespace {

/// Longer ones end a link whatever phi says (kSilenceMax); this keeps the sum of squares in its integer.
constexpr std::int64_t kSilenceKeptMaxUs = 60'000'000;

}  // namespace

void Suspicion::begin(Time now) {
  next_ = count_ = 0;
  sum_us_ = squares_us2_ = 0;
  heard_ = counted_ = now;
}

void Suspicion::heard(Time now) {
  heard_ = std::max(heard_, now);
  if (now - counted_ < kHeartbeat) return;
  const std::int64_t silence = std::min<std::int64_t>((now - counted_).count(), kSilenceKeptMaxUs);
  counted_ = now;
  std::int64_t& slot = kept_us_[next_];
  next_ = (next_ + 1) % kSilencesKept;
  if (count_ == kSilencesKept) {
    sum_us_ -= slot, squares_us2_ -= slot * slot;
  } else {
    ++count_;
  }
  slot = silence;
  sum_us_ += silence, squares_us2_ += silence * silence;
}

double Suspicion::phi(Time now) const {
  if (count_ < kSilencesMin || now <= heard_) return 0;
  const auto count = static_cast<double>(count_);
  const double mean = static_cast<double>(sum_us_) / count;
  const double variance = std::max(0.0, static_cast<double>(squares_us2_) / count - mean * mean);
  const double deviation = std::max(static_cast<double>(kDeviationMin.count()), std::sqrt(variance));
  const double silence = static_cast<double>((now - heard_).count());
  const double later = std::erfc((silence - mean) / deviation / std::numbers::sqrt2) / 2;
  return later > 0 ? std::min(kPhiMax, -std::log10(later)) : kPhiMax;
}

}  // namespace kontor::actors

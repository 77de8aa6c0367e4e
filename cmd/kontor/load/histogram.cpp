#include "cmd/kontor/load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kontor::cmd {
namespace {

/// Values of 2^n to 2^(n+1) - 1 share this many buckets, from n = 11 on.
constexpr std::uint64_t kPerOctave = Histogram::kExactBelow / 2;
constexpr int kPerOctaveBits = std::countr_zero(kPerOctave);

}  // namespace

Histogram::Histogram() : buckets_(bucket_of(kValueMax) + 1, 0) {}

std::size_t Histogram::bucket_of(std::uint64_t value) {
  if (value < kExactBelow) return value;
  const auto shift = static_cast<std::uint64_t>(std::bit_width(value) - 1 - kPerOctaveBits);
  return kPerOctave * shift + (value >> shift);
}

std::uint64_t Histogram::largest_in(std::size_t bucket) {
  if (bucket < kExactBelow) return bucket;
  const std::uint64_t shift = bucket / kPerOctave - 1;
  const std::uint64_t mantissa = bucket - kPerOctave * shift;
  return ((mantissa + 1) << shift) - 1;
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::quantile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= std::max<std::uint64_t>(wanted, 1)) return std::min(largest_in(i), max_);
  }
  return 0;
}

}  // namespace kontor::cmd

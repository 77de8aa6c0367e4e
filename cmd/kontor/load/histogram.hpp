#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kontor::cmd {

/// Counts of durations in nanoseconds, in a fixed number of buckets whose width grows with the value: no bucket is
/// wider than 1/1,024 of its values, so quantiles keep three significant digits. Recording allocates nothing.
class Histogram {
 public:
  static constexpr std::uint64_t kExactBelow = 2'048;                 ///< Smaller values have a bucket of their own.
  static constexpr std::uint64_t kValueMax = std::uint64_t{1} << 42;  ///< 73 minutes; larger values count as this.

  Histogram();

  void record(std::uint64_t value, std::uint64_t times = 1) {
    if (times == 0) return;
    if (value > kValueMax) value = kValueMax;
    buckets_[bucket_of(value)] += times;
    count_ += times;
    if (value > max_) max_ = value;
  }
  void add(const Histogram& other);

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  /// The value that a `share` of all values does not exceed, as the upper end of its bucket; 0 when empty.
  std::uint64_t quantile(double share) const;

  /// Layout, open to tests.
  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t largest_in(std::size_t bucket);

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0, max_ = 0;
};

}  // namespace kontor::cmd

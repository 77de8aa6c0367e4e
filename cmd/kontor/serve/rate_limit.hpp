#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace kontor::cmd::serve {

inline constexpr std::size_t kCallersMax = 16'384;  // Known one by one, some 150 bytes each; the others share one.
inline constexpr unsigned kRateLimitPerSecondMax = 1'000'000;  // Beyond, it limits nothing.

/// How often each caller may ask: a bucket of tokens each, as large as what a second brings, so that a second's worth
/// may come at once. Any thread.
class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// `per_second` 0: as often as they like. `callers_max`: a test makes it small.
  explicit RateLimit(unsigned per_second, std::size_t callers_max = kCallersMax)
      : per_second_(per_second), callers_max_(callers_max) {}

  /// 0: `caller` may ask now, and has. Else in so many seconds.
  unsigned wait_s(const std::string& caller, Time now);
  bool is_on() const { return per_second_ != 0; }

  std::uint64_t refused() const { return refused_; }
  std::size_t callers() const;

 private:
  struct Bucket {
    double tokens = 0;
    Time filled_at;
  };
  void fill(Bucket& bucket, Time now) const;
  Bucket& bucket_of(const std::string& caller, Time now);
  void forget_idle(Time now);

  const unsigned per_second_;
  const std::size_t callers_max_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  Bucket others_;  ///< Of all that find the table full.
  Time looked_at_;
  std::atomic<std::uint64_t> refused_{0};
};

/// Who sends from `address`, as far as the limit goes: of IPv6 the /64, which is the least that one customer has.
std::string network_of(const std::string& address);

}  // namespace kontor::cmd::serve

#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

namespace kontor {

/// How long something took, each time: counts under upper bounds.
struct LatencyCounts {
  static constexpr std::array<std::int64_t, 16> kBoundsNs{
      50'000,     100'000,    250'000,     500'000,     1'000'000,   2'500'000,     5'000'000,     10'000'000,
      25'000'000, 50'000'000, 100'000'000, 250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000};
  std::array<std::uint64_t, kBoundsNs.size() + 1> counts{};  ///< Up to each bound from the one before; last: beyond.
  std::uint64_t sum_ns = 0;
};

namespace actors {

/// Counts what becomes LatencyCounts. Any thread.
class Latency {
 public:
  /// A clock that was set back makes it 0.
  void add(std::int64_t took_ns) {
    took_ns = std::max<std::int64_t>(took_ns, 0);
    const auto& bounds = LatencyCounts::kBoundsNs;
    const auto place = std::lower_bound(bounds.begin(), bounds.end(), took_ns) - bounds.begin();
    counts_[static_cast<std::size_t>(place)].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(static_cast<std::uint64_t>(took_ns), std::memory_order_relaxed);
  }
  LatencyCounts counts() const {
    LatencyCounts out;
    for (std::size_t i = 0; i < counts_.size(); ++i) out.counts[i] = counts_[i].load(std::memory_order_relaxed);
    out.sum_ns = sum_ns_.load(std::memory_order_relaxed);
    return out;
  }

 private:
  std::array<std::atomic<std::uint64_t>, LatencyCounts::kBoundsNs.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

}  // namespace actors
}  // namespace kontor

#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kontor::http {

/// Running totals of a server. Any thread.
struct Stats {
  static constexpr unsigned kStatusFirst = 100, kStatusEnd = 600;
  std::array<std::atomic<std::uint64_t>, kStatusEnd - kStatusFirst> responses{};  ///< By status.
  std::atomic<std::uint64_t> accepted{0}, refused{0};                             ///< Connections; refused: too many.
  std::atomic<std::int64_t> open{0};                                              ///< Connections now.
  std::atomic<std::uint64_t> body_bytes{0};      ///< Of request bodies that are held now.
  std::atomic<std::uint64_t> bodies_refused{0};  ///< There was no room for them.
  std::atomic<std::uint64_t> bodies_late{0};     ///< They came too slowly.

  /// Upper bounds, in seconds, of what `latency` counts; its last element counts what took longer.
  static constexpr std::array<double, 12> kLatencySeconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                          0.05,   0.1,   0.25,   0.5,   1,    2.5};
  std::array<std::atomic<std::uint64_t>, kLatencySeconds.size() + 1> latency{};
  std::atomic<std::uint64_t> latency_us{0};  ///< Of all requests together.

  /// From a request's first byte to its answer.
  void took(std::chrono::nanoseconds time) {
    const double seconds = std::chrono::duration<double>(time).count();
    const auto* const bound = std::lower_bound(kLatencySeconds.begin(), kLatencySeconds.end(), seconds);
    latency[static_cast<std::size_t>(bound - kLatencySeconds.begin())].fetch_add(1, std::memory_order_relaxed);
    latency_us.fetch_add(static_cast<std::uint64_t>(time / std::chrono::microseconds(1)), std::memory_order_relaxed);
  }
  void count(unsigned status) {
    if (status >= kStatusFirst && status < kStatusEnd)
      responses[status - kStatusFirst].fetch_add(1, std::memory_order_relaxed);
  }
};

}  // namespace kontor::http

#pragma once
#include <array>
#include <atomic>
#include <cstdint>

namespace kontor::http {

/// Running totals of a server. Any thread.
struct Stats {
  static constexpr unsigned kStatusFirst = 100, kStatusEnd = 600;
  std::array<std::atomic<std::uint64_t>, kStatusEnd - kStatusFirst> responses{};  ///< By status.
  std::atomic<std::uint64_t> accepted{0}, refused{0};                             ///< Connections; refused: too many.
  std::atomic<std::int64_t> open{0};                                              ///< Connections now.

  void count(unsigned status) {
    if (status >= kStatusFirst && status < kStatusEnd)
      responses[status - kStatusFirst].fetch_add(1, std::memory_order_relaxed);
  }
};

}  // namespace kontor::http

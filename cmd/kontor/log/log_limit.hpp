#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

namespace kontor::cmd {

/// Keeps what may come in floods from filling a log: lets so many through in a second, and counts the others. Pure.
class LogLimit {
 public:
  explicit LogLimit(std::uint64_t per_second) : per_second_(per_second) {}

  /// None: not this one. Else how many were held back since the last that was let through.
  std::optional<std::uint64_t> pass(std::chrono::steady_clock::time_point now) {
    if (now - begun_ >= std::chrono::seconds(1)) begun_ = now, passed_ = 0;
    if (passed_ >= per_second_) {
      ++held_;
      return {};
    }
    ++passed_;
    const std::uint64_t held = held_;
    held_ = 0;
    return held;
  }

 private:
  const std::uint64_t per_second_;
  std::chrono::steady_clock::time_point begun_;
  std::uint64_t passed_ = 0, held_ = 0;
};

}  // namespace kontor::cmd

#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Figures as people write and read them.
namespace kontor::cmd {

/// Reads "5", "5s", "1.5s", "500ms", "200us", "1m" or "2h"; a bare number is seconds. None: not a positive duration,
/// or beyond a year.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// "412,334".
std::string grouped(std::uint64_t number);
/// `value` with `digits` after the point, the whole part grouped: "1,234.50".
std::string decimal(double value, int digits);
/// "870 ns", "4.21 ms", "1.50 s": three significant digits.
std::string duration_text(std::chrono::nanoseconds duration);
/// "128 MB", in powers of 1,000: three significant digits.
std::string bytes_text(std::uint64_t bytes);
/// "99.87 %".
std::string percent_text(double share);

}  // namespace kontor::cmd

#include "cmd/kontor/figures.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace kontor::cmd {
namespace {

std::string format(const char* pattern, int digits, double value) {
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), pattern, digits, value);
  return {text.data(), static_cast<std::size_t>(size)};
}

/// Three significant digits, as long as that needs no exponent.
std::string three_digits(double value) { return decimal(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0); }

struct Unit {
  std::string_view name;
  double seconds;
};
constexpr std::array<Unit, 6> kUnits = {{{"s", 1}, {"", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"m", 60}, {"h", 3'600}}};
constexpr double kDurationSecondsMax = 366.0 * 86'400;

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  double number = 0;
  const auto [rest, failure] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (failure != std::errc{}) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    const double seconds = number * unit.seconds;
    if (!(seconds >= 1e-9 && seconds <= kDurationSecondsMax)) return std::nullopt;  // Also what is no number.
    return std::chrono::nanoseconds(std::llround(seconds * 1e9));
  }
  return std::nullopt;
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string decimal(double value, int digits) {
  const std::string text = format("%.*f", digits, std::abs(value));
  const std::size_t point = std::min(text.find('.'), text.size());
  std::uint64_t whole = 0;
  std::from_chars(text.data(), text.data() + point, whole);
  return (std::signbit(value) ? "-" : "") + grouped(whole) + text.substr(point);
}

std::string duration_text(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<double>(duration.count());
  if (ns < 999.5) return decimal(ns, 0) + " ns";
  if (ns < 999.5e3) return three_digits(ns / 1e3) + " us";
  if (ns < 999.5e6) return three_digits(ns / 1e6) + " ms";
  return three_digits(ns / 1e9) + " s";
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames = {" B", " kB", " MB", " GB", " TB"};
  auto value = static_cast<double>(bytes);
  std::size_t name = 0;
  while (value >= 999.5 && name + 1 < kNames.size()) value /= 1'000, ++name;
  return (name == 0 ? grouped(bytes) : three_digits(value)) + std::string(kNames[name]);
}

std::string percent_text(double share) { return format("%.*f", 2, share * 100) + " %"; }

}  // namespace kontor::cmd

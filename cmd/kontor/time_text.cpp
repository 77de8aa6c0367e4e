#include "cmd/kontor/time_text.hpp"

#include <cstdio>
#include <ctime>

namespace kontor::cmd {

std::string time_text(std::int64_t unix_ns) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  std::int64_t ns = unix_ns % kNsPerSecond;
  std::time_t seconds = static_cast<std::time_t>(unix_ns / kNsPerSecond);
  if (ns < 0) ns += kNsPerSecond, --seconds;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char date[32], text[48];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text, sizeof text, "%s.%06lldZ", date, static_cast<long long>(ns / 1000));
  return text;
}

}  // namespace kontor::cmd

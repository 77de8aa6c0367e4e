#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kontor::cmd {

/// Unix time in ns as RFC 3339 in UTC, to the microsecond: 2026-01-31T12:00:00.123456Z.
std::string time_text(std::int64_t unix_ns);

/// Reads any time of RFC 3339 from 1970 to 2261, to the nanosecond. None: it is not one.
std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace kontor::cmd

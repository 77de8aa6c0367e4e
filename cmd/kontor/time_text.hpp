#pragma once
#include <cstdint>
#include <string>

namespace kontor::cmd {

/// Unix time in ns as RFC 3339 in UTC, to the microsecond: 2026-01-31T12:00:00.123456Z.
std::string time_text(std::int64_t unix_ns);

}  // namespace kontor::cmd

#pragma once
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/value.hpp>

#include "cmd/kontor/serve/problem.hpp"

namespace kontor::cmd::serve {

inline constexpr std::size_t kJsonDepthMax = 16;            // Arrays and objects inside each other; ours need 4.
inline constexpr std::size_t kObjectMembersMax = 32;        // Of one object; ours have at most 8.
inline constexpr std::size_t kJsonArrayElementsMax = 4096;  // Of one array; ours have at most 2,000.

/// Reads one JSON text (RFC 8259) without what leaves room for two readings: no member twice, no number but integers of
/// 64 bits, no text that is not UTF-8, bounded depth and width. A Problem names the place.
std::variant<boost::json::value, Problem> parse_strict(std::string_view text, boost::json::storage_ptr storage = {});

/// `name` as one reference token of a JSON pointer (RFC 6901).
std::string pointer_token(std::string_view name);

}  // namespace kontor::cmd::serve

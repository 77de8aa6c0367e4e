#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kontor::http {

/// The text that `%41%42` stands for. None: a `%` without two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);
/// `text` as one segment of a path.
std::string percent_encoded(std::string_view text);

/// The segments of `path` where `pattern` (`/v1/orders/{order}/cancel`) has a name in braces, decoded. None: no match.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path);

}  // namespace kontor::http

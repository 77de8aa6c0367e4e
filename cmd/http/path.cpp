#include "cmd/http/path.hpp"

namespace kontor::http {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/// The first segment of `path`, which begins with '/', is cut off and returned.
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return {};
    const int high = digit(text[i + 1]), low = digit(text[i + 2]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path) {
  if (!path.starts_with(pattern.substr(0, pattern.find('{')))) return {};  // Most routes end here.
  std::vector<std::string> names;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = next_segment(pattern), given = next_segment(path);
    if (!wanted.starts_with('{')) {
      if (wanted != given) return {};
      continue;
    }
    auto name = percent_decoded(given);
    if (!name || name->empty()) return {};
    names.push_back(std::move(*name));
  }
  if (!pattern.empty() || !path.empty()) return {};
  return names;
}

}  // namespace kontor::http

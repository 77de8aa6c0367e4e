#include "cmd/kontor/log/line_text.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>

#include "cmd/kontor/json_text.hpp"
#include "domain/text.hpp"

namespace kontor::cmd {
namespace {

namespace json = boost::json;

constexpr std::size_t kAroundBytesMax = 100;  // Time, level and braces.

/// A file's name, for one, may be any bytes.
json::value well_formed(const json::value& value) {
  const json::string* text = value.if_string();
  if (!text || is_name(*text, text->size())) return value;
  json::string out(*text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return out;
}

/// Needs no quotes.
bool is_plain(const json::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '='; });
}

std::string json_line(std::string_view event, const json::object& fields) {
  json::object all{{"event", event}};
  for (const auto& [name, value] : fields) all.emplace(name, well_formed(value));
  const std::string text = json_text(all);
  return text.substr(1, text.size() - 2);  // The braces are around time and level, too.
}

std::string text_line(std::string_view event, const json::object& fields) {
  std::string out(event);
  for (const auto& [name, value] : fields) {
    const json::value good = well_formed(value);
    const json::string* text = good.if_string();
    out.append(" ").append(name).append("=").append(text && is_plain(*text) ? std::string(*text) : json_text(good));
  }
  return out;
}

}  // namespace

std::string line_text(LogFormat format, std::string_view event, const json::object& fields) {
  std::string out = format == LogFormat::json ? json_line(event, fields) : text_line(event, fields);
  return out.size() + kAroundBytesMax <= kLogLineBytesMax ? out : line_text(format, event, {{"cut", true}});
}

}  // namespace kontor::cmd

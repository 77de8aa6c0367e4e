#include "cmd/kontor/json_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include <boost/json.hpp>

namespace kontor::cmd {
namespace {

namespace json = boost::json;

void append_number(double number, std::string& out) {
  std::array<char, 400> text{};  // The largest double has 309 digits before the point.
  const auto [end, failure] = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (failure != std::errc{} || !std::isfinite(number))
    out += "null";  // JSON has no infinity.
  else
    out.append(text.data(), end);
}

void append(const json::value& value, std::string& out) {
  char separator = '\0';
  const auto next = [&](char open) { out += separator == '\0' ? open : ',', separator = ','; };
  if (const json::object* object = value.if_object()) {
    if (object->empty()) out += '{';
    for (const auto& [name, member] : *object) {
      next('{');
      out += json::serialize(name) + ":";
      append(member, out);
    }
    out += '}';
  } else if (const json::array* array = value.if_array()) {
    if (array->empty()) out += '[';
    for (const json::value& element : *array) {
      next('[');
      append(element, out);
    }
    out += ']';
  } else if (const double* number = value.if_double()) {
    append_number(*number, out);
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string json_text(const boost::json::value& value) {
  std::string out;
  append(value, out);
  return out;
}

}  // namespace kontor::cmd

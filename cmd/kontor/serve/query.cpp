#include "cmd/kontor/serve/query.hpp"

#include <algorithm>
#include <charconv>

#include "cmd/http/path.hpp"

namespace kontor::cmd::serve {

Query::Query(std::string_view text, std::span<const std::string_view> known, Refusal& refusal) : refusal_(refusal) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    add(part, known);
  }
}

void Query::add(std::string_view part, std::span<const std::string_view> known) {
  const std::size_t equals = std::min(part.find('='), part.size());
  const auto name = http::percent_decoded(part.substr(0, equals));
  const auto value = http::percent_decoded(part.substr(std::min(part.size(), equals + 1)));
  if (!name || !value) return refusal_.set(Errc::invalid_argument, "query", "it is not percent-encoded");
  if (std::find(known.begin(), known.end(), *name) == known.end())
    return refusal_.set(Errc::invalid_argument, "query", "the path takes no such parameter");
  if (text(*name)) return refusal_.set(Errc::invalid_argument, *name, "the parameter comes twice");
  pairs_.push_back({*name, *value});
}

std::optional<std::string> Query::text(std::string_view name) const {
  const auto it = std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& pair) { return pair.name == name; });
  return it == pairs_.end() ? std::nullopt : std::optional(it->value);
}

std::size_t Query::integer(std::string_view name, std::size_t least, std::size_t most, std::size_t otherwise) const {
  const auto given = text(name);
  if (!given) return otherwise;
  std::size_t number = 0;
  const auto [end, failure] = std::from_chars(given->data(), given->data() + given->size(), number);
  if (failure != std::errc{} || end != given->data() + given->size() || number < least || number > most)
    refusal_.set(Errc::invalid_argument, std::string(name),
                 "an integer from " + std::to_string(least) + " to " + std::to_string(most) + " is needed");
  return number;
}

}  // namespace kontor::cmd::serve

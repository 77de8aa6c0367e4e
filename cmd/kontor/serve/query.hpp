#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/kontor/serve/fields.hpp"

namespace kontor::cmd::serve {

/// The query of a request: `limit=10&after=evt_0`. What nobody knows, or what comes twice, is refused.
class Query {
 public:
  /// `known`: the names that the route takes.
  Query(std::string_view text, std::span<const std::string_view> known, Refusal& refusal);

  /// None: it was not given.
  std::optional<std::string> text(std::string_view name) const;
  /// `otherwise` when it was not given.
  std::size_t integer(std::string_view name, std::size_t least, std::size_t most, std::size_t otherwise) const;

 private:
  struct Pair {
    std::string name, value;
  };
  void add(std::string_view part, std::span<const std::string_view> known);

  std::vector<Pair> pairs_;
  Refusal& refusal_;
};

}  // namespace kontor::cmd::serve

#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "cmd/kontor/serve/query.hpp"

namespace kontor::cmd::serve {

inline constexpr std::array<std::string_view, 3> kListQuery{"limit", "starting_after", "ending_before"};
inline constexpr std::size_t kListedUsual = 100;

/// Which page of a list is asked for: `limit` elements after `from`, or before it, or from the list's beginning.
struct ListQuery {
  std::size_t limit = 0;
  std::optional<std::string> from;
  bool back = false;

  /// The parameter that `from` came in.
  const char* from_name() const { return back ? "ending_before" : "starting_after"; }
};
ListQuery list_query(const Query& query, std::size_t limit_max, std::size_t limit_usual, Refusal& refusal);

}  // namespace kontor::cmd::serve

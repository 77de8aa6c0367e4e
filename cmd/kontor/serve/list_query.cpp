#include "cmd/kontor/serve/list_query.hpp"

namespace kontor::cmd::serve {

ListQuery list_query(const Query& query, std::size_t limit_max, std::size_t limit_usual, Refusal& refusal) {
  ListQuery list;
  list.limit = query.integer("limit", 1, limit_max, limit_usual);
  const auto after = query.text("starting_after"), before = query.text("ending_before");
  if (after && before)
    refusal.set(Errc::invalid_argument, "ending_before", "one of starting_after and ending_before is enough");
  list.from = after ? after : before;
  list.back = before.has_value();
  return list;
}

}  // namespace kontor::cmd::serve

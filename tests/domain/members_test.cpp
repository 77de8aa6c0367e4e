#include "domain/members.hpp"

#include <vector>

#include "tests/support/catch.hpp"

namespace kontor {

TEST_CASE("members: of two lists the longer is newer, and others are no news", "[domain]") {
  const Member a{"a", "10.0.0.1", 1}, b{"b", "10.0.0.2", 1}, c{"c", "10.0.0.3", 1};
  const auto news = [](const std::vector<Member>& known, const std::vector<Member>& heard) {
    return new_members(known, heard);
  };
  CHECK(news({a, b}, {a, b}) == 0U);
  CHECK(news({a, b}, {a, b, c}) == 1U);
  CHECK(news({}, {a, b}) == 2U);
  CHECK(news({a, b, c}, {a}) == 0U);
  CHECK(news({a, b}, {a, {"b", "elsewhere", 2}}) == 0U);  // A name is who it is; its address is the configuration's.
  CHECK_FALSE(news({a, b}, {b, a}));
  CHECK_FALSE(news({a, b}, {a, c, b}));
}

}  // namespace kontor

#include "domain/name_index.hpp"

#include <vector>

#include "tests/domain/values.hpp"

namespace kontor::tests {
namespace {

/// A name whose hash is its first letter: most of them collide.
struct Clashing {
  std::string text;
  std::uint64_t hash() const { return static_cast<std::uint64_t>(text.front()); }
  friend auto operator<=>(const Clashing&, const Clashing&) = default;
};

}  // namespace

TEST_CASE("name index: names whose hashes collide are told apart", "[domain][name_index]") {
  NameIndex<Clashing> index;
  std::vector<Clashing> rows;
  const auto find = [&](const std::string& text) {
    return index.find(Clashing{text}, [&](std::uint32_t row) -> const Clashing& { return rows[row]; });
  };
  for (const char* text : {"ant", "ape", "bee", "asp", "auk", "bat"}) {
    CHECK_FALSE(find(text));
    index.add(Clashing{text}, static_cast<std::uint32_t>(rows.size()));
    rows.push_back({text});
    for (std::uint32_t row = 0; row < rows.size(); ++row) CHECK(find(rows[row].text) == row);
  }
  CHECK_FALSE(find("cat"));
  CHECK_FALSE(find("adder"));
}

}  // namespace kontor::tests

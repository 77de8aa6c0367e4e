#include "domain/rows.hpp"

#include <set>

#include "tests/domain/values.hpp"
#include "tests/support/property.hpp"

namespace kontor::tests {

using Numbers = std::vector<std::uint32_t>;

TEST_CASE("rows: a full block begins the next, and blocks show what is used of them", "[domain][rows]") {
  Rows<int> rows;
  CHECK(rows.size() == 0);
  CHECK(rows.blocks() == 0);
  for (int i = 0; i < static_cast<int>(kRowsPerBlock); ++i) CHECK(rows.add(i) == static_cast<std::uint32_t>(i));
  CHECK(rows.blocks() == 1);
  CHECK(rows.block(0).size() == kRowsPerBlock);
  CHECK(rows.add(1'000) == kRowsPerBlock);
  CHECK(rows.blocks() == 2);
  CHECK(rows.block(0).size() == kRowsPerBlock);
  REQUIRE(rows.block(1).size() == 1);
  CHECK(rows.block(1)[0] == 1'000);
}

TEST_CASE("rows: a block is dirty from its change until it is taken", "[domain][rows]") {
  Rows<int> rows;
  for (int i = 0; i < static_cast<int>(3 * kRowsPerBlock); ++i) rows.add(i);
  CHECK(rows.take_dirty() == Numbers{0, 1, 2});
  CHECK(rows.take_dirty().empty());
  rows.change(2 * kRowsPerBlock) = 7;
  rows.change(0) = 8;
  rows.change(1) = 9;
  CHECK(rows.take_dirty() == Numbers{0, 2});
  rows.change(0) = 10;
  CHECK(rows.take_dirty() == Numbers{0});
  CHECK(rows[0] == 10);
  CHECK(rows[2 * kRowsPerBlock] == 7);
}

TEST_CASE("rows: adding to a clean block makes it dirty", "[domain][rows]") {
  Rows<int> rows;
  rows.add(1);
  CHECK(rows.take_dirty() == Numbers{0});
  rows.add(2);
  CHECK(rows.take_dirty() == Numbers{0});
}

TEST_CASE("rows: rows do not move when the table grows", "[domain][rows]") {
  Rows<int> rows;
  rows.add(42);
  const int* first = &rows[0];
  for (int i = 0; i < 10'000; ++i) rows.add(i);
  CHECK(first == &rows[0]);
  CHECK(*first == 42);
}

TEST_CASE("rows: the table is a vector that knows what changed", "[domain][rows]") {
  property("random additions, changes and captures", 100, [] {
    Rows<int> rows;
    std::vector<int> model;
    std::set<std::uint32_t> dirty;
    const auto steps = *rc::gen::container<std::vector<std::pair<int, unsigned>>>(
        rc::gen::pair(rc::gen::inRange(0, 10), rc::gen::arbitrary<unsigned>()));
    for (const auto& [kind, value] : steps) {
      if (kind == 0) {
        RC_ASSERT(rows.take_dirty() == Numbers(dirty.begin(), dirty.end()));
        dirty.clear();
      } else if (kind < 4 && !model.empty()) {
        const auto at = static_cast<std::uint32_t>(value % model.size());
        rows.change(at) = model[at] = static_cast<int>(value);
        dirty.insert(static_cast<std::uint32_t>(at / kRowsPerBlock));
      } else {
        for (int i = 0; i < 20; ++i) {
          dirty.insert(static_cast<std::uint32_t>(model.size() / kRowsPerBlock));
          rows.add(i);
          model.push_back(i);
        }
      }
    }
    RC_ASSERT(rows.size() == model.size());
    for (std::uint32_t i = 0; i < rows.size(); ++i) RC_ASSERT(rows[i] == model[i]);
    RC_ASSERT(rows.take_dirty() == Numbers(dirty.begin(), dirty.end()));
  });
}

}  // namespace kontor::tests

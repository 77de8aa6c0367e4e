#pragma once
#include <cstdint>
#include <map>
#include <optional>

#include <boost/unordered/unordered_flat_map.hpp>

namespace kontor {

/// From a name to the number of its row. The table holds hashes (12 bytes an entry where a name takes 40), so that most
/// look-ups of a large table miss the cache once less; the row itself, which is read anyway, says whether the name is
/// right. Names whose 64-bit hashes collide go to an ordered map.
template <class Name>
class NameIndex {
 public:
  using Row = std::uint32_t;

  /// `name_of(row)` is the name in that row.
  template <class NameOf>
  std::optional<Row> find(const Name& name, const NameOf& name_of) const {
    const auto it = rows_.find(name.hash());
    if (it == rows_.end()) return {};
    if (name_of(it->second) == name) return it->second;
    const auto other = collided_.find(name);
    if (other == collided_.end()) return {};
    return other->second;
  }
  /// The row that `find` will look at first. Look-ups of many names in a row miss the cache at the same time, so asking
  /// for all of them before the first is used hides most of the misses.
  std::optional<Row> candidate(const Name& name) const {
    const auto it = rows_.find(name.hash());
    if (it == rows_.end()) return {};
    return it->second;
  }
  /// `name` must not be there yet.
  void add(const Name& name, Row row) {
    if (!rows_.try_emplace(name.hash(), row).second) collided_.emplace(name, row);
  }

 private:
  struct Identity {  // XXH3 is a good hash already.
    using is_avalanching = void;
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };
  boost::unordered_flat_map<std::uint64_t, Row, Identity> rows_;
  std::map<Name, Row> collided_;
};

}  // namespace kontor

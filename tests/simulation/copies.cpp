#include "tests/simulation/copies.hpp"

#include <functional>
#include <string_view>

namespace kontor::sim {
namespace {

using persistence::MemoryStore;

template <class Map, class Gone>
bool compare(const Map& from, const Map& to, Map& changed, Gone& gone) {
  auto old = from.begin();
  for (const auto& entry : to) {
    for (; old != from.end() && old->first < entry.first; ++old) gone.push_back(old->first);
    const bool known = old != from.end() && old->first == entry.first;
    if (!known || old->second != entry.second) changed.insert(entry);
    if (known) ++old;
  }
  for (; old != from.end(); ++old) gone.push_back(old->first);
  return !changed.empty() || !gone.empty();
}

template <class Map, class Gone>
void change(Map& map, const Map& changed, const Gone& gone) {
  for (const auto& key : gone) map.erase(key);
  for (const auto& [key, value] : changed) map[key] = value;
}

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  return (hash ^ value) * 0x9e3779b97f4a7c15u + (hash >> 29);
}
std::uint64_t number_of(Position position) { return position; }
std::uint64_t number_of(const std::string& text) { return std::hash<std::string_view>()(text); }

}  // namespace

std::vector<std::shared_ptr<const CopyBlock>> changes(const MemoryStore& from, const MemoryStore& to) {
  std::vector<std::shared_ptr<const CopyBlock>> out;
  for (std::size_t i = 0; i < persistence::kStreams; ++i) {
    CopyBlock block{false, i, {}, {}, {}, {}};
    if (compare(from.streams[i], to.streams[i], block.records, block.records_gone))
      out.push_back(std::make_shared<const CopyBlock>(std::move(block)));
  }
  for (std::size_t i = 0; i < persistence::kTables; ++i) {
    CopyBlock block{true, i, {}, {}, {}, {}};
    if (compare(from.tables[i], to.tables[i], block.rows, block.rows_gone))
      out.push_back(std::make_shared<const CopyBlock>(std::move(block)));
  }
  return out;
}

void apply(MemoryStore& copy, const CopyBlock& block) {
  if (block.table)
    change(copy.tables[block.number], block.rows, block.rows_gone);
  else
    change(copy.streams[block.number], block.records, block.records_gone);
}

std::uint64_t digest(const MemoryStore& store) {
  std::uint64_t hash = 1;
  const auto add = [&](const auto& map) {
    hash = mixed(hash, map.size());
    for (const auto& [key, value] : map) hash = mixed(mixed(hash, number_of(key)), number_of(value));
  };
  for (const auto& stream : store.streams) add(stream);
  for (const auto& table : store.tables) add(table);
  return hash;
}

}  // namespace kontor::sim

#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "persistence/store.hpp"
#include "persistence/store_memory.hpp"

namespace kontor::sim {

/// A part of what changed in a store, to be done to a copy of it.
struct CopyBlock {
  bool table = false;  ///< Of a table, else of a stream.
  std::size_t number = 0;
  persistence::MemoryStore::Journal records;
  std::vector<Position> records_gone;
  persistence::MemoryStore::Rows rows;
  std::vector<std::string> rows_gone;
};

/// What makes `to` of `from`.
std::vector<std::shared_ptr<const CopyBlock>> changes(const persistence::MemoryStore& from,
                                                      const persistence::MemoryStore& to);
void apply(persistence::MemoryStore& copy, const CopyBlock& block);
/// The same for the same bytes.
std::uint64_t digest(const persistence::MemoryStore& store);

}  // namespace kontor::sim

#pragma once
#include <array>
#include <map>
#include <string>

#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>

#include "persistence/record.hpp"

namespace kontor::persistence {

/// What a Store holds when it lives in memory: the same sealed values under the same keys as in the file, so that every
/// reader checks the same checksums. For simulation: one thread, and no Writer while records of a Reader are in use.
struct MemoryStore {
  using Journal = boost::container::flat_map<Position, std::string>;  // It grows at one end and shrinks at the other.
  using Rows = std::map<std::string, std::string, std::less<>>;
  std::array<Journal, kStreams> streams;
  std::array<Rows, kTables> tables;

  Journal& of(Stream stream) { return streams[static_cast<std::size_t>(stream)]; }
  const Journal& of(Stream stream) const { return streams[static_cast<std::size_t>(stream)]; }
  Rows& of(Table table) { return tables[static_cast<std::size_t>(table)]; }
  const Rows& of(Table table) const { return tables[static_cast<std::size_t>(table)]; }
};

/// One write transaction over a MemoryStore: nothing is seen before `commit`.
class MemoryWriter {
 public:
  explicit MemoryWriter(MemoryStore& store) : store_(store) {}
  bool append(Stream stream, const RecordHeader& header, std::string_view payload);
  bool put(Table table, std::string_view key, const RecordHeader& header, std::string_view payload);
  bool erase(Table table, std::string_view key);
  std::size_t truncate(Stream stream, Position before, std::size_t most);
  bool commit();

 private:
  struct Change {
    enum class What : std::uint8_t { append, put, erase, truncate };
    What what = What::append;
    Stream stream = Stream::coordinator;
    Table table = Table::meta;
    Position position = 0;  ///< Of the record, or of the first one that stays.
    std::string key, value;
  };
  MemoryStore& store_;
  boost::container::small_vector<Change, 1> changes_;
};

/// What stands in the store under a position or key, seen as a record.
Result<Record> read_memory(const MemoryStore::Journal::value_type& entry);
Result<Record> read_memory(const MemoryStore::Rows::value_type& entry);

}  // namespace kontor::persistence

#include "persistence/store_memory.hpp"

#include <algorithm>

#include "persistence/store_impl.hpp"

namespace kontor::persistence {
namespace {

std::string sealed(const RecordHeader& header, std::string_view payload) {
  std::string value(sizeof header + payload.size(), '\0');
  seal(header, payload, value.data());
  return value;
}

}  // namespace

bool MemoryWriter::append(Stream stream, const RecordHeader& header, std::string_view payload) {
  if (header.key > kPositionMax || payload.size() > kRecordBytesMax) return false;
  Change change;
  change.stream = stream, change.position = header.key;
  RecordHeader keyed = header;
  keyed.key = part_key(header.key, 0);
  change.value = sealed(keyed, payload);
  changes_.push_back(std::move(change));
  return true;
}

bool MemoryWriter::put(Table table, std::string_view key, const RecordHeader& header, std::string_view payload) {
  if (key.empty() || key.size() > kTableKeyBytesMax || payload.size() > kRecordBytesMax) return false;
  Change change;
  change.what = Change::What::put, change.table = table, change.key = key;
  RecordHeader keyed = header;
  keyed.key = table_key_hash(key);
  change.value = sealed(keyed, payload);
  changes_.push_back(std::move(change));
  return true;
}

bool MemoryWriter::erase(Table table, std::string_view key) {
  Change change;
  change.what = Change::What::erase, change.table = table, change.key = key;
  changes_.push_back(std::move(change));
  return true;
}

std::size_t MemoryWriter::truncate(Stream stream, Position before, std::size_t most) {
  const auto& journal = store_.of(stream);
  Change change;
  change.what = Change::What::truncate, change.stream = stream;
  std::size_t records = 0;
  auto it = journal.begin();
  for (; it != journal.end() && it->first < before && records < most; ++it) ++records;
  change.position = it == journal.end() ? before : it->first;
  changes_.push_back(std::move(change));
  return records;
}

bool MemoryWriter::commit() {
  for (Change& change : changes_) {
    auto& journal = store_.of(change.stream);
    auto& rows = store_.of(change.table);
    switch (change.what) {
      case Change::What::append:
        if (!journal.empty() && journal.rbegin()->first >= change.position) return false;
        journal.emplace_hint(journal.end(), change.position, std::move(change.value));
        break;
      case Change::What::put: rows.insert_or_assign(std::move(change.key), std::move(change.value)); break;
      case Change::What::erase:
        if (const auto it = rows.find(change.key); it != rows.end()) rows.erase(it);
        break;
      case Change::What::truncate: journal.erase(journal.begin(), journal.lower_bound(change.position)); break;
    }
  }
  changes_.clear();
  return true;
}

Result<Record> read_memory(const MemoryStore::Journal::value_type& entry) {
  auto record = unseal(entry.second, part_key(entry.first, 0));
  if (record) record->header.key = entry.first;
  return record;
}

Result<Record> read_memory(const MemoryStore::Rows::value_type& entry) {
  return unseal(entry.second, table_key_hash(entry.first));
}

}  // namespace kontor::persistence

#include "persistence/record.hpp"

#include <bit>
#include <cassert>
#include <cstring>
#include <limits>

#define XXH_INLINE_ALL  // Compiled in: nothing to link, nothing to mix up.
#include <xxhash.h>

namespace kontor::persistence {

static_assert(std::endian::native == std::endian::little, "headers are copied as they lie in memory");

std::string_view to_string(Stream stream) {
  switch (stream) {
    case Stream::coordinator: return "coordinator";
    case Stream::order: return "order";
    case Stream::payment: return "payment";
    case Stream::inventory: return "inventory";
  }
  return "unlisted";
}

std::string_view to_string(Table table) {
  switch (table) {
    case Table::meta: return "meta";
    case Table::accounts: return "accounts";
    case Table::products: return "products";
    case Table::orders: return "orders";
    case Table::outcomes: return "outcomes";
    case Table::keys: return "keys";
  }
  return "unlisted";
}

std::string_view to_string(RecordKind kind) {
  switch (kind) {
    case RecordKind::opened: return "opened";
    case RecordKind::decided: return "decided";
    case RecordKind::learned: return "learned";
    case RecordKind::stances: return "stances";
    case RecordKind::ended: return "ended";
    case RecordKind::asked: return "asked";
    case RecordKind::coordinator_open: return "coordinator_open";
    case RecordKind::order_prepared: return "order_prepared";
    case RecordKind::payment_prepared: return "payment_prepared";
    case RecordKind::payment_open: return "payment_open";
    case RecordKind::inventory_prepared: return "inventory_prepared";
    case RecordKind::inventory_open: return "inventory_open";
    case RecordKind::meta_format: return "meta_format";
    case RecordKind::meta_checkpoint: return "meta_checkpoint";
    case RecordKind::account_block: return "account_block";
    case RecordKind::product_block: return "product_block";
    case RecordKind::order_row: return "order_row";
    case RecordKind::outcome_bitmap: return "outcome_bitmap";
    case RecordKind::key_run_block: return "key_run_block";
    case RecordKind::key_run_list: return "key_run_list";
    case RecordKind::reservation_row: return "reservation_row";
    case RecordKind::key_ages: return "key_ages";
    case RecordKind::meta_place: return "meta_place";
    case RecordKind::meta_members: return "meta_members";
  }
  return "unlisted";
}

namespace {

/// Of everything after the checksum itself.
std::uint64_t checksum_of(std::string_view value) {
  return XXH3_64bits(value.data() + sizeof(std::uint64_t), value.size() - sizeof(std::uint64_t));
}

}  // namespace

void seal(RecordHeader header, std::string_view payload, char* out) {
  assert(payload.size() <= std::numeric_limits<std::uint32_t>::max());
  header.size = static_cast<std::uint32_t>(payload.size());
  std::memcpy(out, &header, sizeof header);
  if (!payload.empty()) std::memcpy(out + sizeof header, payload.data(), payload.size());
  const std::uint64_t checksum = checksum_of({out, sizeof header + payload.size()});
  std::memcpy(out, &checksum, sizeof checksum);
}

namespace {

Result<Record> read_value(std::string_view value, std::uint64_t key, bool checked) {
  RecordHeader header;
  if (value.size() < sizeof header) return Error{Errc::corrupt_journal, "size"};
  std::memcpy(&header, value.data(), sizeof header);
  if (header.size != value.size() - sizeof header) return Error{Errc::corrupt_journal, "size"};
  if (checked && header.checksum != checksum_of(value)) return Error{Errc::corrupt_journal, "checksum"};
  if (header.key != key) return Error{Errc::corrupt_journal, "key"};
  const std::uint16_t version = header.version & static_cast<std::uint16_t>(~kContinues);
  if (version == 0 || version > kRecordVersion) return Error{Errc::incompatible_format, "version"};
  return Record{header, value.substr(sizeof header)};
}

}  // namespace

Result<Record> unseal(std::string_view value, std::uint64_t key) { return read_value(value, key, true); }
Result<Record> glimpse(std::string_view value, std::uint64_t key) { return read_value(value, key, false); }

std::uint64_t table_key_hash(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }

}  // namespace kontor::persistence

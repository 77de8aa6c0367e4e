#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "domain/ids.hpp"
#include "domain/result.hpp"

/// How one stored value looks, in journals and in tables alike:
///
///   value   := RecordHeader payload            (integers little-endian; copy out, LMDB values are not aligned)
///   payload := u8[header.size]                 (layout by header.kind and header.version: see record_codec.hpp)
///
/// In a journal the LMDB key is `position << 16 | part`, u64 in native order (MDB_INTEGERKEY). A record is one value
/// with part 0, unless the file's free space is scattered: then it is cut into parts, each a sealed value under its own
/// key, all but the last with kContinues in its version. Store joins them; its callers see whole records under
/// positions. Tables name their keys themselves and never cut.
namespace kontor::persistence {

/// The journals: one named database per actor of the shard.
enum class Stream : std::uint8_t { coordinator, order, payment, inventory };
inline constexpr std::size_t kStreams = 4;
std::string_view to_string(Stream stream);  ///< Also the database's name.

/// What checkpoints keep. One named database each.
enum class Table : std::uint8_t { meta, accounts, products, orders, outcomes, keys };
inline constexpr std::size_t kTables = 6;
std::string_view to_string(Table table);  ///< Also the database's name.

/// Append only; a retired number is never given out again.
enum class RecordKind : std::uint16_t {
  opened = 1,            ///< coordinator: a new incarnation; aborts what earlier ones left undecided
  decided = 2,           ///< coordinator: outcomes of own transactions
  learned = 3,           ///< coordinator: outcomes of other shards' transactions
  ended = 4,             ///< coordinator: all participants acknowledged, forget
  coordinator_open = 5,  ///< coordinator: commits not yet acknowledged, as of a checkpoint
  stances = 6,           ///< coordinator: where this site stands on three-phase transactions
  asked = 7,             ///< coordinator: who else votes on what another shard asks of this site

  order_prepared = 10,  ///< order: requests registered and orders amended: yes votes
  payment_prepared = 20,
  payment_open = 21,
  inventory_prepared = 30,
  inventory_open = 31,

  meta_format = 50,      ///< tables: shard number, shard count, format version
  meta_checkpoint = 51,  ///< where replay of a stream starts
  account_block = 52,
  product_block = 53,
  order_row = 54,
  outcome_bitmap = 55,
  key_run_block = 56,
  key_run_list = 57,
  reservation_row = 58,  ///< tables: a reservation that holds stock
  key_ages = 59,         ///< tables: which idempotency keys are forgotten, and how old the others are
  meta_place = 60,       ///< a node's own table: where a shard is
  meta_members = 61,     ///< a node's own table: who belongs to the cluster
};
std::string_view to_string(RecordKind kind);

struct RecordHeader {
  std::uint64_t checksum = 0;      ///< XXH3-64 of every byte after this field, payload included.
  std::uint64_t key = 0;           ///< What it is stored under, so that a swapped value is found; see unseal().
  std::int64_t written_at_ns = 0;  ///< Unix time in ns, given by the actor that wrote it; 0 in tables.
  std::uint32_t size = 0;          ///< Of the payload, in bytes.
  RecordKind kind = RecordKind::opened;
  std::uint16_t version = 1;  ///< Of the payload's layout; readers know all older ones.
};
static_assert(sizeof(RecordHeader) == 32 && std::has_unique_object_representations_v<RecordHeader>);

/// Newest payload layout that this build knows.
inline constexpr std::uint16_t kRecordVersion = 1;
/// Bit of `version`: the record goes on in the next part. Never set in what Store returns.
inline constexpr std::uint16_t kContinues = 0x8000;

/// A stored value whose checksum, size and key were found right (glimpsed: size and key). Points into the store: valid
/// during the read.
struct Record {
  RecordHeader header;
  std::string_view payload;
};

/// Of the record in its journal, however many parts it has.
inline std::size_t stored_bytes(const Record& record) { return sizeof(RecordHeader) + record.payload.size(); }

/// Writes header and payload to `out` (exactly sizeof(RecordHeader) + payload.size() bytes) and seals them.
void seal(RecordHeader header, std::string_view payload, char* out);

/// Checks a stored value. `key` is what the header must name: in a journal the LMDB key, in a table table_key_hash().
/// Errors: corrupt_journal with detail "size", "checksum" or "key"; incompatible_format for a newer version.
Result<Record> unseal(std::string_view value, std::uint64_t key);
/// The same without looking at the checksum, which takes as long as the value is: only to find one's way by.
Result<Record> glimpse(std::string_view value, std::uint64_t key);

/// The header key of a table's value.
std::uint64_t table_key_hash(std::string_view key);

}  // namespace kontor::persistence

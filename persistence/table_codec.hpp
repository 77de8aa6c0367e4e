#pragma once
#include <map>
#include <string>
#include <vector>

#include "domain/inventory.hpp"
#include "domain/key_retention.hpp"
#include "domain/ledger.hpp"
#include "domain/order.hpp"
#include "persistence/bytes.hpp"
#include "persistence/record_codec.hpp"

/// The values of the tables that checkpoints write. Keys: blocks by number, u32 big-endian; order rows by id, outcome
/// bitmaps by position, both big-endian; meta by name.
///
///   as_of          := appended: u64, decided: u64
///   account_block  := as_of, account*
///   account        := id, number: u16, kind: u8, limit, balance, held, incoming: zigzag
///   product_block  := as_of, product*
///   product        := sku, number: u16, version: varint, flags: u8,       (1: a price is being set; 2: has set_aside)
///                     price, on_hand, held, incoming, received, adjusted, sold, returned: zigzag, set_aside?
///   set_aside      := reserved, leaving: zigzag
///   order_row      := decided: u64, version: varint, status: u8, n: varint, { bought, refunded, fulfilled: varint }[n]
///   reservation_row := expires_at: u64                              (in meta, under "reservation/" and the order's id)
///   key_ages       := age_ns: u64, forgotten_before: u64, { age_ns: u64, before: u64 }*      (in keys, under "ages")
///   outcome_bitmap := decided: u64, state: u8[]                     (by delta; see ItemState)
///   meta_checkpoint (payment, inventory, order) := replay_from: u64
///   meta_checkpoint (coordinator) := replay_from: u64, incarnation: u32, n: varint, { transaction, sites: varint }[n],
///                     n: varint, { transaction }[n]                 (unacknowledged commits; high water by shard),
///                     { transaction, stance }*                      (may be missing; see record_codec.hpp)
///   meta_format    := version: u16, shard: u16, shards: u16
namespace kontor::persistence {

/// Up to where a stored row has its participant's events in: own records, and decisions.
struct AsOf {
  Position appended = 0;
  Position decided = 0;
};

std::string block_key(std::uint32_t number);
std::string order_key(const OrderId& order);
OrderId order_of_key(std::string_view key);
std::string position_key(Position position);

std::string write_block(const AsOf& as_of, std::span<const Account> rows);
std::string write_block(const AsOf& as_of, std::span<const Product> rows);
Result<AsOf> read_block(std::string_view payload, std::vector<Account>& rows);
Result<AsOf> read_block(std::string_view payload, std::vector<Product>& rows);

std::string write_order_row(Position decided, const OrderProgress& progress);
struct StoredProgress {
  Position decided = 0;
  OrderProgress progress;
};
Result<StoredProgress> read_order_row(std::string_view payload);

/// Reservations that hold stock: nothing else says which of all orders these are.
inline constexpr std::string_view kReservationPrefix = "reservation/";
std::string reservation_key(const OrderId& order);
std::string write_reservation_row(std::int64_t expires_at_ns);
Result<std::int64_t> read_reservation_row(std::string_view payload);

/// Marks that do not ascend are damage.
inline constexpr std::string_view kKeyAgesKey = "ages";
std::string write_key_ages(const KeyAges& ages);
Result<KeyAges> read_key_ages(std::string_view payload);

/// What became of one item of an order_prepared record. An absent bitmap means: all committed.
enum class ItemState : std::uint8_t { absent = 0, undecided = 1, committed = 2, aborted = 3 };
struct StoredOutcomes {
  Position decided = 0;
  std::string states;  ///< One ItemState a byte, by delta.
};
std::string write_outcomes(Position decided, std::string_view states);
Result<StoredOutcomes> read_outcomes(std::string_view payload);

struct CoordinatorCheckpoint {
  Position replay_from = 0;
  std::uint32_t incarnation = 0;
  std::vector<std::pair<TransactionId, std::uint64_t>> unacknowledged;
  std::map<ShardId, TransactionId> high_water;
  Stances stances;  ///< Of three-phase transactions not forgotten when the checkpoint began or ended.
};
std::string write_checkpoint(Position replay_from);
Result<Position> read_checkpoint(std::string_view payload);
std::string write_checkpoint(const CoordinatorCheckpoint& checkpoint);
Result<CoordinatorCheckpoint> read_coordinator_checkpoint(std::string_view payload);

inline constexpr std::uint16_t kFormatVersion = 1;
struct Format {
  std::uint16_t version = kFormatVersion;
  ShardId shard = 0;
  std::uint16_t shards = 1;
};
std::string write_format(const Format& format);
Result<Format> read_format(std::string_view payload);

inline constexpr std::string_view kFormatKey = "format";
std::string checkpoint_key(Stream stream);

}  // namespace kontor::persistence

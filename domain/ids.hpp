#pragma once
#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "domain/limits.hpp"
#include "domain/text.hpp"

namespace kontor {

struct SkuTag {
  static constexpr std::string_view kName = "sku";
};
struct AccountTag {
  static constexpr std::string_view kName = "account";
};
struct KeyTag {
  static constexpr std::string_view kName = "idempotency_key";
};

using Sku = Text<SkuTag, kNameBytesMax>;
using AccountId = Text<AccountTag, kNameBytesMax>;
using IdempotencyKey = Text<KeyTag, kKeyBytesMax>;

/// A unit of durability and failover: one journal, one writer thread, and the actors that write it.
using ShardId = std::uint16_t;

/// Names one transaction for ever: who coordinates it, in which life of that shard, and its number in that life.
/// Text form: `txn_SHARD_INCARNATION_SEQUENCE` in fixed-width hexadecimal, so that text order is id order.
struct TransactionId {
  ShardId shard = 0;
  std::uint32_t incarnation = 0;  ///< 0 means "no transaction": the first life of a shard is 1.
  std::uint64_t sequence = 0;

  explicit operator bool() const { return incarnation != 0; }
  // clang-tidy takes the comparison with 0 inside <=> for a pointer's. NOLINTNEXTLINE(modernize-use-nullptr)
  friend auto operator<=>(const TransactionId&, const TransactionId&) = default;
  friend std::size_t hash_value(const TransactionId& id) {
    return (id.sequence * 0x9e3779b97f4a7c15u) ^ (std::uint64_t{id.incarnation} << 20) ^
           (std::uint64_t{id.shard} << 52);
  }
};

/// An order's id is the id of the transaction that placed it; its text form starts with `ord_`.
using OrderId = TransactionId;

std::string transaction_text(const TransactionId& id);
std::string order_text(const OrderId& id);
/// A reservation is an order that is not paid yet, and has its id; its text form starts with `rsv_`.
std::string reservation_text(const OrderId& id);

/// Reads any of these text forms. Errors: invalid_argument.
Result<TransactionId> parse_transaction(std::string_view text);

/// Place of a record in its shard's journal, over all actors, from 1. A later append has a larger one.
using Position = std::uint64_t;

}  // namespace kontor

#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/demands.hpp"
#include "domain/result.hpp"

/// The bytes of the views (view_store.hpp). Keys sort as their numbers do, so those are big-endian; the alphabet of
/// values is in persistence/bytes.hpp. Every value ends with the low half of XXH3-64 over key and value (view_env.hpp).
///
///   meta      "views"           -> version: u32, shards: u16, accounts: u32, sequence, unbalanced: u64
///             "shard" shard:u16 -> reached: u64, last: u64, transaction
///   accounts  account's name    -> number: varint, currency: u16, balance: zigzag, entries: varint
///   products  sku               -> received, adjusted, sold, returned, reserved: zigzag[5]
///   places    shard: u16, incarnation: u32, sequence: u64 -> the views' sequence: u64
///   rows      list, sequence: u64 -> an entry or an order
///   list      := kind: u8, number: u32 [, number: u32]         (the accounts whose list it is)
///   entry     := transaction, at_ns: zigzag, kind: u8, amount: zigzag, balance: zigzag
///   order     := transaction
///
/// A sequence numbers the committed requests as the views took them in: in each shard's order.
namespace kontor::persistence::views {

/// A change of any of this makes another number; views of another version are made anew from the log.
inline constexpr std::uint32_t kViewsVersion = 1;

/// One committed request: what the views need of it.
struct Fact {
  std::uint64_t place = 0;  ///< In its shard's log.
  TransactionId transaction;
  std::int64_t at_ns = 0;
  OperationKind kind = OperationKind::checkout;
  std::vector<PaymentDemand> payments;
  std::vector<StockDemand> stocks;
  AccountId customer;             ///< Of a checkout.
  std::vector<AccountId> payees;  ///< Likewise; each once.
};

struct ViewsHead {
  std::uint32_t version = kViewsVersion;
  std::uint16_t shards = 0;
  std::uint32_t accounts = 0;    ///< Numbered so far.
  std::uint64_t sequence = 0;    ///< Of the last request taken in.
  std::uint64_t unbalanced = 0;  ///< Requests whose postings did not sum to zero.
};

/// How far a shard's log was taken in.
struct ShardPlace {
  std::uint64_t reached = 0;
  std::uint64_t last = 0;     ///< Place of the last event, and what it was: to see whether the log is still the same.
  TransactionId transaction;  ///< None: there was no event yet.
};

struct AccountView {
  std::uint32_t number = 0;
  Currency currency;
  Minor balance = 0;
  std::uint64_t entries = 0;
  friend bool operator==(const AccountView&, const AccountView&) = default;
};

struct ProductView {
  Units received = 0, adjusted = 0, sold = 0, returned = 0, reserved = 0;
  Units on_hand() const { return received + adjusted + returned - sold; }
  friend bool operator==(const ProductView&, const ProductView&) = default;
};

/// A posting to an account.
struct Entry {
  TransactionId transaction;
  std::int64_t at_ns = 0;  ///< When the request was enrolled, Unix time.
  OperationKind kind = OperationKind::checkout;
  Minor amount = 0;
  Minor balance = 0;  ///< After it, in the order of the list.
  friend bool operator==(const Entry&, const Entry&) = default;
};

enum class ListKind : std::uint8_t { entries = 1, orders_of_customer = 2, orders_of_payee = 3, orders_of_both = 4 };

std::string head_key();
std::string shard_key(ShardId shard);
std::string place_key(const TransactionId& transaction);
/// What all keys of a list begin with. `second`: of orders_of_both the payee's number.
std::string list_prefix(ListKind kind, std::uint32_t number, std::uint32_t second = 0);
std::string row_key(std::string_view prefix, std::uint64_t sequence);
/// The sequence at the end of a row's key. Errors: corrupt_journal.
Result<std::uint64_t> sequence_of(std::string_view row_key);

std::string write_head(const ViewsHead& head);
std::string write_shard(const ShardPlace& place);
std::string write_account(const AccountView& account);
std::string write_product(const ProductView& product);
std::string write_sequence(std::uint64_t sequence);
std::string write_entry(const Entry& entry);
std::string write_order(const OrderId& order);

/// Errors of all: corrupt_journal.
Result<ViewsHead> read_head(std::string_view value);
Result<ShardPlace> read_shard(std::string_view value);
Result<AccountView> read_account(std::string_view value);
Result<ProductView> read_product(std::string_view value);
Result<std::uint64_t> read_sequence(std::string_view value);
Result<Entry> read_entry(std::string_view value);
Result<OrderId> read_order(std::string_view value);

}  // namespace kontor::persistence::views

#pragma once
#include <functional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "persistence/recovery.hpp"

namespace kontor::persistence {

/// What the order journals say that accounts, products and orders must be: every committed transaction added up anew,
/// without looking at a balance or a stock that was stored. Additive, so parts of a journal can be folded in parallel.
struct AuditFold {
  struct AccountSum {
    Minor balance = 0;
    std::uint32_t openings = 0;
    Account opened;  ///< As it was opened.
  };
  struct ProductSum {
    Units received = 0, adjusted = 0, sold = 0, returned = 0, reserved = 0;
    std::uint32_t definitions = 0, prices = 0;
  };
  boost::unordered_flat_map<AccountId, AccountSum> accounts;
  boost::unordered_flat_map<Sku, ProductSum> products;
  boost::unordered_flat_map<OrderId, std::vector<Amendment>> amendments;
  boost::unordered_flat_map<OrderId, std::int64_t> reservations;  ///< With when they expire; ended ones, too.
  /// A redemption, which must have begun before its reservation expired, or an expiry, which must not have.
  struct Timed {
    OrderId order;
    std::int64_t begun_at_ns = 0;
    bool before_expiry = false;
  };
  std::vector<Timed> timed;
  std::vector<KeyDigest> keys;       ///< Of effects whose key is not forgotten.
  std::uint64_t keys_forgotten = 0;  ///< Effects whose key may have been used again.
  std::uint64_t records = 0, transactions = 0, orders = 0;
  std::vector<std::string> faults;

  void merge(AuditFold&& other);
};

/// Folds the order records of `shard` with positions in [from, until). Errors: corrupt_journal.
Result<AuditFold> fold_orders(const Store& store, const RecoveredShard& shard, Position from, Position until);

}  // namespace kontor::persistence

#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "domain/result.hpp"

namespace kontor::persistence {

struct ShardSet;

/// What the auditor checked and found. `faults` names each object that breaks an invariant (bounded; `faults_total`
/// counts all). Clean means: no fault.
struct AuditReport {
  std::uint64_t shards = 0, accounts = 0, products = 0, orders = 0, transactions = 0, keys = 0;
  std::uint64_t keys_forgotten = 0;     ///< Of the keys: those that may have been used again.
  std::uint64_t reservations = 0;       ///< Of the orders: those that began as one.
  std::uint64_t records = 0;            ///< Journal records whose checksum was verified.
  std::uint64_t open_transactions = 0;  ///< Prepared and undecided on record; what recovery will do was applied first.
  std::uint64_t in_doubt = 0;           ///< Of these, coordinated by another shard.
  std::uint64_t faults_total = 0;
  std::vector<std::string> faults;
  double seconds = 0;
  bool clean() const { return faults_total == 0; }
};

/// Proves, from a closed engine's directory or those of all nodes of a cluster, and without writing, that
///  - all balances of each currency sum to zero and no wallet is below its limit;
///  - per SKU 0 <= held, 0 <= reserved, held + reserved <= on_hand and received + adjusted + returned == on_hand +
///  sold;
///  - nothing stays claimed once recovery has resolved what was open;
///  - balances and stock equal what one gets by adding up every committed transaction in the order journals anew: so no
///    transaction is half done;
///  - no idempotency key had two effects, but when the first was forgotten by now; no order was refunded or fulfilled
///  beyond what was bought;
///  - each reservation ended at most once, in time, and what is reserved is what those hold that did not end.
/// Errors: directory_in_use, corrupt_journal, incompatible_format, io_error, not_found.
Result<AuditReport> audit(std::span<const std::filesystem::path> dirs, std::string* explanation = nullptr);
inline Result<AuditReport> audit(const std::filesystem::path& dir, std::string* explanation = nullptr) {
  return audit(std::span(&dir, 1), explanation);
}
/// The same of shards that are open already.
Result<AuditReport> audit(const ShardSet& set, std::string* explanation = nullptr);

}  // namespace kontor::persistence

#pragma once
#include <memory>
#include <vector>

#include "domain/handover.hpp"
#include "domain/members.hpp"
#include "persistence/store.hpp"

namespace kontor::persistence {

/// What a node of a cluster remembers of where shards are and who the members are, beside the shards that it has: an
/// environment of its own, with a value for each.
///
///   holdings := n: varint, holding[n]                                                             (by shard)
///   holding  := member: varint, epoch: varint, attempt: u64, arrives: u8, { from: varint, epoch: varint, attempt: u64
///   }?
///   members  := n: varint, { node: sized, host: sized, port: u16 }[n]                             (by number)
class PlacementStore {
 public:
  /// DIR/placement, made when missing. Errors: as Store::open.
  static Result<std::unique_ptr<PlacementStore>> open(const std::filesystem::path& dir, std::string* explanation);

  /// As many as `holdings` has. False: nothing was ever saved, and they are as they were. Errors: corrupt_journal,
  /// incompatible_format (there are more, or fewer), io_error.
  Result<bool> load(std::vector<Holding>& holdings) const;
  /// Durable when it returns true; else it is unknown whether it is.
  bool save(const std::vector<Holding>& holdings);

  /// Empty: nothing was ever saved. Errors: corrupt_journal, io_error.
  Result<std::vector<Member>> load_members() const;
  /// As `save`.
  bool save_members(const std::vector<Member>& members);

 private:
  explicit PlacementStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}
  bool save(std::string_view key, RecordKind kind, std::string_view payload);

  std::unique_ptr<Store> store_;
};

std::string write_holdings(const std::vector<Holding>& holdings);
/// Errors: corrupt_journal.
Result<std::vector<Holding>> read_holdings(std::string_view payload);

/// Also what members tell each other of it.
std::string write_members(const std::vector<Member>& members);
/// Errors: corrupt_journal.
Result<std::vector<Member>> read_members(std::string_view payload);

}  // namespace kontor::persistence

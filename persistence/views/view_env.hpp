#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "domain/result.hpp"

struct MDB_env;
struct MDB_txn;

/// The LMDB environment of the views, without LMDB's types. Commits are not forced to the disk: what a crash of the
/// machine spoils is made anew from the log (`stamp`).
namespace kontor::persistence::views {

enum class ViewTable : std::uint8_t { meta, accounts, products, places, rows };
inline constexpr std::size_t kViewTables = 5;

class ViewEnv {
 public:
  /// Opens `dir`, made when missing. What another version, or this machine before it crashed, has left there is
  /// deleted first. Errors: io_error, storage_full; `explanation` gets a sentence.
  static Result<std::unique_ptr<ViewEnv>> open(const std::filesystem::path& dir, std::uint64_t map_bytes,
                                               std::string* explanation = nullptr);
  /// Brings all to the disk and says so in the stamp.
  ~ViewEnv();
  ViewEnv(const ViewEnv&) = delete;
  ViewEnv& operator=(const ViewEnv&) = delete;

  std::uint64_t used_bytes() const;

 private:
  friend class ViewTransaction;
  ViewEnv() = default;
  int start(std::uint64_t map_bytes);

  std::filesystem::path dir_;
  MDB_env* env_ = nullptr;
  std::array<unsigned, kViewTables> tables_{};
};

/// One consistent look, or one change as a whole. A writing one ends on the thread that began it.
class ViewTransaction {
 public:
  enum class Kind : std::uint8_t { reads, writes };
  enum class Way : std::uint8_t { onwards, back };

  ViewTransaction(const ViewEnv& env, Kind kind);
  /// Undoes what was not committed.
  ~ViewTransaction();
  ViewTransaction(const ViewTransaction&) = delete;
  ViewTransaction& operator=(const ViewTransaction&) = delete;

  /// None: there is no such key. Valid until the next put, or the end. Errors: corrupt_journal, io_error.
  Result<std::optional<std::string_view>> get(ViewTable table, std::string_view key) const;
  /// Visits from the first key >= `from` onwards, or from the last key < `from` back, until `visit` returns false.
  /// Errors: corrupt_journal, io_error.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  Result<void> walk(ViewTable table, std::string_view from, Way way, const Visit& visit) const;
  /// A failure is told by `commit`.
  void put(ViewTable table, std::string_view key, std::string_view value);
  /// Deletes all that a table has.
  void clear(ViewTable table);
  /// Errors: storage_full, io_error: nothing has changed.
  Result<void> commit();

 private:
  const ViewEnv& env_;
  MDB_txn* txn_ = nullptr;
  int error_ = 0;
};

}  // namespace kontor::persistence::views

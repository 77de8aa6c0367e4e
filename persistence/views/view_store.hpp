#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "persistence/views/view_codec.hpp"
#include "persistence/views/view_env.hpp"

/// Lists and sums over what committed, which no engine keeps: the orders of a customer, the entries of an account, the
/// totals of a product. All of it follows from the log, may be deleted, and is then made anew.
namespace kontor::persistence::views {

/// Which stretch of a list: newest first, `most` after `from`, or before it, or from the end that `back` begins at.
struct Stretch {
  std::size_t most = 0;
  std::optional<TransactionId> from;
  bool back = false;
};
template <class Row>
struct Page {
  std::vector<Row> rows;  ///< Newest first.
  bool more = false;      ///< Beyond the last one, or before the first where that was asked.
};

/// One writer, which is the thread that calls `apply`; other threads may read by Snapshots.
class ViewStore {
 public:
  /// Opens or makes the views in `dir`, of an engine with so many shards. Errors: io_error, storage_full,
  /// corrupt_journal; `explanation` gets a sentence.
  static Result<std::unique_ptr<ViewStore>> open(const std::filesystem::path& dir, std::uint16_t shards,
                                                 std::uint64_t map_bytes, std::string* explanation = nullptr);

  const ShardPlace& place(ShardId shard) const { return places_[shard]; }
  std::uint64_t applied() const { return head_.sequence; }  ///< Requests taken in.
  std::uint64_t used_bytes() const { return env_->used_bytes(); }

  /// Takes in a stretch of a shard's log, all or nothing; the next one begins after `reached`. Errors: storage_full,
  /// io_error, corrupt_journal.
  Result<void> apply(ShardId shard, std::span<const Fact> facts, std::uint64_t reached);
  /// Forgets everything.
  Result<void> clear();

  /// Errors: unknown_account, not_found (`from` is not in the list), corrupt_journal, io_error.
  Result<Page<Entry>> entries(const AccountId& account, const Stretch& stretch) const;
  Result<AccountView> account(const AccountId& account) const;
  /// The orders that `customer` placed, or that pay `payee`, or both; one of them is named. An account that nobody
  /// knows has none. Errors: not_found, corrupt_journal, io_error.
  Result<Page<OrderId>> orders(const AccountId& customer, const AccountId& payee, const Stretch& stretch) const;

  /// Everything as of one moment. Any thread; keep it short, it pins what is replaced.
  class Snapshot {
   public:
    explicit Snapshot(const ViewStore& store) : look_(*store.env_, ViewTransaction::Kind::reads) {}
    Result<ViewsHead> head() const;
    /// None: the log names no such account.
    Result<std::optional<AccountView>> account(const AccountId& id) const;
    Result<std::optional<ProductView>> product(const Sku& sku) const;
    /// All, by name, until `visit` returns false.
    Result<void> accounts(const std::function<bool(const AccountId&, const AccountView&)>& visit) const;
    Result<void> products(const std::function<bool(const Sku&, const ProductView&)>& visit) const;
    /// Of one account, oldest first; or newest first.
    Result<void> entries(const AccountView& account, const std::function<bool(const Entry&)>& visit,
                         bool newest_first = false) const;

   private:
    ViewTransaction look_;
  };

 private:
  class Changes;
  ViewStore() = default;
  Result<void> load(std::uint16_t shards);
  template <class Row>
  Result<Page<Row>> page(const ViewTransaction& look, const std::string& prefix, const Stretch& stretch,
                         Result<Row> (*read)(std::string_view)) const;

  std::unique_ptr<ViewEnv> env_;
  ViewsHead head_;
  std::vector<ShardPlace> places_;
};

}  // namespace kontor::persistence::views

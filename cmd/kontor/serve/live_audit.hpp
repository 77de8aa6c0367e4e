#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cmd/kontor/serve/views.hpp"

namespace kontor::cmd::serve {

inline constexpr std::size_t kAuditPageRows = 500;            // Of one look at a shard's rows: some 50 us of its time.
inline constexpr std::size_t kAuditDoubtsMax = 10'000;        // Rows that are looked at again; more are faults at once.
inline constexpr std::size_t kAuditFaultsMax = 50;            // Named in the report; the rest is counted.
inline constexpr unsigned kAuditRounds = 20;                  // So often a row that differs is looked at again,
inline constexpr std::chrono::milliseconds kAuditEvery{100};  // so far apart: decisions on their way arrive in 2 s.
inline constexpr std::chrono::minutes kAuditCatchUpMax{10};   // For the views, when they are made anew.

/// How far an audit has come. Any thread.
struct AuditProgress {
  std::atomic<const char*> stage{"log"};  ///< log, entries, accounts, products or doubts.
  std::atomic<std::uint64_t> checked{0};  ///< Entries and rows.
};

struct LiveAuditReport {
  std::uint64_t events = 0;  ///< Committed requests: the log as it was when the audit began.
  std::uint64_t entries = 0, accounts = 0, products = 0;
  std::uint64_t in_motion = 0;  ///< Rows that were changing, and only held against what was posted meanwhile.
  std::uint64_t faults_total = 0;
  std::vector<std::string> faults;
  double seconds = 0;
  bool clean() const { return faults_total == 0; }
};

/// Proves of an engine that goes on serving:
///  - at one point of the log: the postings of each request, and the balances of each currency, sum to zero; each
///    account's balances follow from its entries, one after the other;
///  - every row that the engine has: 0 <= held <= on_hand; received + adjusted + returned = on_hand + sold; no wallet
///  is
///    below its limit; and it is what the log adds up to. A row is read between two looks at the log; one that differs
///    is looked at again until decisions on their way must have arrived.
/// The rows are the engine's own, the sums come from the log: neither is derived from the other.
class LiveAudit {
 public:
  LiveAudit(Engine& engine, Views& views, const std::atomic<bool>& cancelled, AuditProgress& progress)
      : engine_(engine), views_(views), cancelled_(cancelled), progress_(progress) {}

  /// On a thread that may wait. Errors: overloaded (the views do not catch up), shutting_down, corrupt_journal,
  /// storage_full, io_error.
  Result<LiveAuditReport> run();

 private:
  using Snapshot = Views::Store::Snapshot;
  using Look = std::shared_ptr<const Snapshot>;
  struct Accounts;
  struct Products;

  Result<Look> look();
  Result<Look> look_once();
  Result<void> check_log(const Snapshot& log);
  Result<void> check_account(const Snapshot& log, const AccountId& id, const persistence::views::AccountView& account);
  template <class Kind>
  Result<void> compare(Look log, std::uint64_t expected);
  template <class Kind>
  Result<bool> judge_row(const typename Kind::Row& row, const Look& before, const Look& after);
  template <class Kind>
  Result<std::uint64_t> judge_rows(const std::vector<typename Kind::Row>& rows, const Look& log, const Look& before,
                                   const Look& after);
  template <class Kind>
  Result<void> look_again(Look before);
  template <class Kind>
  Result<void> find_missing(const Snapshot& log);
  Result<void> go_on() const;
  void fault(const std::string& object, const std::string& what);

  Engine& engine_;
  Views& views_;
  const std::atomic<bool>& cancelled_;
  AuditProgress& progress_;
  LiveAuditReport report_;
  std::vector<std::string> doubts_;  ///< Names of rows that differ so far.
};

}  // namespace kontor::cmd::serve

#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "cmd/kontor/replay/bookkeeper.hpp"
#include "cmd/kontor/replay/invoice_file.hpp"
#include "persistence/audit.hpp"

namespace kontor::cmd::replay {

/// What became of a file; docs/replay.md says what each figure counts. It holds nothing that differs between one run
/// and several that were cut short: no times, no counts of records.
struct ReplayReport {
  std::uint64_t rows = 0, rows_booked = 0;                 ///< rows == rows_booked + rows_refused.
  std::map<std::string_view, std::uint64_t> rows_refused;  ///< By code.
  std::uint64_t checkouts = 0, refunds = 0, refunds_unmatched_rows = 0, adjustments = 0;
  Minor gross_pence = 0, refunded_pence = 0;
  Units units_sold = 0, units_returned = 0, units_adjusted = 0;
  std::uint64_t customers = 0, skus = 0;
  std::vector<RowRefusal> refused;  ///< By line.
  /// Where the engine's balances and stocks are not what the file says, or an operation was refused that should not
  /// have been: a fault of this program, or a directory that holds something else. Bounded by kTroublesMax.
  std::vector<std::string> troubles;
  std::uint64_t troubles_total = 0;
  std::optional<persistence::AuditReport> audit;

  std::uint64_t refused_total() const;
  bool clean() const { return troubles_total == 0 && audit && audit->clean(); }
};

inline constexpr std::size_t kTroublesMax = 20;  // Shown; all are counted.

/// Gathers how steps ended and sums up.
class ReplayTally {
 public:
  explicit ReplayTally(const InvoiceFile& file);

  /// A step ended; see Pipeline.
  void on_finished(const Step& step, Errc code);
  void add_trouble(std::string words);
  /// Everything but the audit.
  ReplayReport report(const Bookkeeper& books) const;

 private:
  /// Why each invoice's sales, adjustments, refunds are not booked; none: they are.
  struct Faults {
    Errc sales = Errc::none, adjustments = Errc::none, refunds = Errc::none;
  };
  const InvoiceFile& file_;
  std::vector<Faults> faults_;
  std::vector<std::string> troubles_;
  std::uint64_t troubles_total_ = 0;
};

/// `list_refused`: with each refused row.
boost::json::value to_json(const ReplayReport& report, bool list_refused);
std::string to_text(const ReplayReport& report, bool list_refused, bool colour);

}  // namespace kontor::cmd::replay

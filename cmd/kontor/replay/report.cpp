#include "cmd/kontor/replay/report.hpp"

#include <boost/json.hpp>

#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/terminal.hpp"

namespace kontor::cmd::replay {
namespace {

namespace json = boost::json;

/// Without figures that a crash on the way would change: records, transactions, seconds.
json::value audit_json(const persistence::AuditReport& audit) {
  return {{"clean", audit.clean()},
          {"shards", audit.shards},
          {"accounts", audit.accounts},
          {"products", audit.products},
          {"orders", audit.orders},
          {"keys", audit.keys},
          {"faults_total", audit.faults_total},
          {"faults", json::array(audit.faults.begin(), audit.faults.end())}};
}

std::string pounds(Minor pence) { return decimal(static_cast<double>(pence) / 100, 2) + " GBP"; }
std::string count(std::int64_t number) {
  return number < 0 ? "-" + grouped(static_cast<std::uint64_t>(-number)) : grouped(static_cast<std::uint64_t>(number));
}

Table::Cell audit_cell(const persistence::AuditReport& audit) {
  const std::string checked = grouped(audit.orders) + " orders, " + grouped(audit.accounts) + " accounts, " +
                              grouped(audit.products) + " products, " + grouped(audit.keys) + " keys";
  if (audit.clean()) return {"clean: " + checked, Tone::good};
  return {grouped(audit.faults_total) + " FAULTS in " + checked, Tone::bad};
}

}  // namespace

json::value to_json(const ReplayReport& report, bool list_refused) {
  json::object refused;
  for (const auto& [code, rows] : report.rows_refused) refused[code] = rows;
  json::object out{{"rows", report.rows},
                   {"rows_booked", report.rows_booked},
                   {"rows_refused", std::move(refused)},
                   {"checkouts", report.checkouts},
                   {"refunds", report.refunds},
                   {"refunds_unmatched_rows", report.refunds_unmatched_rows},
                   {"adjustments", report.adjustments},
                   {"gross_pence", report.gross_pence},
                   {"refunded_pence", report.refunded_pence},
                   {"units_sold", report.units_sold},
                   {"units_returned", report.units_returned},
                   {"units_adjusted", report.units_adjusted},
                   {"customers", report.customers},
                   {"skus", report.skus},
                   {"troubles_total", report.troubles_total},
                   {"troubles", json::array(report.troubles.begin(), report.troubles.end())},
                   {"audit", report.audit ? audit_json(*report.audit) : json::value(nullptr)}};
  if (!list_refused) return out;
  json::array rows;
  for (const RowRefusal& row : report.refused)
    rows.push_back({{"line", row.line}, {"invoice", row.invoice}, {"code", row.code.name}, {"reason", row.reason}});
  out["refused"] = std::move(rows);
  return out;
}

std::string to_text(const ReplayReport& report, bool list_refused, bool colour) {
  Table table({Table::Align::left, Table::Align::right, Table::Align::left});
  const auto row = [&](const char* name, std::int64_t number, std::string note = "") {
    table.row({name, {count(number), Tone::strong}, {std::move(note), Tone::faint}});
  };
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  row("rows", number(report.rows));
  row("  booked", number(report.rows_booked));
  row("  refused", number(report.refused_total()));
  for (const auto& [code, rows] : report.rows_refused) row(("    " + std::string(code)).c_str(), number(rows));
  row("checkouts", number(report.checkouts), pounds(report.gross_pence));
  row("refunds", number(report.refunds), pounds(report.refunded_pence));
  row("  rows without purchase", number(report.refunds_unmatched_rows));
  row("adjustments", number(report.adjustments));
  row("units sold", report.units_sold);
  row("units returned", report.units_returned);
  row("units adjusted", report.units_adjusted);
  row("customers", number(report.customers));
  row("SKUs", number(report.skus));
  std::string out = table.text(colour);
  Table verdict({Table::Align::left, Table::Align::left});
  if (report.troubles_total == 0)
    verdict.row({"books", {"the engine's balances and stocks are what the file comes to", Tone::good}});
  else
    verdict.row({"books", {grouped(report.troubles_total) + " TROUBLES", Tone::bad}});
  if (report.audit) verdict.row({"audit", audit_cell(*report.audit)});
  out += verdict.text(colour);
  for (const std::string& trouble : report.troubles) out += "  " + trouble + "\n";
  if (report.audit)
    for (const std::string& fault : report.audit->faults) out += "  " + fault + "\n";
  if (!list_refused) return out;
  Table rows({Table::Align::right, Table::Align::left, Table::Align::left, Table::Align::left});
  rows.row({"line", "invoice", "code", "reason"});
  for (const RowRefusal& refused : report.refused)
    rows.row({grouped(refused.line), refused.invoice, std::string(refused.code.name), refused.reason});
  return out + rows.text(colour);
}

}  // namespace kontor::cmd::replay

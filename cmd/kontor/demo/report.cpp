// What `kontor demo` prints.
#include "cmd/kontor/load/report.hpp"

#include <cmath>

#include <boost/json.hpp>

#include "cmd/kontor/demo/demo.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/terminal.hpp"

namespace kontor::cmd {
namespace {

namespace json = boost::json;

std::string seconds_text(double seconds) {
  return duration_text(std::chrono::nanoseconds(std::llround(seconds * 1e9)));
}

std::string latency_text(const Leg& leg, const char* quantile) {
  const json::value* latency = leg.report.if_contains("latency_us");
  return latency == nullptr ? "" : seconds_text(latency->at(quantile).to_number<double>() / 1e6);
}

using Row = std::vector<Table::Cell>;

/// A row with one cell per leg.
template <class Of>
Row row_of(const DemoReport& report, const char* name, Of&& of) {
  Row row = {name};
  for (const Leg& leg : report.legs) row.emplace_back(of(leg));
  return row;
}

Table legs_table(const DemoReport& report) {
  std::vector<Table::Align> columns(report.legs.size() + 1, Table::Align::right);
  columns.front() = Table::Align::left;
  Table table(columns);
  const auto recovered = [](auto of) {
    return [of](const Leg& leg) { return leg.recovery.records == 0 ? std::string("-") : of(leg.recovery); };
  };
  Row head = {""};
  for (std::size_t i = 0; i < report.legs.size(); ++i) head.emplace_back("run " + std::to_string(i + 1), Tone::strong);
  table.row(head);
  table.row(row_of(report, "recovery before it", recovered([](const auto& r) { return seconds_text(r.seconds); })));
  table.row(row_of(report, "  records replayed", recovered([](const auto& r) { return grouped(r.records); })));
  table.row(row_of(report, "  transactions", recovered([](const auto& r) { return grouped(r.transactions); })));
  table.row(row_of(report, "  resolved: commit", recovered([](const auto& r) { return grouped(r.committed); })));
  table.row(row_of(report, "  resolved: abort", recovered([](const auto& r) { return grouped(r.aborted); })));
  table.row(row_of(report, "checkouts answered", [](const Leg& leg) { return grouped(leg.answered.size()); }));
  Row speed = {"checkouts/s"};
  for (const Leg& leg : report.legs)
    speed.emplace_back(grouped(static_cast<std::uint64_t>(leg.answered_per_s())), Tone::strong);
  table.row(speed);
  table.row(row_of(report, "latency p50", [](const Leg& leg) { return latency_text(leg, "p50"); }));
  table.row(row_of(report, "        p99", [](const Leg& leg) { return latency_text(leg, "p99"); }));
  table.row(row_of(report, "        p99.9", [](const Leg& leg) { return latency_text(leg, "p999"); }));
  table.row(row_of(report, "ended by", [](const Leg& leg) { return leg.killed ? "SIGKILL" : "its end"; }));
  return table;
}

}  // namespace

std::string to_text(const DemoReport& report, const DemoOptions& options, bool colour) {
  const WorkloadOptions& load = options.workload;
  const Verification& verification = report.verification;
  std::string out = painted("Kontor demo", Tone::strong, colour) + ": " + grouped(load.skus) + " products, " +
                    grouped(load.customers) + " wallets; each checkout takes " + std::to_string(load.lines) +
                    " lines of stock, moves\nmoney and writes an order, all or nothing; each answer is on disk (fsync) "
                    "before it is given.\n\n";
  out += legs_table(report).text(colour) + "\n";

  Table table({Table::Align::left, Table::Align::left});
  const std::string asked = grouped(verification.asked) + " of " + grouped(report.answered()) + " asked again";
  if (verification.lost == 0)
    table.row({"nothing lost", {asked + ": each came back with the same transaction", Tone::good}});
  else
    table.row({"LOST", {grouped(verification.lost) + "; " + asked + "; " + verification.first_lost, Tone::bad}});
  table.row({"audit", {audit_words(report.audit), report.audit.clean() ? Tone::good : Tone::bad}});
  table.row({"all in all", seconds_text(report.seconds)});
  out += table.text(colour);
  for (const std::string& fault : report.audit.faults) out += "  " + fault + "\n";
  return out;
}

json::value to_json(const DemoReport& report) {
  json::array runs;
  for (const Leg& leg : report.legs) {
    json::object run = {{"answered", leg.answered.size()},
                        {"answered_per_s", std::round(leg.answered_per_s())},
                        {"driving_s", leg.driving_s},
                        {"killed", leg.killed},
                        {"recovery", to_json(leg.recovery)}};
    if (const json::value* latency = leg.report.if_contains("latency_us")) run["latency_us"] = *latency;
    runs.push_back(std::move(run));
  }
  const Verification& verification = report.verification;
  return {{"good", report.good()},
          {"runs", std::move(runs)},
          {"answered", report.answered()},
          {"asked_again", verification.asked},
          {"found", verification.found},
          {"lost", verification.lost},
          {"first_lost", verification.first_lost},
          {"audit", to_json(report.audit)},
          {"seconds", report.seconds}};
}

}  // namespace kontor::cmd

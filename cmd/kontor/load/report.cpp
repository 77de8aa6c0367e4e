#include "cmd/kontor/load/report.hpp"

#include <cmath>

#include <boost/json.hpp>

#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/terminal.hpp"

namespace kontor::cmd {
namespace {

namespace json = boost::json;

double rounded(double value, double steps_per_unit) { return std::round(value * steps_per_unit) / steps_per_unit; }

std::chrono::nanoseconds quantile(const Histogram& latency, double share) {
  return std::chrono::nanoseconds(latency.quantile(share));
}

json::object aborted_json(const Tally& tally) {
  json::object aborted;
  for (std::size_t code = 0; code < tally.aborted.size(); ++code)
    if (tally.aborted[code] > 0) aborted[to_string(static_cast<Errc>(code))] = tally.aborted[code];
  return aborted;
}

/// Resident memory at the start and at three points of the run: that it stops growing is to be seen.
json::object memory_json(const LoadReport& report) {
  const auto at = [&](double share) {
    const ProcessMemory memory = report.memory.at(report.tally.elapsed_s * share).memory;
    return json::object{{"total", memory.total()}, {"anonymous", memory.anonymous}, {"file", memory.file}};
  };
  return {{"start", at(0)}, {"at_25", at(0.25)}, {"at_50", at(0.5)}, {"at_100", at(1)}};
}

std::string loop_words(const DriveOptions& drive) {
  if (drive.rate_per_s > 0) return "open loop, " + decimal(drive.rate_per_s, 0) + " checkouts due each second";
  return "closed loop, " + grouped(drive.outstanding) + " outstanding";
}

std::string product_words(const WorkloadOptions& workload) {
  if (workload.hot) return "one product for all";
  const std::string skus = grouped(workload.skus) + " products";
  return workload.zipf > 0 ? skus + ", Zipf " + decimal(workload.zipf, 2) : skus;
}

std::string memory_words(const LoadReport& report) {
  const auto at = [&](double share) {
    return bytes_text(report.memory.at(report.tally.elapsed_s * share).memory.total());
  };
  return bytes_text(report.memory.total_max()) + " at most; " + at(0.25) + " after a quarter, " + at(0.5) + " half, " +
         at(1) + " the end";
}

}  // namespace

json::value to_json(const RecoveryReport& recovery) {
  return {{"records", recovery.records},     {"transactions", recovery.transactions},
          {"committed", recovery.committed}, {"aborted", recovery.aborted},
          {"in_doubt", recovery.in_doubt},   {"seconds", rounded(recovery.seconds, 1e6)}};
}

json::value to_json(const persistence::AuditReport& audit) {
  json::array faults(audit.faults.begin(), audit.faults.end());
  return {{"clean", audit.clean()},
          {"shards", audit.shards},
          {"accounts", audit.accounts},
          {"products", audit.products},
          {"orders", audit.orders},
          {"transactions", audit.transactions},
          {"keys", audit.keys},
          {"records", audit.records},
          {"open_transactions", audit.open_transactions},
          {"in_doubt", audit.in_doubt},
          {"faults_total", audit.faults_total},
          {"faults", std::move(faults)},
          {"seconds", rounded(audit.seconds, 1e6)}};
}

json::value latency_json(const Histogram& latency) {
  const auto us = [](std::uint64_t ns) { return rounded(static_cast<double>(ns) / 1e3, 10); };
  return {{"p50", us(latency.quantile(0.5))},
          {"p90", us(latency.quantile(0.9))},
          {"p99", us(latency.quantile(0.99))},
          {"p999", us(latency.quantile(0.999))},
          {"max", us(latency.max())}};
}

std::string audit_words(const persistence::AuditReport& audit) {
  const std::string checked = grouped(audit.transactions) + " transactions, " + grouped(audit.orders) + " orders, " +
                              grouped(audit.accounts) + " accounts, " + grouped(audit.products) + " products in " +
                              duration_text(std::chrono::nanoseconds(std::llround(audit.seconds * 1e9)));
  return audit.clean() ? "clean: " + checked : grouped(audit.faults_total) + " FAULTS in " + checked;
}

json::value to_json(const LoadReport& report, const LoadOptions& options) {
  const Tally& tally = report.tally;
  const EngineCounters& counters = report.counters;
  json::object out;
  out["committed"] = tally.committed;
  out["aborted"] = aborted_json(tally);
  out["unknown"] = tally.unknown;
  out["replayed"] = tally.replayed;
  out["elapsed_s"] = rounded(tally.elapsed_s, 1e6);
  out["committed_per_s"] = rounded(report.committed_per_s(), 10);
  out["cpu_us_per_checkout"] = rounded(report.cpu_us_per_checkout(), 1e3);
  out["latency_us"] = latency_json(tally.latency);
  out["journal"] = {
      {"commits", counters.journal_commits}, {"bytes", counters.journal_bytes}, {"records", counters.journal_records}};
  out["rss_bytes_max"] = report.memory.total_max();
  out["rss_bytes"] = memory_json(report);
  out["p1"] = report.p1();
  out["p2"] = report.p2();
  out["p"] = report.p1() * report.p2();
  out["success"] = report.success();
  out["begun"] = counters.begun;
  out["prepared"] = counters.prepared;
  out["checkpoints"] = counters.checkpoints;
  out["recovery"] = to_json(report.recovery);
  out["open_s"] = rounded(report.open_s, 1e6);
  out["seed_s"] = rounded(report.seed_s, 1e6);
  out["close_s"] = rounded(report.close_s, 1e6);
  out["shards"] = report.shards;
  out["seed"] = options.workload.seed;
  out["interrupted"] = report.interrupted;
  out["audit"] = report.audit ? to_json(*report.audit) : json::value(nullptr);
  return out;
}

std::string to_text(const LoadReport& report, const LoadOptions& options, bool colour) {
  const Tally& tally = report.tally;
  const EngineCounters& counters = report.counters;
  const auto text_of = [](double seconds) {
    return duration_text(std::chrono::nanoseconds(std::llround(seconds * 1e9)));
  };
  Table table({Table::Align::left, Table::Align::left});
  table.heading(loop_words(options.drive) + "; " + std::to_string(options.workload.lines) + " lines, " +
                product_words(options.workload) + ", " + grouped(options.workload.customers) + " customers, " +
                std::to_string(report.shards) + (report.shards == 1 ? " shard" : " shards"));
  table.row({"committed", {grouped(tally.committed) + " in " + decimal(tally.elapsed_s, 2) + " s", Tone::plain}});
  table.row({"", {grouped(static_cast<std::uint64_t>(report.committed_per_s())) + " checkouts/s", Tone::strong}});
  table.row({"processor", decimal(report.cpu_us_per_checkout(), 2) + " us a checkout, over all cores"});
  for (std::size_t code = 0; code < tally.aborted.size(); ++code)
    if (tally.aborted[code] > 0)
      table.row({"aborted", grouped(tally.aborted[code]) + " " + std::string(to_string(static_cast<Errc>(code)))});
  if (tally.unknown > 0) table.row({"unknown", {grouped(tally.unknown), Tone::bad}});
  table.row({"latency", "p50 " + duration_text(quantile(tally.latency, 0.5)) + "   p90 " +
                            duration_text(quantile(tally.latency, 0.9)) + "   p99 " +
                            duration_text(quantile(tally.latency, 0.99)) + "   p99.9 " +
                            duration_text(quantile(tally.latency, 0.999)) + "   max " +
                            duration_text(std::chrono::nanoseconds(tally.latency.max()))});
  table.row({"success", percent_text(report.success()) + " of answered; P1 " + percent_text(report.p1()) + "   P2 " +
                            percent_text(report.p2()) + "   P " + percent_text(report.p1() * report.p2())});
  table.row({"journal", grouped(counters.journal_commits) + " commits, " + grouped(counters.journal_records) +
                            " records, " + bytes_text(counters.journal_bytes) + ", " + grouped(counters.checkpoints) +
                            " checkpoints"});
  table.row({"memory", memory_words(report)});
  table.row({"recovery", grouped(report.recovery.transactions) + " transactions from " +
                             grouped(report.recovery.records) + " records in " + text_of(report.recovery.seconds)});
  table.row({"seeding", text_of(report.seed_s)});
  if (report.audit)
    table.row({"audit", {audit_words(*report.audit), report.audit->clean() ? Tone::good : Tone::bad}});
  else
    table.row({"audit", {"not asked for", Tone::faint}});
  std::string out = table.text(colour);
  if (report.audit)
    for (const std::string& fault : report.audit->faults) out += "  " + fault + "\n";
  return out;
}

}  // namespace kontor::cmd

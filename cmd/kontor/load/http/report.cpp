#include "cmd/kontor/load/report.hpp"

#include <cmath>

#include <boost/json.hpp>

#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/load/http/run.hpp"
#include "cmd/kontor/terminal.hpp"

namespace kontor::cmd {
namespace {

namespace json = boost::json;

double rounded(double value, double steps_per_unit) { return std::round(value * steps_per_unit) / steps_per_unit; }

double success(const HttpTally& tally) {
  return tally.answered() == 0 ? 1 : static_cast<double>(tally.committed) / static_cast<double>(tally.answered());
}

}  // namespace

json::value to_json(const HttpLoadReport& report, const LoadOptions& options) {
  const HttpTally& tally = report.tally;
  json::object aborted;
  for (const auto& [code, count] : tally.refused) aborted[code] = count;
  return {{"committed", tally.committed},
          {"aborted", std::move(aborted)},
          {"unknown", tally.unknown},
          {"elapsed_s", rounded(tally.elapsed_s, 1e6)},
          {"committed_per_s", rounded(report.committed_per_s(), 10)},
          {"client_cpu_us_per_checkout", rounded(report.cpu_us_per_checkout(), 1e3)},
          {"latency_us", latency_json(tally.latency)},
          {"success", success(tally)},
          {"url", options.url},
          {"connections", options.connections},
          {"dripping", report.dripping},
          {"batch", options.drive.batch_max},
          {"requests", tally.requests},
          {"seed_s", rounded(report.seed_s, 1e6)},
          {"seed", options.workload.seed},
          {"interrupted", report.interrupted}};
}

std::string to_text(const HttpLoadReport& report, const LoadOptions& options, bool colour) {
  const HttpTally& tally = report.tally;
  const auto quantile = [&](double share) {
    return duration_text(std::chrono::nanoseconds(tally.latency.quantile(share)));
  };
  const std::string how =
      options.drive.batch_max == 0 ? "one checkout a request" : "batches of " + grouped(options.drive.batch_max);
  Table table({Table::Align::left, Table::Align::left});
  table.heading(options.url + ", " + grouped(options.connections) + " connections, " + how + "; " +
                std::to_string(options.workload.lines) + " lines, " + grouped(options.workload.customers) +
                " customers");
  table.row({"committed", {grouped(tally.committed) + " in " + decimal(tally.elapsed_s, 2) + " s", Tone::plain}});
  table.row({"", {grouped(static_cast<std::uint64_t>(report.committed_per_s())) + " checkouts/s", Tone::strong}});
  for (const auto& [code, count] : tally.refused) table.row({"aborted", grouped(count) + " " + code});
  if (tally.unknown > 0) table.row({"unknown", {grouped(tally.unknown), Tone::bad}});
  table.row({"latency", "p50 " + quantile(0.5) + "   p90 " + quantile(0.9) + "   p99 " + quantile(0.99) + "   p99.9 " +
                            quantile(0.999) + "   max " +
                            duration_text(std::chrono::nanoseconds(tally.latency.max()))});
  table.row({"success", percent_text(success(tally)) + " of answered"});
  if (report.dripping > 0) table.row({"beside", grouped(report.dripping) + " connections that drip"});
  table.row({"processor", decimal(report.cpu_us_per_checkout(), 2) + " us a checkout, of this program alone"});
  table.row({"seeding", duration_text(std::chrono::nanoseconds(std::llround(report.seed_s * 1e9)))});
  return table.text(colour);
}

}  // namespace kontor::cmd

// `kontor replay FILE`: books a real shop's invoices and reports what they come to.
#include <chrono>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>

#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/interrupts.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/replay/byte_source.hpp"
#include "cmd/kontor/replay/replay.hpp"
#include "cmd/kontor/temporary_directory.hpp"
#include "cmd/kontor/terminal.hpp"

namespace kontor::cmd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kFooter =
    "FILE is the \"Online Retail\" data set of the UCI Machine Learning Repository as CSV, plain or gzip, with the "
    "header\n"
    "  InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    "\n"
    "Rows with one InvoiceNo are one invoice, in the place of the first of them. Digits: rows with quantity > 0 are "
    "one\n"
    "checkout (no CustomerID: the guest), rows with quantity < 0 and price 0 adjust the stock. C and digits: a refund\n"
    "and restock, matched to the newest earlier purchases of that customer, SKU and price, the rest booked unmatched.\n"
    "Every other row is refused with its line number and a code. docs/replay.md has the codes and what each figure\n"
    "counts.\n"
    "\n"
    "Killed anywhere and run again with the same --data, it goes on where it was and reports the same.\n"
    "\n"
    "Exit codes: 0 booked and audited; 1 the audit found a fault, or the books differ; 2 usage; 65 FILE cannot be "
    "read,\n"
    "or the directory is not Kontor's; 69 the directory is in use; 73 no temporary directory; 74 journal failure or\n"
    "disk full; 130 interrupted.";

struct Options {
  replay::ReplayOptions replay;
  bool json = false, list_refused = false;
};

int ending_of(const Result<replay::ReplayReport>& report) {
  if (report) return report->clean() ? kExitOk : kExitCheckFailed;
  return report.code() == Errc::deadline_exceeded ? kExitInterrupted : exit_code_of(report.code());
}

int run_in(const Options& options) {
  const auto begin = Clock::now();
  const std::atomic<bool>& stop = catch_interrupts();
  ProgressLine line;
  std::string explanation;
  const auto report = replay::run_replay(
      options.replay, [&](const std::string& words) { line.show(words); }, stop, explanation);
  line.clear();
  if (!report) {
    std::cerr << "kontor replay: " << (explanation.empty() ? to_string(report.code()) : explanation) << '\n';
    return ending_of(report);
  }
  // Standard output holds only what is the same in every run.
  if (options.json)
    std::cout << json_text(to_json(*report, options.list_refused)) << std::endl;
  else
    std::cout << to_text(*report, options.list_refused, wants_colour(stdout)) << std::flush;
  if (!options.json) std::cerr << grouped(report->rows) << " rows in " << duration_text(Clock::now() - begin) << '\n';
  return ending_of(report);
}

int run_command(Options options) {
  try {
    if (!options.replay.dir.empty()) return run_in(options);
    const auto temporary = TemporaryDirectory::make();
    if (!temporary) {
      std::cerr << "kontor replay: cannot make a temporary directory; give one with --data\n";
      return kExitCannotCreate;
    }
    options.replay.dir = temporary->path() / "data";
    if (!options.json)
      std::cerr << "data in " << temporary->path().string() << ", removed at the end; --data DIR keeps it\n";
    return run_in(options);
  } catch (const replay::UnreadableFile& error) {
    std::cerr << "kontor replay: " << error.what() << '\n';
    return kExitBadData;
  }
}

}  // namespace

void add_replay_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("replay", "Book a real shop's invoices from a CSV file, report and audit");
  const auto options = std::make_shared<Options>();
  command->add_option("FILE", options->replay.file, "The invoices, plain or gzip")->required();
  command->add_option("--data", options->replay.dir, "Data directory (default: a temporary one, removed at the end)")
      ->type_name("DIR");
  command->add_option("--shards", options->replay.shards, "Shards of a new directory (default: 1)")
      ->check(CLI::Range(std::size_t{1}, kShardsMax));
  command->add_flag("--json", options->json, "Report as one line of JSON");
  command->add_flag("--list-refused", options->list_refused, "Report each refused row: line, invoice, code, reason");
  command->footer(kFooter);
  command->final_callback([options, &exit_code] { exit_code = run_command(*options); });
}

}  // namespace kontor::cmd

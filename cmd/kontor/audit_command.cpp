// `kontor audit`: proves the invariants of a closed directory.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/load/report.hpp"
#include "cmd/kontor/terminal.hpp"
#include "persistence/audit.hpp"

namespace kontor::cmd {
namespace {

constexpr const char* kFooter =
    "Proves, without writing, from a directory that no engine has open (also right after a crash):\n"
    "  all balances of each currency sum to zero, and no wallet is below its limit;\n"
    "  per product 0 <= held <= on hand, and received + adjusted + returned = on hand + sold;\n"
    "  nothing stays claimed once what was open is resolved as recovery would;\n"
    "  balances, stock and orders equal the sum of all committed requests: no transaction is half done;\n"
    "  no idempotency key had two effects.\n"
    "Exit code 0: clean. 1: each broken object is named. 65, 69, 74: the directory could not be read.";

struct Options {
  std::vector<std::filesystem::path> dirs;
  bool json = false;
};

int run(const Options& options) {
  std::string explanation;
  const auto report = persistence::audit(options.dirs, &explanation);
  if (!report) {
    std::cerr << "kontor audit: " << to_string(report.code()) << ": " << explanation << '\n';
    return exit_code_of(report.code());
  }
  if (options.json) {
    std::cout << json_text(to_json(*report)) << '\n';
  } else {
    const bool colour = wants_colour(stdout);
    std::cout << painted(audit_words(*report), report->clean() ? Tone::good : Tone::bad, colour) << '\n';
    std::cout << "checked " << report->records << " records, " << report->keys << " idempotency keys, "
              << report->shards << " shard(s); resolved " << report->open_transactions << " open transaction(s), "
              << report->in_doubt << " of them by another shard's journal\n";
    for (const std::string& fault : report->faults) std::cout << "  " << fault << '\n';
    if (report->faults_total > report->faults.size())
      std::cout << "  … and " << report->faults_total - report->faults.size() << " more\n";
  }
  return report->clean() ? kExitOk : kExitCheckFailed;
}

}  // namespace

void add_audit_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("audit", "Prove that nothing is lost, doubled or half done in a closed directory");
  command->footer(kFooter);
  command->add_option("dir", options->dirs, "The engine's directory; of a cluster, those of all nodes")
      ->required()
      ->type_name("DIR");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace kontor::cmd

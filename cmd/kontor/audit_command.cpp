// `kontor audit`: proves the invariants of a closed directory, or of a server that goes on serving.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cmd/kontor/client/audit.hpp"
#include "cmd/kontor/client/options.hpp"
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
    "  no idempotency key that is not forgotten had two effects.\n"
    "With --url a running server audits itself and goes on serving: at one point of its log postings and balances sum\n"
    "to zero, and every account and product is what the log adds up to. It takes an admin's key where there are keys.\n"
    "Any node of a cluster proves it of the whole cluster; --url A,B,C asks each of them, one after the other.\n"
    "Exit code 0: clean. 1: each broken object is named. 65, 69, 74: the directory could not be read.";

struct Options {
  std::vector<std::filesystem::path> dirs;
  client::CallOptions call;
};

int run(const Options& options) {
  std::string explanation;
  const auto report = persistence::audit(options.dirs, &explanation);
  if (!report) {
    std::cerr << "kontor audit: " << to_string(report.code()) << ": " << explanation << '\n';
    return exit_code_of(report.code());
  }
  if (options.call.json) {
    std::cout << json_text(to_json(*report)) << '\n';
  } else {
    const bool colour = wants_colour(stdout);
    std::cout << painted(audit_words(*report), report->clean() ? Tone::good : Tone::bad, colour) << '\n';
    std::cout << "checked " << report->records << " records, " << report->keys << " idempotency keys ("
              << report->keys_forgotten << " forgotten), " << report->shards << " shard(s); resolved "
              << report->open_transactions << " open transaction(s), " << report->in_doubt
              << " of them by another shard's journal\n";
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
      app.add_subcommand("audit", "Prove that nothing is lost, doubled or half done, in a directory or a server");
  command->footer(kFooter);
  command
      ->add_option("dir", options->dirs,
                   "The directory of an engine that does not run, or those of all nodes of a cluster; not with --url")
      ->type_name("DIR");
  client::add_call_options(*command, options->call, client::Method::get);
  const CLI::Option* url = command->get_option("--url");
  command->callback([options, url, &exit_code] {
    const bool asks = url->count() > 0;  // Also where the environment names a server.
    if (!options->dirs.empty())
      exit_code = run(*options);
    else if (asks)
      exit_code = client::audit_servers(options->call);
    else
      std::cerr << "kontor audit: a directory, or a server's --url, is needed\n", exit_code = kExitUsage;
  });
}

}  // namespace kontor::cmd

// The program `kontor`: one file per subcommand, each adds itself (commands.hpp).
#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>

#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"

namespace {

using namespace kontor::cmd;

constexpr const char* kFooter =
    "Examples:\n"
    "  kontor demo                               a tour: load, two crashes, recovery, audit\n"
    "  kontor serve                              the engine over HTTP, on 127.0.0.1:8080\n"
    "  kontor product get mug                    asks that server\n"
    "  kontor load --duration 10s --hot --json   ten seconds of checkouts, all of one product\n"
    "\n"
    "`kontor COMMAND --help` lists a command's options. A configuration file sets the same options, without the\n"
    "dashes, in a section named like the command; what is given on the command line wins.\n"
    "\n"
    "Exit codes: 0 done; 1 a check failed (e.g. the audit found a fault), or the server refuses; 2 usage; 65 bad\n"
    "input data; 69 the directory is in use, or there is no server; 73 cannot create; 74 journal or input/output\n"
    "failure, or an outcome that is not known; 130 interrupted.";

/// Prints what is wrong, or the help that was asked for.
int end_of_parsing(const CLI::App& app, const CLI::ParseError& error) {
  const bool wanted = error.get_exit_code() == 0;
  app.exit(error);
  return wanted ? kExitOk : kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = kExitOk;
  CLI::App app("Kontor: orders, payments and stock that commit together or not at all.", "kontor");
  app.set_version_flag("--version", "kontor " KONTOR_VERSION);
  app.set_config("--config", "", "A file with options, in TOML or INI")->type_name("FILE");
  app.require_subcommand(1);
  app.footer(kFooter);
  add_demo_command(app, exit_code);
  add_serve_command(app, exit_code);
  add_keys_command(app, exit_code);
  add_cluster_command(app, exit_code);
  add_load_command(app, exit_code);
  add_replay_command(app, exit_code);
  add_audit_command(app, exit_code);
  add_explain_command(app, exit_code);
  add_journal_command(app, exit_code);
  add_product_command(app, exit_code);
  add_account_command(app, exit_code);
  add_checkout_command(app, exit_code);
  add_order_command(app, exit_code);
  add_reservation_command(app, exit_code);
  add_transaction_command(app, exit_code);
  add_events_command(app, exit_code);
  add_get_command(app, exit_code);
  add_completion_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return end_of_parsing(app, error);
  } catch (const std::exception& error) {
    std::cerr << "kontor: " << error.what() << '\n';
    return kExitJournal;
  }
  return exit_code;
}

// `kontor demo`: a newcomer's first minute. Load, two crashes, recovery, proof.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>

#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/demo/demo.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/interrupts.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/temporary_directory.hpp"
#include "cmd/kontor/terminal.hpp"
#include "domain/limits.hpp"

namespace kontor::cmd {
namespace {

constexpr std::uintmax_t kFreeBytesMin = 3'000'000'000;
constexpr const char* kFooter =
    "Seeds products and wallets, drives checkouts from a child process, kills it twice with SIGKILL in mid-flow and\n"
    "lets the next one recover and go on. Then every answer that a child gave is asked for again and the directory is\n"
    "audited. Exit code 0 only if nothing that was answered is lost and the audit is clean.";

struct DemoCommand {
  DemoOptions demo;
  bool json = false;
  bool small = false;  ///< For tests.
};

int print(const DemoReport& report, const DemoCommand& command) {
  if (command.json)
    std::cout << json_text(to_json(report)) << std::endl;
  else
    std::cout << to_text(report, command.demo, wants_colour(stdout)) << std::flush;
  return report.good() ? kExitOk : kExitCheckFailed;
}

int run_command(DemoCommand command) {
  const auto temporary = TemporaryDirectory::make();
  std::error_code failed;
  if (!temporary) {
    std::cerr << "kontor demo: cannot make a temporary directory; set TMPDIR\n";
    return kExitCannotCreate;
  }
  const auto space = std::filesystem::space(temporary->path(), failed);
  if (!command.small && !failed && space.available < kFreeBytesMin) {
    std::cerr << "kontor demo: " << bytes_text(kFreeBytesMin) << " should be free where temporary files go ("
              << bytes_text(space.available) << " are in " << temporary->path().parent_path().string()
              << "); set TMPDIR\n";
    return kExitCannotCreate;
  }
  command.demo.dir = temporary->path() / "data";
  const std::atomic<bool>& stop = catch_interrupts();
  ProgressLine line;
  DemoReport report;
  DemoFailure failure;
  const bool done = run_demo(
      command.demo, [&](const std::string& words) { line.show(words); }, stop, report, failure);
  line.clear();
  if (done) return print(report, command);
  std::cerr << "kontor demo: " << failure.explanation << '\n';
  return failure.exit_code;
}

void add_options(CLI::App& app, DemoCommand& command) {
  app.add_option("--shards", command.demo.shards, "Shards: checkouts commit across them")
      ->check(CLI::Range(std::size_t{1}, kShardsMax))
      ->capture_default_str();
  app.add_flag("--json", command.json, "Report as one line of JSON");
  app.add_flag("--small", command.small)->group("");
  app.footer(kFooter);
}

}  // namespace

void add_demo_command(CLI::App& app, int& exit_code) {
  CLI::App* sub = app.add_subcommand("demo", "A tour: load, two crashes, recovery, audit; under half a minute");
  const auto command = std::make_shared<DemoCommand>();
  add_options(*sub, *command);
  sub->final_callback([command, &exit_code] {
    if (command->small) {
      command->demo.workload.skus = 200;
      command->demo.workload.customers = 2'000;
      command->demo.leg = std::chrono::milliseconds(300);
      command->demo.outstanding = 256;
    }
    exit_code = run_command(*command);
  });
}

}  // namespace kontor::cmd

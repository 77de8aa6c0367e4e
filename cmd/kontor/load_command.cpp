// `kontor load`: drives checkouts, in this process or over HTTP, and reports what the engine promises.
#include <csignal>
#include <iostream>
#include <memory>
#include <string_view>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <sys/prctl.h>

#include "cmd/kontor/client/caller.hpp"
#include "cmd/kontor/client/url.hpp"
#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/interrupts.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/load/http/run.hpp"
#include "cmd/kontor/load/options.hpp"
#include "cmd/kontor/load/report.hpp"
#include "cmd/kontor/load/run.hpp"
#include "cmd/kontor/temporary_directory.hpp"
#include "cmd/kontor/terminal.hpp"

namespace kontor::cmd {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  kontor load                                       five seconds, 4,096 in flight\n"
    "  kontor load --rate 50000 --duration 30s           latency at a given load\n"
    "  kontor load --zipf 1 --poor 0.05 --short 0.01     an uneven shop, some refusals\n"
    "  kontor load --url http://127.0.0.1:8080           a server, over 256 connections\n"
    "\n"
    "Latency is that of committed checkouts, from submit to the durable answer; with --rate from the moment the\n"
    "checkout was due. P1 is the share of begun checkouts whose every vote was yes, P2 the share of these that\n"
    "committed, P = P1 * P2. Exit code 1: the audit found a fault, or the server refused what a run needs.";

class Watcher final : public LoadWatcher {
 public:
  explicit Watcher(const LoadOptions& options) : options_(options) {}

  void on_progress(const std::string& words) override { line_.show(words); }
  void on_opened(const RecoveryReport& recovery) override { event("opened", {{"recovery", to_json(recovery)}}); }
  void on_driving() override { event("driving", {}); }
  void on_measured(const LoadReport& report) override {
    if (!options_.crash) return;
    std::cout << json_text(to_json(report, options_)) << std::endl;
    ::raise(SIGKILL);
  }
  void done() { line_.clear(); }

 private:
  void event(const char* name, boost::json::object fields) const {
    if (!options_.events) return;
    fields["event"] = name;
    std::cout << json_text(fields) << std::endl;  // Flushed: the reader acts on it.
  }

  const LoadOptions& options_;
  ProgressLine line_;
};

int run_in(const LoadOptions& options) {
  const std::atomic<bool>& stop = catch_interrupts();
  Watcher watcher(options);
  std::string explanation;
  const auto report = run_load(options, watcher, stop, explanation);
  watcher.done();
  if (!report) {
    std::cerr << "kontor load: " << (explanation.empty() ? to_string(report.code()) : explanation) << '\n';
    return exit_code_of(report.code());
  }
  if (options.json)
    std::cout << json_text(to_json(*report, options)) << std::endl;
  else
    std::cout << to_text(*report, options, wants_colour(stdout)) << std::flush;
  if (report->audit && !report->audit->clean()) return kExitCheckFailed;
  return report->interrupted ? kExitInterrupted : kExitOk;
}

int complain(int exit_code, const std::string& why) {
  std::cerr << "kontor load: " << why << '\n';
  return exit_code;
}

int run_over_http(const LoadOptions& options) {
  std::string why;
  std::vector<client::Url> urls;
  for (std::string& url : client::listed(options.url)) {
    client::CallOptions call;
    call.url = std::move(url), call.key_file = options.key_file;
    if (!client::Caller::make(call, why)) return complain(kExitUsage, why);  // The same rules for URLs and keys.
    urls.push_back(*client::parse_url(call.url));
    if (urls.back().secure) return complain(kExitUsage, "https is not driven; let --url be http");
  }
  const auto api_key = client::read_api_key(options.key_file, why);
  const std::atomic<bool>& stop = catch_interrupts();
  ProgressLine line;
  int exit_code = kExitOk;
  bool told = !options.events;
  const auto on_progress = [&](const std::string& words) {
    line.show(words);
    if (!told && words.starts_with("driving")) told = true, std::cout << R"({"event":"driving"})" << std::endl;
  };
  const auto report = run_http_load(options, urls, *api_key, on_progress, stop, exit_code, why);
  line.clear();
  if (!report) return complain(exit_code, why);
  if (options.json)
    std::cout << json_text(to_json(*report, options)) << std::endl;
  else
    std::cout << to_text(*report, options, wants_colour(stdout)) << std::flush;
  return exit_code;
}

int run_command(LoadOptions options) {
  if (!options.url.empty()) return run_over_http(options);
  if (options.die_with_parent) ::prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(SIGKILL));
  if (!options.dir.empty()) return run_in(options);
  const auto temporary = TemporaryDirectory::make();
  if (!temporary) {
    std::cerr << "kontor load: cannot make a temporary directory; give one with --data\n";
    return kExitCannotCreate;
  }
  options.dir = temporary->path() / "data";
  return run_in(options);
}

}  // namespace

void add_load_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("load", "Drive checkouts, here or over HTTP, and report speed, latency and an audit");
  const auto options = std::make_shared<LoadOptions>();
  add_load_options(*command, *options);
  command->footer(kFooter);
  command->final_callback([options, &exit_code] { exit_code = run_command(*options); });
}

}  // namespace kontor::cmd

// `kontor get`: any route that is read, as the server answers it.
#include <algorithm>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/client/view.hpp"
#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"

namespace kontor::cmd {
namespace {

using namespace client;

constexpr const char* kFooter =
    "Examples:\n"
    "  kontor get /v1/products/mug/stock\n"
    "  kontor get /metrics";

struct Options {
  CallOptions call;
  std::string path;
};

bool is_target(const std::string& path) {
  return path.starts_with('/') && std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c <= '~'; });
}

int run(const Options& options) {
  std::string why;
  if (!is_target(options.path)) why = "'" + options.path + "' is no path; it begins with /, with %20 for a space";
  auto caller = why.empty() ? Caller::make(options.call, why) : std::nullopt;
  if (!caller) {
    std::cerr << "kontor get: " << why << '\n';
    return kExitUsage;
  }
  const Reply reply = caller->get(options.path);
  if (reply.exit_code != kExitOk) return print_failure(reply, "get", options.call);
  std::cout << reply.body << (reply.body.ends_with('\n') ? "" : "\n");
  return kExitOk;
}

}  // namespace

void add_get_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("get", "Over HTTP: read any path and print what the server says");
  const auto options = std::make_shared<Options>();
  command->add_option("path", options->path, "Such as /v1/accounts/alice")->required()->type_name("PATH");
  add_call_options(*command, options->call, Method::get);
  command->footer(kFooter);
  command->final_callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace kontor::cmd

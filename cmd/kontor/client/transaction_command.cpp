// `kontor transaction`: what was asked, and what became of it, over HTTP.
#include <memory>

#include <CLI/CLI.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/commands.hpp"

namespace kontor::cmd {
namespace {

using namespace client;

struct Options {
  CallOptions call;
  std::string id;
};

}  // namespace

void add_transaction_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("transaction", "Over HTTP: what was asked, and what became of it");
  command->require_subcommand(1);
  CLI::App* get = command->add_subcommand("get", "A transaction");
  const auto options = std::make_shared<Options>();
  get->add_option("id", options->id, "txn_…")->required()->type_name("TX");
  add_call_options(*get, options->call, Method::get);
  get->final_callback([options, &exit_code] {
    exit_code = call_and_print("transaction get", options->call, [&](Caller& caller) {
      return caller.get("/v1/transactions/" + http::percent_encoded(options->id));
    });
  });
}

}  // namespace kontor::cmd

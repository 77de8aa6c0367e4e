// `kontor checkout`: one purchase, over HTTP.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"

namespace kontor::cmd {
namespace {

using namespace client;

constexpr const char* kFooter =
    "Example:\n"
    "  kontor checkout --customer alice --payee shop --currency GBP mug=2 plate=1@7.50\n"
    "\n"
    "A line without a price has the product's own. A refusal ends with exit code 1 and changes nothing.";

constexpr int kBasisPointsMax = 10'000;

struct Options {
  CallOptions call;
  std::string customer, payee, currency, fee_account;
  std::vector<std::string> lines;
  int basis_points = 0;
};

int complain(const std::string& text) {
  std::cerr << "kontor checkout: " << text << '\n';
  return kExitUsage;
}

int run(const Options& options) {
  const auto currency = parse_currency(options.currency);
  if (!currency) return complain("'" + options.currency + "' is no currency; write GBP");
  boost::json::array lines;
  for (const std::string& text : options.lines) {
    auto line = checkout_line(text, *currency);
    if (!line)
      return complain("'" + text + "' is no line; write SKU=QUANTITY or SKU=QUANTITY@PRICE, such as mug=2@12.99");
    lines.push_back(std::move(*line));
  }
  boost::json::object body{{"customer", options.customer},
                           {"currency", options.currency},
                           {"payees", boost::json::array{options.payee}},
                           {"lines", std::move(lines)}};
  if (!options.fee_account.empty())
    body["fee"] = {{"account", options.fee_account}, {"basis_points", options.basis_points}};
  return call_and_print("checkout", options.call, [&](Caller& caller) { return caller.post("/v1/checkouts", body); });
}

}  // namespace

void add_checkout_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("checkout", "Over HTTP: buy; stock, money and an order, together or not at all");
  const auto options = std::make_shared<Options>();
  command->add_option("lines", options->lines, "What is bought")->required()->type_name("SKU=QUANTITY[@PRICE]");
  command->add_option("--customer", options->customer, "The wallet that pays")->required()->type_name("ACCOUNT");
  command->add_option("--payee", options->payee, "The wallet that is paid")->required()->type_name("ACCOUNT");
  command->add_option("--currency", options->currency, "Such as GBP")->required()->type_name("CURRENCY");
  CLI::Option* fee =
      command->add_option("--fee-account", options->fee_account, "Who gets a share of it")->type_name("ACCOUNT");
  command->add_option("--fee-basis-points", options->basis_points, "How much: 250 is 2.5 %")
      ->needs(fee)
      ->type_name("N")
      ->check(CLI::Range(0, kBasisPointsMax));
  add_call_options(*command, options->call, Method::post);
  command->footer(kFooter);
  command->final_callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace kontor::cmd

// `kontor reservation`: stock that is set aside for a while, over HTTP.
#include <chrono>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"

namespace kontor::cmd {
namespace {

using namespace client;

constexpr const char* kFooter =
    "Example:\n"
    "  kontor reservation create --customer alice --payee shop --currency GBP --for 15m mug=2\n"
    "  kontor reservation commit rsv_00_00000001_00000000002a";

struct Options {
  CallOptions call;
  std::string reservation, customer, payee, currency;
  std::vector<std::string> lines;
  std::chrono::milliseconds hold{std::chrono::minutes(15)};

  std::string path(const std::string& more = {}) const {
    return "/v1/reservations/" + http::percent_encoded(reservation) + more;
  }
};

int complain(const std::string& text) {
  std::cerr << "kontor reservation create: " << text << '\n';
  return kExitUsage;
}

int create(const Options& options) {
  const auto currency = parse_currency(options.currency);
  if (!currency) return complain("'" + options.currency + "' is no currency; write GBP");
  boost::json::array lines;
  for (const std::string& text : options.lines) {
    auto line = checkout_line(text, *currency);
    if (!line)
      return complain("'" + text + "' is no line; write SKU=QUANTITY or SKU=QUANTITY@PRICE, such as mug=2@12.99");
    lines.push_back(std::move(*line));
  }
  const boost::json::object body{{"customer", options.customer},
                                 {"currency", options.currency},
                                 {"payees", boost::json::array{options.payee}},
                                 {"expires_in_ms", options.hold.count()},
                                 {"lines", std::move(lines)}};
  return call_and_print("reservation create", options.call,
                        [&](Caller& caller) { return caller.post("/v1/reservations", body); });
}

void add_create(CLI::App& group, int& exit_code) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = group.add_subcommand("create", "Set stock aside, at its prices, without paying yet");
  command->add_option("lines", options->lines, "What is set aside")->required()->type_name("SKU=QUANTITY[@PRICE]");
  command->add_option("--customer", options->customer, "The wallet that will pay")->required()->type_name("ACCOUNT");
  command->add_option("--payee", options->payee, "The wallet that will be paid")->required()->type_name("ACCOUNT");
  command->add_option("--currency", options->currency, "Such as GBP")->required()->type_name("CURRENCY");
  const auto read_hold = [options](const std::string& text) {
    const auto hold = parse_duration(text);
    if (!hold) throw CLI::ValidationError("--for", "'" + text + "' is no duration; write 90s, 15m or 2h");
    options->hold = std::chrono::duration_cast<std::chrono::milliseconds>(*hold);
  };
  command->add_option_function<std::string>("--for", read_hold, "How long, up to 7 days; else 15m")
      ->type_name("DURATION");
  add_call_options(*command, options->call, Method::post);
  command->footer(kFooter);
  command->final_callback([options, &exit_code] { exit_code = create(*options); });
}

CLI::App& add_one(CLI::App& group, const std::string& name, const std::string& help, Options& options, Method method) {
  CLI::App* command = group.add_subcommand(name, help);
  command->add_option("reservation", options.reservation)->required()->type_name("RESERVATION");
  add_call_options(*command, options.call, method);
  return *command;
}

void add_end(CLI::App& group, const std::string& name, const std::string& help, int& exit_code) {
  const auto options = std::make_shared<Options>();
  add_one(group, name, help, *options, Method::post).final_callback([options, name, &exit_code] {
    exit_code = call_and_print("reservation " + name, options->call,
                               [&](Caller& caller) { return caller.post(options->path("/" + name), {}); });
  });
}

}  // namespace

void add_reservation_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("reservation", "Over HTTP: stock that is set aside until it is paid");
  command->require_subcommand(1);
  add_create(*command, exit_code);
  const auto options = std::make_shared<Options>();
  add_one(*command, "get", "A reservation and what became of it", *options, Method::get)
      .final_callback([options, &exit_code] {
        exit_code = call_and_print("reservation get", options->call, [&](Caller& c) { return c.get(options->path()); });
      });
  add_end(*command, "commit", "The customer pays, and what was set aside is sold", exit_code);
  add_end(*command, "release", "What was set aside can be sold again", exit_code);
}

}  // namespace kontor::cmd

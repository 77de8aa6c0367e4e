// `kontor order`: orders and what is done to them, over HTTP.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"

namespace kontor::cmd {
namespace {

using namespace client;

struct Options {
  CallOptions call;
  std::string order;
  std::vector<std::string> lines;
  bool restock = true;

  std::string path(const std::string& more = {}) const { return "/v1/orders/" + http::percent_encoded(order) + more; }
};

CLI::App& add_one(CLI::App& group, const std::string& name, const std::string& help, Options& options, Method method) {
  CLI::App* command = group.add_subcommand(name, help);
  command->add_option("order", options.order)->required()->type_name("ORDER");
  add_call_options(*command, options.call, method);
  return *command;
}

/// An amendment of some lines or of all that is left.
int amend(const std::string& name, const Options& options, const std::string& route, boost::json::object body) {
  boost::json::array lines;
  for (const std::string& text : options.lines) {
    auto line = order_line(text);
    if (!line) {
      std::cerr << "kontor " << name << ": '" << text << "' is no line of an order; write LINE=QUANTITY, such as 0=2\n";
      return kExitUsage;
    }
    lines.push_back(std::move(*line));
  }
  if (!lines.empty()) body["lines"] = std::move(lines);
  return call_and_print(name, options.call, [&](Caller& caller) { return caller.post(options.path(route), body); });
}

void add_reads(CLI::App& group, int& exit_code) {
  auto options = std::make_shared<Options>();
  add_one(group, "get", "An order and what became of it", *options, Method::get).final_callback([options, &exit_code] {
    exit_code = call_and_print("order get", options->call, [&](Caller& c) { return c.get(options->path()); });
  });
}

void add_amendments(CLI::App& group, int& exit_code) {
  auto options = std::make_shared<Options>();
  add_one(group, "cancel", "All money and stock back", *options, Method::post).final_callback([options, &exit_code] {
    exit_code = amend("order cancel", *options, "/cancel", {});
  });

  constexpr const char* kLines = "Lines, counted from 0, and units; default: all that is left";
  options = std::make_shared<Options>();
  CLI::App& refund = add_one(group, "refund", "Money back for some lines or all", *options, Method::post);
  refund.add_option("lines", options->lines, kLines)->type_name("LINE=QUANTITY");
  refund.add_flag("!--no-restock", options->restock, "The goods do not come back");
  refund.final_callback([options, &exit_code] {
    exit_code = amend("order refund", *options, "/refunds", {{"restock", options->restock}});
  });

  options = std::make_shared<Options>();
  CLI::App& fulfil = add_one(group, "fulfil", "Units are handed over", *options, Method::post);
  fulfil.add_option("lines", options->lines, kLines)->type_name("LINE=QUANTITY");
  fulfil.final_callback([options, &exit_code] { exit_code = amend("order fulfil", *options, "/fulfilments", {}); });
}

}  // namespace

void add_order_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("order", "Over HTTP: orders and what is done to them");
  command->require_subcommand(1);
  add_reads(*command, exit_code);
  add_amendments(*command, exit_code);
}

}  // namespace kontor::cmd

// `kontor order`: orders and what is done to them, over HTTP.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/listing.hpp"
#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"

namespace kontor::cmd {
namespace {

using namespace client;

struct Options {
  CallOptions call;
  ListOptions list;
  std::string order, customer, payee;
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

  options = std::make_shared<Options>();
  CLI::App* list = group.add_subcommand("list", "Orders of a customer or of a payee, newest first");
  list->add_option("--customer", options->customer, "Who placed them; default: the key's own")->type_name("ACCOUNT");
  list->add_option("--payee", options->payee, "Whom they pay; default: the key's own")->type_name("ACCOUNT");
  add_list_options(*list, options->list);
  add_call_options(*list, options->call, Method::get);
  list->final_callback([options, &exit_code] {
    std::string target = "/v1/orders";
    for (const auto& [name, account] : {std::pair{"customer", options->customer}, std::pair{"payee", options->payee}})
      if (!account.empty())
        target += (target.find('?') == std::string::npos ? "?" : "&") + std::string(name) + "=" +
                  http::percent_encoded(account);
    exit_code = print_list("order list", options->call, options->list, target);
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

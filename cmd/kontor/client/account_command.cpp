// `kontor account`: accounts and money that moves between them, over HTTP.
#include <memory>

#include <CLI/CLI.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/group.hpp"
#include "cmd/kontor/client/listing.hpp"
#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/commands.hpp"

namespace kontor::cmd {
namespace {

using namespace client;

struct Options {
  CallOptions call;
  ListOptions list;
  std::string account, other, currency;
  bool external = false;
  Money amount;

  std::string path(const std::string& more = {}) const {
    return "/v1/accounts/" + http::percent_encoded(account) + more;
  }
};

using Commands = Group<Options>;

void add_reads(const Commands& group) {
  group.add("get", "Kind, balance and what is held", Method::get, std::make_shared<Options>(),
            [](Caller& caller, const Options& options) { return caller.get(options.path()); });
  CLI::App* entries = group.app.add_subcommand("entries", "What was posted to it, newest first");
  const auto options = std::make_shared<Options>();
  entries->add_option("account", options->account)->required()->type_name("ACCOUNT");
  add_list_options(*entries, options->list);
  add_call_options(*entries, options->call, Method::get);
  entries->final_callback([=, &code = group.exit_code] {
    code = print_list("account entries", options->call, options->list, options->path("/entries"));
  });
}

void add_create(const Commands& group) {
  const auto options = std::make_shared<Options>();
  CLI::App& create =
      group.add("create", "Open an account", Method::post, options, [](Caller& caller, const Options& o) {
        boost::json::object body{{"id", o.account}, {"currency", o.currency}};
        if (o.external) body["kind"] = "external";
        if (o.amount.currency) body["credit_limit"] = money_json(o.amount);
        return caller.post("/v1/accounts", body);
      });
  create.add_option("currency", options->currency, "Such as GBP")->required()->type_name("CURRENCY");
  CLI::Option* external = create.add_flag("--external", options->external, "The world outside, such as a bank");
  add_money(create, "--credit-limit", options->amount, "How far a wallet may go below zero")->excludes(external);
}

void add_moves(const Commands& group) {
  auto options = std::make_shared<Options>();
  const auto external_move = [](const char* route) {
    return [route](Caller& caller, const Options& o) {
      return caller.post(o.path(route), {{"external", o.other}, {"amount", money_json(o.amount)}});
    };
  };
  CLI::App& deposit = group.add("deposit", "Money comes in from an external account", Method::post, options,
                                external_move("/deposits"));
  add_money(deposit, "amount", options->amount, "Such as 50GBP")->required();
  deposit.add_option("--from", options->other, "The external account")->required()->type_name("ACCOUNT");

  options = std::make_shared<Options>();
  CLI::App& withdraw = group.add("withdraw", "Money goes out to an external account", Method::post, options,
                                 external_move("/withdrawals"));
  add_money(withdraw, "amount", options->amount, "Such as 50GBP")->required();
  withdraw.add_option("--to", options->other, "The external account")->required()->type_name("ACCOUNT");

  options = std::make_shared<Options>();
  CLI::App& transfer =
      group.add("transfer", "Money to another wallet", Method::post, options, [](Caller& c, const Options& o) {
        return c.post("/v1/transfers", {{"source", o.account}, {"target", o.other}, {"amount", money_json(o.amount)}});
      });
  add_money(transfer, "amount", options->amount, "Such as 50GBP")->required();
  transfer.add_option("--to", options->other, "The other wallet")->required()->type_name("ACCOUNT");
}

}  // namespace

void add_account_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("account", "Over HTTP: accounts and money that moves between them");
  command->require_subcommand(1);
  const Commands group{*command, exit_code, "account", "account", "ACCOUNT", &Options::account};
  add_create(group);
  add_moves(group);
  add_reads(group);
}

}  // namespace kontor::cmd

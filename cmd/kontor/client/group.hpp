#pragma once
#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cmd/kontor/client/options.hpp"

namespace kontor::cmd::client {

/// The commands of one noun, such as `kontor account …`. `Options` has a member `call` for what each of them takes.
template <class Options>
struct Group {
  CLI::App& app;
  int& exit_code;
  std::string noun;
  std::string argument, type;   ///< The first argument: what the command is about.
  std::string Options::*named;  ///< Where it goes.

  /// A command of this group; `call` says what it asks the server for.
  CLI::App& add(const std::string& name, const std::string& help, Method method, std::shared_ptr<Options> options,
                std::function<Reply(Caller&, const Options&)> call) const {
    CLI::App* command = app.add_subcommand(name, help);
    command->add_option(argument, (*options).*named)->required()->type_name(type);
    add_call_options(*command, options->call, method);
    command->final_callback([=, &code = exit_code, words = noun + " " + name] {
      code = call_and_print(words, options->call, [&](Caller& caller) { return call(caller, *options); });
    });
    return *command;
  }
};

}  // namespace kontor::cmd::client

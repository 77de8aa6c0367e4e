// `kontor keys`: the API keys of `kontor serve`.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>

#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/serve/key_file.hpp"
#include "cmd/kontor/terminal.hpp"
#include "cmd/kontor/time_text.hpp"

namespace kontor::cmd {
namespace {

namespace json = boost::json;
using serve::ApiKey;
using serve::Role;

constexpr const char* kFooter =
    "Examples:\n"
    "  kontor keys create --role admin --name operator           may do everything\n"
    "  kontor keys create --role customer --account alice        may do what alice pays\n"
    "  kontor keys list\n"
    "  kontor keys revoke 0123456789ab && kill -HUP $(pidof kontor)\n"
    "\n"
    "The key that `create` prints is stored nowhere. A running server reads the file again on SIGHUP. Once there is a\n"
    "file, `kontor serve` lets nobody in without a key, also when the last one is revoked; delete it to go back.";

struct Options {
  std::string dir = "kontor-data", file, role, account, name, id;
  bool json = false;

  std::filesystem::path path() const {
    return file.empty() ? std::filesystem::path(dir) / serve::kKeyFileDefault : std::filesystem::path(file);
  }
};

int complain(const char* command, int exit_code, const std::string& text) {
  std::cerr << "kontor keys " << command << ": " << text << '\n';
  return exit_code;
}

int exit_code_of_keys(Errc code) { return code == Errc::too_large ? kExitUsage : exit_code_of(code); }

int run_create(const Options& options) {
  serve::Principal principal{*serve::parse_role(options.role), {}};
  if (principal.role == Role::admin && !options.account.empty())
    return complain("create", kExitUsage, "an admin's key has no --account: it may do everything");
  if (principal.role != Role::admin) {
    const auto account = AccountId::parse(options.account);
    if (!account) return complain("create", kExitUsage, "--account is needed: 1 to 39 bytes, as the account is called");
    principal.account = *account;
  }
  if (options.name.size() > serve::kKeyNameBytesMax)
    return complain("create", kExitUsage,
                    "--name is longer than " + std::to_string(serve::kKeyNameBytesMax) + " bytes");
  const auto made = serve::make_key(principal, options.name);
  if (!made) return complain("create", kExitJournal, "the system has no random bytes to give");
  std::error_code ignored;  // Then the file cannot be made, and that says why.
  if (const auto parent = options.path().parent_path(); !parent.empty())
    std::filesystem::create_directories(parent, ignored);
  std::string explanation;
  const auto changed = serve::change_keys(
      options.path(),
      [&](std::vector<ApiKey>& keys) {
        keys.push_back(made->key);
        return Result<void>();
      },
      &explanation);
  if (!changed) return complain("create", exit_code_of_keys(changed.code()), explanation);
  std::cout << made->token << std::endl;
  std::cerr << "This is shown once. A running server takes it on SIGHUP.\n";
  return kExitOk;
}

json::object to_json(const ApiKey& key) {
  return {{"id", key.id},
          {"role", serve::to_string(key.principal.role)},
          {"account", key.principal.account.empty() ? json::value() : json::value(key.principal.account.view())},
          {"name", key.name.empty() ? json::value() : json::value(key.name)},
          {"created", time_text(key.created_at_ns)}};
}

int run_list(const Options& options) {
  std::string explanation;
  auto keys = serve::read_keys(options.path(), &explanation);
  if (!keys && keys.code() != Errc::not_found) return complain("list", exit_code_of_keys(keys.code()), explanation);
  const std::vector<ApiKey> all = keys ? std::move(*keys) : std::vector<ApiKey>();
  if (options.json) {
    json::array elements;
    for (const ApiKey& key : all) elements.push_back(to_json(key));
    std::cout << json_text(json::object{{"keys", std::move(elements)}}) << '\n';
    return kExitOk;
  }
  Table table(std::vector<Table::Align>(5, Table::Align::left));
  table.row({{"id", Tone::faint},
             {"role", Tone::faint},
             {"account", Tone::faint},
             {"name", Tone::faint},
             {"created", Tone::faint}});
  for (const ApiKey& key : all)
    table.row({key.id, std::string(serve::to_string(key.principal.role)), key.principal.account.str(), key.name,
               time_text(key.created_at_ns)});
  std::cout << table.text(wants_colour(stdout));
  return kExitOk;
}

int run_revoke(const Options& options) {
  // Not quoted: it may be a whole key, given by mistake.
  if (!serve::is_key_id(options.id))
    return complain("revoke", kExitUsage, "an id is 12 hexadecimal digits, as `kontor keys list` shows it");
  std::string explanation;
  if (const auto keys = serve::read_keys(options.path(), &explanation); !keys)
    return complain("revoke", exit_code_of_keys(keys.code()), explanation);
  const auto changed = serve::change_keys(
      options.path(),
      [&](std::vector<ApiKey>& keys) {
        const auto revoked = [&](const ApiKey& key) { return key.id == options.id; };
        return std::erase_if(keys, revoked) > 0 ? Result<void>() : Result<void>(Error{Errc::not_found, "id"});
      },
      &explanation);
  if (!changed && changed.code() == Errc::not_found) explanation = "there is no key " + options.id;
  if (!changed) return complain("revoke", exit_code_of_keys(changed.code()), explanation);
  std::cerr << "Revoked. A running server forgets it on SIGHUP.\n";
  return kExitOk;
}

void add_place(CLI::App* command, Options& options) {
  auto* dir = command->add_option("--data", options.dir, "The server's directory, whose keys.json is meant")
                  ->type_name("DIR")
                  ->capture_default_str();
  command->add_option("--keys", options.file, "The file itself")->type_name("FILE")->excludes(dir);
}

}  // namespace

void add_keys_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<Options>();
  CLI::App* keys = app.add_subcommand("keys", "Make, list and revoke the API keys of `kontor serve`");
  keys->require_subcommand(1);
  keys->footer(kFooter);
  CLI::App* create = keys->add_subcommand("create", "Make a key and print it, once");
  std::vector<std::string> roles;
  roles.reserve(serve::kRoles.size());
  for (const Role role : serve::kRoles) roles.emplace_back(serve::to_string(role));
  create->add_option("--role", options->role, "What it may do")->required()->check(CLI::IsMember(roles));
  create->add_option("--account", options->account, "Whose it is; for a merchant or a customer")->type_name("ID");
  create->add_option("--name", options->name, "For people: what it is used for")->type_name("TEXT");
  add_place(create, *options);
  create->callback([options, &exit_code] { exit_code = run_create(*options); });
  CLI::App* list = keys->add_subcommand("list", "Show the keys, without their secrets");
  list->add_flag("--json", options->json, "Print one JSON object");
  add_place(list, *options);
  list->callback([options, &exit_code] { exit_code = run_list(*options); });
  CLI::App* revoke = keys->add_subcommand("revoke", "Forget a key");
  revoke->add_option("id", options->id, "As `list` shows it; not the key itself")->required()->type_name("ID");
  add_place(revoke, *options);
  revoke->callback([options, &exit_code] { exit_code = run_revoke(*options); });
}

}  // namespace kontor::cmd

#include "cmd/kontor/client/listing.hpp"

#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/view.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/terminal.hpp"

namespace kontor::cmd::client {
namespace {

namespace json = boost::json;

constexpr std::uint32_t kLimitMax = 10'000;

std::string page_target(std::string target, const ListOptions& options, const std::string& after) {
  const auto add = [&](const std::string& name, const std::string& value) {
    target += (target.find('?') == std::string::npos ? "?" : "&") + name + "=" + http::percent_encoded(value);
  };
  if (options.limit > 0) add("limit", std::to_string(options.limit));
  if (!after.empty()) add("starting_after", after);
  return target;
}

/// None: this is no list.
const json::array* rows_of(const std::optional<json::object>& list) {
  const json::value* rows = list ? list->if_contains("data") : nullptr;
  return rows ? rows->if_array() : nullptr;
}

void print_page(const json::object& list, const json::array& rows, const CallOptions& call) {
  if (!call.json) {
    std::cout << list_text(list, wants_colour(stdout)) << std::flush;
    return;
  }
  for (const json::value& row : rows) std::cout << json_text(row) << '\n';
}

/// What a next page begins after; empty: the element does not tell.
std::string name_of(const json::object& element) {
  for (const char* name : {"id", "sku", "transaction"})
    if (const json::value* value = element.if_contains(name); value && value->is_string())
      return std::string(value->get_string());
  return {};
}

}  // namespace

void add_list_options(CLI::App& command, ListOptions& options) {
  command.add_option("--limit", options.limit, "Elements of a page at most")
      ->type_name("N")
      ->check(CLI::Range(1U, kLimitMax));
  command.add_option("--starting-after", options.after, "Go on after this one")->type_name("ID");
  command.add_flag("--all", options.all, "All pages");
}

int print_list(const std::string& command, const CallOptions& call, const ListOptions& options, std::string target) {
  std::string why;
  auto caller = Caller::make(call, why);
  if (!caller) {
    std::cerr << "kontor " << command << ": " << why << '\n';
    return kExitUsage;
  }
  for (std::string after = options.after;;) {
    const Reply reply = caller->get(page_target(target, options, after));
    const auto list = reply.exit_code == kExitOk ? reply.object() : std::nullopt;
    const json::array* rows = rows_of(list);
    if (!rows) return print_failure(reply, command, call);
    print_page(*list, *rows, call);
    const json::value* more = list->if_contains("has_more");
    if (!more || !more->is_bool() || !more->get_bool() || rows->empty()) return kExitOk;
    const std::string last = rows->back().is_object() ? name_of(rows->back().get_object()) : std::string();
    if (last.empty() || last == after) return kExitOk;  // Nothing to go on after.
    after = last;
    if (options.all) continue;
    std::cerr << "kontor " << command << ": there is more; --starting-after " << after << " or --all\n";
    return kExitOk;
  }
}

}  // namespace kontor::cmd::client

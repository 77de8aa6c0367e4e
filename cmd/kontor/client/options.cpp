#include "cmd/kontor/client/options.hpp"

#include <charconv>
#include <iostream>

#include <CLI/CLI.hpp>

#include "cmd/kontor/client/view.hpp"
#include "cmd/kontor/exit_codes.hpp"

namespace kontor::cmd::client {
namespace {

namespace json = boost::json;

constexpr double kTimeoutMinS = 0.001, kTimeoutMaxS = 3'600;
constexpr unsigned kRetriesMax = 100;
constexpr std::size_t kCodeBytes = 3;  // Of a currency.

/// None: not a whole number from 0 on.
std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size() || number < 0) return {};
  return number;
}

std::optional<Money> parse_money(std::string_view text) {
  if (text.size() <= kCodeBytes) return {};
  const auto currency = parse_currency(text.substr(text.size() - kCodeBytes));
  text.remove_suffix(kCodeBytes);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (!currency) return {};
  const auto minor = parse_minor(text, *currency);
  if (!minor) return {};
  return Money{*minor, *currency};
}

}  // namespace

void add_call_options(CLI::App& command, CallOptions& options, Method method) {
  const std::string group = "How the server is reached";
  command.add_option("--url", options.url, "Where `kontor serve` listens")
      ->type_name("URL")
      ->envname("KONTOR_URL")
      ->default_val("http://127.0.0.1:8080")
      ->group(group);
  command.add_option("--key-file", options.key_file, "A file with the API key; default: what KONTOR_API_KEY holds")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--ca-file", options.ca_file, "https: whom to trust, as PEM; default: whom the system trusts")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--timeout", options.timeout_s, "Longest wait for one step, such as an answer")
      ->type_name("SECONDS")
      ->check(CLI::Range(kTimeoutMinS, kTimeoutMaxS))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--retries", options.retries, "Repeats after a lost answer, or when the server asks to come again")
      ->type_name("N")
      ->check(CLI::Range(0U, kRetriesMax))
      ->capture_default_str()
      ->group(group);
  if (method == Method::post)
    command
        .add_option("--idempotency-key", options.idempotency_key, "Names the request: sent again, it has one effect")
        ->type_name("KEY")
        ->group(group);
  command.add_flag("--json", options.json, "Print what the server says, as one line of JSON");
}

CLI::Option* add_money(CLI::App& command, const std::string& name, Money& money, const std::string& help) {
  const auto read = [&money, name](const std::string& text) {
    const auto parsed = parse_money(text);
    if (!parsed) throw CLI::ValidationError(name, "'" + text + "' is no amount; write 12.99GBP");
    money = *parsed;
  };
  return command.add_option_function<std::string>(name, read, help)->type_name("MONEY");
}

json::object money_json(Money money) { return {{"amount", money.minor}, {"currency", currency_code(money.currency)}}; }

std::optional<json::object> checkout_line(std::string_view text, Currency currency) {
  const auto at = text.rfind('=');  // A SKU may hold one itself.
  if (at == text.npos || at == 0) return {};
  std::string_view figures = text.substr(at + 1);
  json::object line{{"sku", text.substr(0, at)}};
  const auto price_at = figures.find('@');
  const auto quantity = whole_number(figures.substr(0, price_at));
  if (!quantity || *quantity == 0) return {};
  line["quantity"] = *quantity;
  if (price_at == figures.npos) return line;
  const auto price = parse_minor(figures.substr(price_at + 1), currency);
  if (!price) return {};
  line["unit_price"] = money_json({*price, currency});
  return line;
}

std::optional<json::object> order_line(std::string_view text) {
  const auto at = text.find('=');
  if (at == text.npos) return {};
  const auto line = whole_number(text.substr(0, at)), quantity = whole_number(text.substr(at + 1));
  if (!line || !quantity || *quantity == 0) return {};
  return json::object{{"line", *line}, {"quantity", *quantity}};
}

int call_and_print(const std::string& command, const CallOptions& options, const std::function<Reply(Caller&)>& call) {
  std::string why;
  auto caller = Caller::make(options, why);
  if (!caller) {
    std::cerr << "kontor " << command << ": " << why << '\n';
    return kExitUsage;
  }
  return print_reply(call(*caller), command, options);
}

}  // namespace kontor::cmd::client

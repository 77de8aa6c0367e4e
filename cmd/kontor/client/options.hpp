#pragma once
#include <functional>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cmd/kontor/client/caller.hpp"
#include "domain/money.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace kontor::cmd::client {

enum class Method { get, post };

/// Declares what each command over HTTP takes: --url, --key-file, --ca-file, --timeout, --retries, --json and, when it
/// posts, --idempotency-key. Parsing fills `options`, which must live as long.
void add_call_options(CLI::App& command, CallOptions& options, Method method);

/// Declares an option or an argument that reads "12.99GBP" or "12.99 GBP".
CLI::Option* add_money(CLI::App& command, const std::string& name, Money& money, const std::string& help);
/// As the API writes it.
boost::json::object money_json(Money money);

/// Reads "SKU=QUANTITY" or "SKU=QUANTITY@PRICE", the price in `currency`, as a line of a checkout. None: it is neither.
std::optional<boost::json::object> checkout_line(std::string_view text, Currency currency);
/// Reads "LINE=QUANTITY" as a line of a refund or a fulfilment. None: it is not.
std::optional<boost::json::object> order_line(std::string_view text);

/// Calls the server, prints what it says, and returns what the program ends with.
int call_and_print(const std::string& command, const CallOptions& options, const std::function<Reply(Caller&)>& call);

}  // namespace kontor::cmd::client

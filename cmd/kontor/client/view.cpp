#include "cmd/kontor/client/view.hpp"

#include <algorithm>
#include <iostream>

#include <boost/json.hpp>

#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/terminal.hpp"
#include "domain/money.hpp"

namespace kontor::cmd::client {
namespace {

namespace json = boost::json;

/// {"amount": …, "currency": …}
std::optional<Money> money_in(const json::value& value) {
  const json::object* object = value.if_object();
  if (!object || object->size() != 2) return {};
  const json::value* amount = object->if_contains("amount");
  const json::value* code = object->if_contains("currency");
  if (!amount || !amount->is_int64() || !code || !code->is_string()) return {};
  const auto currency = parse_currency(code->get_string());
  if (!currency) return {};
  return Money{amount->get_int64(), *currency};
}

bool is_table(const json::value& value) {
  const json::array* array = value.if_array();
  return array && !array->empty() &&
         std::all_of(array->begin(), array->end(), [](const json::value& row) { return row.is_object(); });
}

std::string words_of(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

/// Text that a server sent must not steer the terminal.
std::string harmless(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

bool is_right(const json::value& value) { return value.is_number() || money_in(value); }

std::string table_text(const json::array& rows, bool colour) {
  std::vector<std::string> names;
  std::vector<Table::Align> columns;
  for (const json::value& row : rows) {
    for (const auto& [name, value] : row.get_object()) {
      if (name == "object" || std::find(names.begin(), names.end(), name) != names.end()) continue;
      names.emplace_back(name);
      columns.push_back(is_right(value) ? Table::Align::right : Table::Align::left);
    }
  }
  Table table(columns);
  std::vector<Table::Cell> head;
  head.reserve(names.size());
  for (const std::string& name : names) head.emplace_back(words_of(harmless(name)), Tone::faint);
  // A row of one cell would be taken for a heading, which widens nothing; here that is all there is.
  table.row(std::move(head));
  for (const json::value& row : rows) {
    std::vector<Table::Cell> cells;
    cells.reserve(names.size());
    for (const std::string& name : names) {
      const json::value* value = row.get_object().if_contains(name);
      cells.emplace_back(value ? value_text(*value) : std::string());
    }
    table.row(std::move(cells));
  }
  return table.text(colour);
}

Tone tone_of(std::string_view name, std::string_view value) {
  if (name == "id" || name == "sku") return Tone::strong;
  if (name != "outcome") return Tone::plain;
  return value == "committed" ? Tone::good : Tone::bad;
}

std::string text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value && value->is_string() ? harmless(value->get_string()) : std::string();
}

/// RFC 9457: what is wrong, then what a program would look at.
void print_problem(const json::object& problem, const std::string& command) {
  std::cerr << "kontor " << command << ": " << text_member(problem, "title");
  if (const std::string detail = text_member(problem, "detail"); !detail.empty()) std::cerr << ": " << detail;
  std::cerr << '\n';
  for (const auto& [name, value] : problem)
    if (name != "title" && name != "detail" && name != "type" && name != "retryable" && name != "instance")
      std::cerr << "  " << words_of(harmless(name)) << ' ' << value_text(value) << '\n';
}

/// An outcome that is not known can be asked for.
void tell_key(const Reply& reply, const std::string& command) {
  if (reply.idempotency_key.empty() || reply.exit_code != kExitJournal) return;
  std::cerr << "kontor " << command << ": the outcome is not known; the same command with --idempotency-key "
            << reply.idempotency_key << " tells it\n";
}

}  // namespace

std::string value_text(const json::value& value) {
  if (const auto money = money_in(value)) return to_string(*money);
  if (value.is_string()) return harmless(value.get_string());
  if (const json::array* array = value.if_array(); array && !is_table(value)) {
    std::string out;
    for (const json::value& element : *array) out += (out.empty() ? "" : ", ") + value_text(element);
    return out;
  }
  return json_text(value);
}

std::string object_text(const json::object& object, bool colour) {
  Table table({Table::Align::left, Table::Align::left});
  std::string beneath;
  for (const auto& [name, value] : object) {
    if (name == "object") continue;
    if (is_table(value)) {
      beneath += "\n" + table_text(value.get_array(), colour);
    } else if (name == "operation" && value.is_array()) {  // Sentences.
      for (std::size_t i = 0; i < value.get_array().size(); ++i)
        table.row({{i == 0 ? "operation" : "", Tone::faint}, value_text(value.get_array()[i])});
    } else {
      const std::string text = value_text(value);
      table.row({{words_of(harmless(name)), Tone::faint}, {text, tone_of(name, text)}});
    }
  }
  return table.text(colour) + beneath;
}

std::string list_text(const json::object& list, bool colour) {
  const json::value* rows = list.if_contains("data");
  return rows && is_table(*rows) ? table_text(rows->get_array(), colour) : std::string();
}

std::string event_line(const json::object& event) {
  const json::value* data = event.if_contains("data");
  const json::object* transaction = data ? data->if_object() : nullptr;
  std::string out = text_member(event, "created_at") + "  " + text_member(event, "cursor");
  if (!transaction) return out;
  out += "  " + text_member(*transaction, "id");
  if (const json::value* words = transaction->if_contains("operation")) out += "  " + value_text(*words);
  return out;
}

int print_failure(const Reply& reply, const std::string& command, const CallOptions& options) {
  const auto problem = reply.object();
  const int exit_code = reply.exit_code == kExitOk ? kExitBadData : reply.exit_code;
  if (problem && reply.exit_code != kExitOk) {
    if (options.json)
      std::cout << json_text(*problem) << '\n';
    else
      print_problem(*problem, command);
  } else if (reply.status == 0) {
    std::cerr << "kontor " << command << ": " << reply.why << '\n';
  } else {
    std::cerr << "kontor " << command << ": the server answered " << reply.status
              << ", but not as the API does; is --url right?\n";
  }
  tell_key(reply, command);
  return exit_code;
}

int print_reply(const Reply& reply, const std::string& command, const CallOptions& options) {
  const auto object = reply.object();
  if (reply.exit_code != kExitOk || !object) return print_failure(reply, command, options);
  const bool colour = wants_colour(stdout);
  if (options.json)
    std::cout << json_text(*object) << '\n';
  else if (text_member(*object, "object") == "list")
    std::cout << list_text(*object, colour);
  else
    std::cout << object_text(*object, colour);
  if (reply.replayed) std::cerr << "kontor " << command << ": done before, under this idempotency key\n";
  return kExitOk;
}

}  // namespace kontor::cmd::client

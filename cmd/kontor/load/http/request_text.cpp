#include "cmd/kontor/load/http/request_text.hpp"

#include <array>
#include <cassert>
#include <charconv>

namespace kontor::cmd {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kLines = "application/x-ndjson";

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 20> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

void append_money(std::string& out, Money money) {
  out.append(R"({"amount":)");
  append_number(out, money.minor);
  out.append(R"(,"currency":")").append(currency_code(money.currency)).append("\"}");
}

/// The members of a checkout, without the braces around them.
void append_checkout(std::string& out, const Checkout& checkout) {
  out.append(R"("customer":")").append(checkout.customer.view());
  out.append(R"(","currency":")").append(currency_code(checkout.currency));
  out.append(R"(","payees":[")").append(checkout.payees.front().view()).append(R"("],"lines":[)");
  for (const Line& line : checkout.lines) {
    out.append(R"({"sku":")").append(line.sku.view()).append(R"(","quantity":)");
    append_number(out, line.quantity);
    out.append("},");
  }
  out.back() = ']';
}

}  // namespace

RequestText::RequestText(std::string_view authority, std::string_view api_key) {
  fields_.append(" HTTP/1.1\r\nHost: ").append(authority).append("\r\n");
  if (!api_key.empty()) fields_.append("Authorization: Bearer ").append(api_key).append("\r\n");
}

void RequestText::post(std::string_view path, std::string_view type, std::string_view key, std::string& out) {
  out.append("POST ").append(path).append(fields_).append("Content-Type: ").append(type);
  if (!key.empty()) out.append("\r\nIdempotency-Key: ").append(key);
  out.append("\r\nContent-Length: ");
  append_number(out, static_cast<std::int64_t>(body_.size()));
  out.append("\r\n\r\n").append(body_);
  body_.clear();
}

void RequestText::checkout(const Request& request, std::string& out) {
  body_ = '{';
  append_checkout(body_, *std::get_if<Checkout>(&request.operation));
  body_ += '}';
  post("/v1/checkouts", kJson, request.key.view(), out);
}

void RequestText::add_to_batch(const Request& request) {
  body_.append(R"({"idempotency_key":")").append(request.key.view()).append("\",");
  append_checkout(body_, *std::get_if<Checkout>(&request.operation));
  body_.append("}\n");
}

void RequestText::batch(std::string& out) { post("/v1/checkouts:batch", kLines, {}, out); }

void RequestText::seed(const Request& request, std::size_t line, std::string& out) {
  const Operation& operation = request.operation;
  if (const auto* open = std::get_if<OpenAccount>(&operation)) {
    body_.append(R"({"id":")").append(open->account.view()).append(R"(","currency":")");
    body_.append(currency_code(open->currency)).append(R"(","kind":")").append(to_string(open->kind)).append("\"}");
    return post("/v1/accounts", kJson, request.key.view(), out);
  }
  if (const auto* define = std::get_if<DefineProduct>(&operation)) {
    body_.append(R"({"sku":")").append(define->sku.view()).append(R"(","price":)");
    append_money(body_, define->price);
    body_ += '}';
    return post("/v1/products", kJson, request.key.view(), out);
  }
  if (const auto* deposit = std::get_if<Deposit>(&operation)) {
    body_.append(R"({"external":")").append(deposit->external.view()).append(R"(","amount":)");
    append_money(body_, deposit->amount);
    body_ += '}';
    const std::string path = "/v1/accounts/" + std::string(deposit->account.view()) + "/deposits";
    return post(path, kJson, request.key.view(), out);
  }
  const auto* receive = std::get_if<ReceiveStock>(&operation);
  assert(receive && "nothing else is seeded");
  body_.append(R"({"quantity":)");
  append_number(body_, receive->lines[line].quantity);
  body_ += '}';
  const std::string path = "/v1/products/" + std::string(receive->lines[line].sku.view()) + "/stock/receipts";
  post(path, kJson, request.key.view(), out);  // A key belongs to its path, so one key serves all lines.
}

}  // namespace kontor::cmd

// Objects as a client sees them.
#include <charconv>

#include <boost/json/array.hpp>

#include "cmd/kontor/serve/answer.hpp"
#include "cmd/kontor/time_text.hpp"
#include "persistence/story.hpp"

namespace kontor::cmd::serve {

namespace json = boost::json;

json::object to_json(Money money) { return {{"amount", money.minor}, {"currency", currency_code(money.currency)}}; }

json::object product_json(const Product& product) {
  return {{"object", "product"},
          {"sku", product.sku.view()},
          {"price", to_json(Money{product.price, product.currency})},
          {"version", product.version}};
}

std::string etag_of(const Product& product) { return '"' + std::to_string(product.version) + '"'; }

std::optional<std::uint32_t> version_of_etag(std::string_view text) {
  if (text.size() < 3 || text.front() != '"' || text.back() != '"') return {};
  std::uint32_t version = 0;
  const char* const last = text.data() + text.size() - 1;
  const auto [end, failure] = std::from_chars(text.data() + 1, last, version);
  if (failure != std::errc{} || end != last || version == 0) return {};
  return version;
}

json::object stock_json(const Product& product) {
  return {{"object", "stock"},
          {"sku", product.sku.view()},
          {"on_hand", product.on_hand},
          {"held", product.held},
          {"available", product.available()},
          {"incoming", product.incoming},
          {"received", product.received},
          {"adjusted", product.adjusted},
          {"sold", product.sold},
          {"returned", product.returned}};
}

json::object to_json(const Account& account) {
  const auto money = [&](Minor minor) { return to_json(Money{minor, account.currency}); };
  json::object out{{"object", "account"},
                   {"id", account.id.view()},
                   {"kind", to_string(account.kind)},
                   {"currency", currency_code(account.currency)},
                   {"balance", money(account.balance)},
                   {"held", money(account.held)},
                   {"incoming", money(account.incoming)}};
  if (account.kind == AccountKind::wallet) {
    out["credit_limit"] = money(account.credit_limit);
    out["available"] = money(account.available());
  }
  return out;
}

json::object to_json(const Order& order) {
  const Checkout& checkout = order.checkout;
  const auto money = [&](Minor minor) { return to_json(Money{minor, checkout.currency}); };
  json::array lines;
  Minor total = 0;
  for (std::size_t i = 0; i < checkout.lines.size(); ++i) {
    const Line& line = checkout.lines[i];
    const LineProgress& progress = order.progress.lines[i];
    total += line.unit_price * line.quantity;  // Checked when it was placed.
    lines.push_back(json::object{{"line", i},
                                 {"sku", line.sku.view()},
                                 {"quantity", line.quantity},
                                 {"unit_price", money(line.unit_price)},
                                 {"payee", checkout.payees[line.payee].view()},
                                 {"refunded", progress.refunded},
                                 {"fulfilled", progress.fulfilled}});
  }
  json::array payees;
  for (const AccountId& payee : checkout.payees) payees.push_back(json::string(payee.view()));
  json::object out{{"object", "order"},
                   {"id", order_text(order.id)},
                   {"transaction", transaction_text(order.id)},
                   {"customer", checkout.customer.view()},
                   {"status", to_string(order.progress.status)},
                   {"payment", to_string(payment_status(order.progress))},
                   {"fulfilment", to_string(fulfilment_status(order.progress))},
                   {"version", order.progress.version},
                   {"total", money(total)},
                   {"payees", std::move(payees)},
                   {"lines", std::move(lines)}};
  if (!checkout.fee.account.empty())
    out["fee"] = {{"account", checkout.fee.account.view()}, {"basis_points", checkout.fee.basis_points}};
  return out;
}

json::object to_json(const TransactionRecord& record) {
  json::array words;
  for (const std::string& line : persistence::describe(record.operation)) words.push_back(json::string(line));
  const bool known = record.verdict != Verdict::unknown;
  json::object out{{"object", "transaction"},
                   {"id", transaction_text(record.id)},
                   {"kind", to_string(kind_of(record.operation))},
                   {"outcome", known ? to_string(record.verdict) : "pending"},
                   {"enrolled_at", time_text(record.enrolled_at_ns)},
                   {"operation", std::move(words)}};
  if (std::holds_alternative<Checkout>(record.operation) && record.verdict == Verdict::committed)
    out["order"] = order_text(record.id);
  return out;
}

}  // namespace kontor::cmd::serve

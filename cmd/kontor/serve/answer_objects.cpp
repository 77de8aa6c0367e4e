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
          {"reserved", product.reserved},
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

namespace {

Money total_of(const Checkout& checkout) {
  Money total{0, checkout.currency};
  for (const Line& line : checkout.lines) total.minor += line.unit_price * line.quantity;  // Checked at its beginning.
  return total;
}

json::array lines_of(const Checkout& checkout) {
  json::array lines;
  for (std::size_t i = 0; i < checkout.lines.size(); ++i) {
    const Line& line = checkout.lines[i];
    lines.push_back(json::object{{"line", i},
                                 {"sku", line.sku.view()},
                                 {"quantity", line.quantity},
                                 {"unit_price", to_json(Money{line.unit_price, checkout.currency})},
                                 {"payee", checkout.payees[line.payee].view()}});
  }
  return lines;
}

json::array payees_of(const Checkout& checkout) {
  json::array payees;
  for (const AccountId& payee : checkout.payees) payees.push_back(json::string(payee.view()));
  return payees;
}

json::object fee_of(const Checkout& checkout) {
  return {{"account", checkout.fee.account.view()}, {"basis_points", checkout.fee.basis_points}};
}

/// What became of a reservation, whatever was done to the order since.
std::string_view reservation_status(OrderStatus status) {
  const bool paid = status == OrderStatus::placed || status == OrderStatus::cancelled;
  return paid ? "committed" : to_string(status);
}

}  // namespace

json::object reservation_json(const Order& order) {
  const Checkout& checkout = order.checkout;
  const std::string_view status = reservation_status(order.progress.status);
  json::object out{{"object", "reservation"},
                   {"id", reservation_text(order.id)},
                   {"transaction", transaction_text(order.id)},
                   {"customer", checkout.customer.view()},
                   {"status", status},
                   {"expires_at", time_text(order.expires_at_ns)},
                   {"total", to_json(total_of(checkout))},
                   {"payees", payees_of(checkout)},
                   {"lines", lines_of(checkout)}};
  if (!checkout.fee.account.empty()) out["fee"] = fee_of(checkout);
  if (status == "committed") out["order"] = order_text(order.id);
  return out;
}

json::object to_json(const Order& order) {
  const Checkout& checkout = order.checkout;
  json::array lines = lines_of(checkout);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].get_object()["refunded"] = order.progress.lines[i].refunded;
    lines[i].get_object()["fulfilled"] = order.progress.lines[i].fulfilled;
  }
  json::object out{{"object", "order"},
                   {"id", order_text(order.id)},
                   {"transaction", transaction_text(order.id)},
                   {"customer", checkout.customer.view()},
                   {"status", to_string(order.progress.status)},
                   {"payment", to_string(payment_status(order.progress))},
                   {"fulfilment", to_string(fulfilment_status(order.progress))},
                   {"version", order.progress.version},
                   {"total", to_json(total_of(checkout))},
                   {"payees", payees_of(checkout)},
                   {"lines", std::move(lines)}};
  if (!checkout.fee.account.empty()) out["fee"] = fee_of(checkout);
  if (order.expires_at_ns != 0) out["reservation"] = reservation_text(order.id);
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
  if (std::holds_alternative<Reserve>(record.operation) && record.verdict == Verdict::committed)
    out["reservation"] = reservation_text(record.id);
  return out;
}

}  // namespace kontor::cmd::serve

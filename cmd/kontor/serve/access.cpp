#include "cmd/kontor/serve/access.hpp"

#include <algorithm>
#include <array>

#include "cmd/kontor/serve/overloaded.hpp"

namespace kontor::cmd::serve {
namespace {

constexpr Scope none = Scope::none, all = Scope::all, own = Scope::own;

// Method, path; then what a merchant and a customer may; and whether no key is needed.
constexpr std::array kAccess{
    RouteAccess{"POST", "/v1/products", all, none},
    RouteAccess{"POST", "/v1/products/{sku}/price", all, none},
    RouteAccess{"POST", "/v1/products/{sku}/stock/receipts", all, none},
    RouteAccess{"POST", "/v1/products/{sku}/stock/adjustments", all, none},
    RouteAccess{"POST", "/v1/accounts", none, none},                        // Sets a credit limit.
    RouteAccess{"POST", "/v1/accounts/{account}/deposits", none, none},     // Money out of nothing.
    RouteAccess{"POST", "/v1/accounts/{account}/withdrawals", none, none},  // Money that has left the building.
    RouteAccess{"POST", "/v1/transfers", none, own},
    RouteAccess{"POST", "/v1/checkouts", none, own},
    RouteAccess{"POST", "/v1/checkouts:batch", none, own},  // Each line for itself.
    RouteAccess{"POST", "/v1/reservations", none, own},
    RouteAccess{"POST", "/v1/reservations/{reservation}/commit", none, own},  // The customer's money.
    RouteAccess{"POST", "/v1/reservations/{reservation}/release", none, own},
    RouteAccess{"POST", "/v1/orders/{order}/cancel", own, none},
    RouteAccess{"POST", "/v1/orders/{order}/refunds", own, none},
    RouteAccess{"POST", "/v1/orders/{order}/fulfilments", own, none},
    RouteAccess{"GET", "/v1/products", all, all},
    RouteAccess{"GET", "/v1/products/{sku}", all, all},
    RouteAccess{"GET", "/v1/products/{sku}/stock", all, none},  // What was sold is not the customers' business.
    RouteAccess{"GET", "/v1/accounts/{account}", own, own},
    RouteAccess{"GET", "/v1/accounts/{account}/entries", own, own},
    RouteAccess{"GET", "/v1/orders", own, own},
    RouteAccess{"GET", "/v1/orders/{order}", own, own},
    RouteAccess{"GET", "/v1/reservations/{reservation}", own, own},
    RouteAccess{"GET", "/v1/transactions/{transaction}", own, own},
    RouteAccess{"GET", "/v1/events", none, none},  // Everybody's doings.
    RouteAccess{"POST", "/v1/audits", none, none},
    RouteAccess{"GET", "/v1/audits/{audit}", none, none},
    RouteAccess{"GET", "/v1/cluster", none, none},
    RouteAccess{"GET", "/v1/cluster/in-doubt", none, none},
    RouteAccess{"POST", "/v1/cluster/in-doubt/{transaction}/resolve", none, none},
    RouteAccess{"POST", "/v1/cluster/shards/{shard}/move/{node}", none, none},
    RouteAccess{"POST", "/v1/cluster/members/{node}/add/{address}", none, none},
    RouteAccess{"GET", "/metrics", none, none},
    RouteAccess{"GET", "/healthz", all, all, true},
    RouteAccess{"GET", "/readyz", all, all, true},
    RouteAccess{"GET", "/openapi.json", all, all, true},
};

Problem forbidden(std::string_view detail, std::string param) {
  return {Errc::invalid_argument, std::string(detail), std::move(param), 403, {}};
}
Problem unknown(Errc code) { return {code, {}, {}, 0, {}}; }

/// A product has a price and no owner: whoever buys it pays that price, and does not say who gets a share of it.
std::optional<Problem> refuse_terms(const Checkout& checkout) {
  for (std::size_t i = 0; i < checkout.lines.size(); ++i)
    if (checkout.lines[i].unit_price != kCatalogPrice)
      return forbidden("a customer's key buys at the product's own price",
                       "/lines/" + std::to_string(i) + "/unit_price");
  if (!checkout.fee.account.empty()) return forbidden("a customer's key sets no fee", "/fee");
  return {};
}

/// Of an order that pays several merchants each amends its own lines only.
bool touches_others(const AccountId& payee, const Checkout& checkout, std::span<const OrderLine> lines) {
  const auto others = [&](const Line& line) { return checkout.payees[line.payee] != payee; };
  if (lines.empty()) return std::any_of(checkout.lines.begin(), checkout.lines.end(), others);
  return std::any_of(lines.begin(), lines.end(), [&](const OrderLine& line) {
    return line.line < checkout.lines.size() && others(checkout.lines[line.line]);
  });
}

}  // namespace

std::span<const RouteAccess> access_table() { return kAccess; }

const RouteAccess* access_to(std::string_view method, std::string_view path) {
  const auto it = std::find_if(kAccess.begin(), kAccess.end(),
                               [&](const RouteAccess& row) { return row.method == method && row.path == path; });
  return it == kAccess.end() ? nullptr : &*it;
}

Scope scope_of(const RouteAccess* route, const Principal& who) {
  if (who.role == Role::admin) return Scope::all;
  if (!route) return Scope::none;
  return who.role == Role::merchant ? route->merchant : route->customer;
}

bool is_own(const Principal& who, const AccountId& account) {
  return who.role == Role::admin || who.account == account;
}

bool is_own(const Principal& who, const Checkout& checkout) {
  if (who.role != Role::merchant) return is_own(who, checkout.customer);
  return std::find(checkout.payees.begin(), checkout.payees.end(), who.account) != checkout.payees.end();
}

bool is_own(const Principal& who, const Operation& operation) {
  const auto mine = [&](const AccountId& account) { return is_own(who, account); };
  const bool sells = who.role != Role::customer;
  return std::visit(Overloaded{[&](const OpenAccount& op) { return mine(op.account); },
                               [&](const Deposit& op) { return mine(op.account); },
                               [&](const Withdraw& op) { return mine(op.account); },
                               [&](const Transfer& op) { return mine(op.source) || mine(op.target); },
                               [&](const DefineProduct&) { return sells; }, [&](const SetPrice&) { return sells; },
                               [&](const ReceiveStock&) { return sells; }, [&](const AdjustStock&) { return sells; },
                               [&](const Checkout& op) { return is_own(who, op); },
                               [&](const Reserve& op) { return is_own(who, op.checkout); },
                               [&](const UnmatchedRefund& op) { return mine(sells ? op.payee : op.customer); },
                               [&](const auto& amendment) {
                                 static_assert(requires { amendment.order; });
                                 return who.role == Role::admin;
                               }},
                    operation);
}

bool narrow(const Principal& who, OrderFilter& filter) {
  if (who.role == Role::admin) return true;
  AccountId& mine = who.role == Role::merchant ? filter.payee : filter.customer;
  if (!mine.empty() && mine != who.account) return false;
  mine = who.account;
  return true;
}

const Checkout* purchase_in(const Operation& operation) {
  const auto* reserve = std::get_if<Reserve>(&operation);
  return reserve ? &reserve->checkout : std::get_if<Checkout>(&operation);
}

std::optional<OrderId> order_amended(const Operation& operation) {
  return std::visit(
      [](const auto& op) -> std::optional<OrderId> {
        if constexpr (requires { op.order; })
          return op.order;
        else
          return {};
      },
      operation);
}

std::optional<Problem> refuse(const Principal& who, const Operation& operation) {
  if (who.role == Role::admin) return {};
  const auto pays = [&](const AccountId& account) { return who.role == Role::customer && who.account == account; };
  if (const auto* transfer = std::get_if<Transfer>(&operation); transfer && !pays(transfer->source))
    return unknown(Errc::unknown_account);
  const Checkout* checkout = purchase_in(operation);
  if (!checkout) return {};
  if (!pays(checkout->customer)) return unknown(Errc::unknown_account);
  return refuse_terms(*checkout);
}

std::optional<Problem> refuse(const Principal& who, const Order& order, const Operation& operation) {
  if (who.role == Role::admin) return {};
  if (!is_own(who, order.checkout)) return unknown(Errc::unknown_order);
  std::span<const OrderLine> lines;
  if (const auto* refund = std::get_if<Refund>(&operation)) lines = refund->lines;
  if (const auto* fulfil = std::get_if<Fulfil>(&operation)) lines = fulfil->lines;
  if (who.role == Role::customer || !touches_others(who.account, order.checkout, lines)) return {};
  if (std::holds_alternative<Cancel>(operation))
    return forbidden("the order pays others, too: refund the lines that pay your account", {});
  return forbidden("the order pays others, too: name lines that pay your account", "/lines");
}

}  // namespace kontor::cmd::serve

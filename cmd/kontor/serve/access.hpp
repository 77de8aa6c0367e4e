#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "cmd/kontor/serve/api_key.hpp"
#include "cmd/kontor/serve/problem.hpp"
#include "domain/operations.hpp"
#include "domain/order.hpp"

/// Who may do what: the whole rule, and nothing else. Pure.
///
/// A route is refused by role (403) before anything is looked up. Of a route that is a role's own, somebody else's
/// object is answered like one that does not exist (404, the same bytes), so that nobody learns names by asking. An
/// admin may do everything.
namespace kontor::cmd::serve {

enum class Scope : std::uint8_t {
  none,  ///< Not for this role.
  all,   ///< Whatever the route reaches.
  own,   ///< What belongs to the caller's account.
};

/// What the roles may do by one route.
struct RouteAccess {
  std::string_view method, path;
  Scope merchant = Scope::none, customer = Scope::none;
  bool open = false;  ///< Needs no key.
};
std::span<const RouteAccess> access_table();
/// The route's row. nullptr: there is none, and only an admin is served.
const RouteAccess* access_to(std::string_view method, std::string_view path);
Scope scope_of(const RouteAccess* route, const Principal& who);

bool is_own(const Principal& who, const AccountId& account);
/// Whether it is a customer's purchase, or pays a merchant.
bool is_own(const Principal& who, const Checkout& checkout);
/// Whether `who` may read the transaction of `operation`. Of what amends an order that is the order's own question.
bool is_own(const Principal& who, const Operation& operation);
/// Whose orders are listed: of a customer, or of a payee, or of both; an empty name is anybody's.
struct OrderFilter {
  AccountId customer, payee;
};
/// Narrows `filter` to what is the caller's own. False: nothing of it is.
bool narrow(const Principal& who, OrderFilter& filter);
/// What a checkout or a reservation buys, else nullptr.
const Checkout* purchase_in(const Operation& operation);
/// The order that an amendment names; a reservation is an order, too.
std::optional<OrderId> order_amended(const Operation& operation);

/// Why `who` may not ask for this, as far as the request alone tells.
std::optional<Problem> refuse(const Principal& who, const Operation& operation);
/// Why `who` may not amend `order` like this.
std::optional<Problem> refuse(const Principal& who, const Order& order, const Operation& operation);

}  // namespace kontor::cmd::serve

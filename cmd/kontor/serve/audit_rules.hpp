#pragma once
#include <optional>
#include <string>
#include <vector>

#include "domain/inventory.hpp"
#include "domain/ledger.hpp"
#include "persistence/views/view_codec.hpp"

/// What an audit of a running engine makes of one row. Pure.
///
/// A row is read between two looks at the views, so what committed before the first look is in it, unless its decision
/// is still on its way (then the row says that it is promised), and of what came between the looks any part.
namespace kontor::cmd::serve {

enum class Finding : std::uint8_t {
  exact,      ///< The row is what the log adds up to, and nothing was posted meanwhile.
  in_motion,  ///< It is changing, and within what was posted meanwhile or is promised.
  differs,
};

/// What the log says of an account: at both looks, and what was posted between them.
struct AccountSpan {
  std::optional<persistence::views::AccountView> before, after;
  Minor debits = 0, credits = 0;  ///< Sums of both; debits are negative.
};
Finding judge(const Account& row, const AccountSpan& span);

struct ProductSpan {
  std::optional<persistence::views::ProductView> before, after;
};
Finding judge(const Product& row, const ProductSpan& span);

/// The invariants that one row breaks by itself, in words.
std::vector<std::string> broken(const Account& row);
std::vector<std::string> broken(const Product& row);

/// How row and log differ, in words.
std::string difference(const Account& row, const AccountSpan& span);
std::string difference(const Product& row, const ProductSpan& span);

}  // namespace kontor::cmd::serve

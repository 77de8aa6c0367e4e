#pragma once
#include <array>
#include <string_view>

#include "cmd/kontor/serve/api.hpp"

/// The lists that come from the views: newest first.
namespace kontor::cmd::serve {

inline constexpr std::array<std::string_view, 5> kOrderListQuery{"customer", "payee", "limit", "starting_after",
                                                                 "ending_before"};
inline constexpr std::size_t kOrdersListedMax = 100;  // Each is read from its journal: some 50 us.
inline constexpr std::size_t kOrdersListedUsual = 20;
inline constexpr std::size_t kOrderLinesListedMax = 4'000;  // Of a page in all, if it has more than one order: 1 MB.
inline constexpr std::size_t kEntriesListedMax = 1'000;     // Some 1 ms.

/// GET /v1/orders: of a customer, of a payee, or of both.
void read_orders(const Read& read);
/// GET /v1/accounts/{account}/entries: what was posted to it.
void read_entries(const Read& read);

}  // namespace kontor::cmd::serve

#pragma once
#include <array>
#include <string_view>

#include "cmd/kontor/serve/api.hpp"

namespace kontor::cmd::serve {

inline constexpr std::array<std::string_view, 3> kListQuery{"limit", "starting_after", "ending_before"};
inline constexpr std::size_t kListedUsual = 100;

/// GET /v1/products: in the order in which they were defined, shard after shard.
void read_products(const Read& read);

}  // namespace kontor::cmd::serve

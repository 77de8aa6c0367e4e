#pragma once
#include "cmd/kontor/serve/api.hpp"

namespace kontor::cmd::serve {

/// GET /v1/products: in the order in which they were defined, shard after shard.
void read_products(const Read& read);

}  // namespace kontor::cmd::serve

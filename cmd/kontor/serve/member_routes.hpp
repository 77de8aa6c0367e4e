#pragma once
#include <string_view>

#include "cmd/kontor/serve/api.hpp"

namespace kontor::cmd::serve {

/// `POST /v1/cluster/members/{node}/add/{address}`: answers when the member belongs to the cluster. Has one effect
/// however often it is sent; the key only says that the caller means it, as everywhere.
void add_member(const Read& read, std::string_view key);

}  // namespace kontor::cmd::serve

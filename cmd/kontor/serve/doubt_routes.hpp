#pragma once
#include <array>
#include <string_view>

#include "cmd/kontor/serve/api.hpp"

/// `/v1/cluster/in-doubt`: what is in doubt on this node, and asking for its end.
namespace kontor::cmd::serve {

inline constexpr std::array<std::string_view, 2> kDoubtQuery{"limit", "starting_after"};

void read_doubts(const Read& read);
/// Has one effect however often it is sent; the key only says that the caller means it, as everywhere.
void resolve_doubt(const Read& read, std::string_view key);

}  // namespace kontor::cmd::serve

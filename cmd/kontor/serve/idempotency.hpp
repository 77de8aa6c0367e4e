#pragma once
#include <optional>
#include <string_view>

#include "cmd/kontor/serve/decode.hpp"
#include "domain/ids.hpp"

namespace kontor::cmd::serve {

inline constexpr std::size_t kClientKeyBytesMax = 255;  // Of an Idempotency-Key: a UUID with any prefix fits.

/// Visible ASCII and spaces, 1 to kClientKeyBytesMax bytes.
bool is_client_key(std::string_view key);

/// The engine's key for a client's: a hash over who asks (`caller_of`), the route with the names in it, and the key, so
/// that one client's key for one route never meets another's. SHA-256, cut to 192 bits: who can choose keys must not be
/// able to make two meet.
IdempotencyKey engine_key(std::string_view caller, std::string_view route, const PathNames& path, std::string_view key);

}  // namespace kontor::cmd::serve

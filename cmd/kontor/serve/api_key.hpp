#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cmd/kontor/serve/sha256.hpp"
#include "domain/ids.hpp"

/// Bearer API keys: `kontor_ID_SECRET`, ID 12 hexadecimal digits that may be shown, SECRET 32 random bytes as
/// base64url.
namespace kontor::cmd::serve {

inline constexpr std::size_t kKeyIdBytes = 12;  // 48 random bits: among kKeysMax keys two never meet by chance.
inline constexpr std::size_t kSecretBytes = 43;
inline constexpr std::size_t kKeyNameBytesMax = 100;  // For people: "web shop, 2026".

/// What a key may do; access.hpp has the table. Stored by name.
enum class Role : std::uint8_t {
  admin,     ///< Everything.
  merchant,  ///< Products and stock, and the orders that pay its account.
  customer,  ///< What its own account pays.
};
inline constexpr std::array kRoles{Role::admin, Role::merchant, Role::customer};
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view text);

/// Who asks.
struct Principal {
  Role role = Role::admin;
  AccountId account;  ///< Of a merchant or a customer; an admin has none.
  std::string key;    ///< The id of the API key that says so; empty: none was needed.
};

/// Whose idempotency keys those of a request are. Not the API key's id: a request that is sent again under a new key,
/// because the old one was replaced meanwhile, must not charge twice.
std::string caller_of(const Principal& who);

using SecretHash = Sha256Digest;

struct ApiKey {
  std::string id;
  Principal principal;
  std::string name;  ///< May be empty.
  std::int64_t created_at_ns = 0;
  SecretHash hash{};
};

/// SHA-256. A slow hash protects what people think up; 256 random bits cannot be tried out, however fast the hash is,
/// and each request pays for it.
SecretHash hash_of(std::string_view secret);

/// The parts of a key as a client sends it; views into `token`. None: it is malformed. What a secret is made of its
/// hash will tell.
struct TokenParts {
  std::string_view id, secret;
};
std::optional<TokenParts> parts_of(std::string_view token);

bool is_key_id(std::string_view id);
/// A new key; the token, which holds the secret, is not kept anywhere. None: the system has no randomness to give.
struct NewKey {
  ApiKey key;
  std::string token;
};
std::optional<NewKey> make_key(const Principal& principal, std::string name);

}  // namespace kontor::cmd::serve

#include "cmd/kontor/serve/api_key.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <span>

#include <openssl/evp.h>
#include <openssl/rand.h>

namespace kontor::cmd::serve {
namespace {

constexpr std::string_view kTokenPrefix = "kontor_";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string hex_of(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

/// Without padding, as in RFC 4648, section 5.
std::string base64url_of(std::span<const unsigned char> bytes) {
  std::string text;
  unsigned pending = 0, bits = 0;
  for (const unsigned char byte : bytes) {
    pending = pending << 8 | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += kBase64Url[pending >> (bits - 6) & 63];
  }
  if (bits > 0) text += kBase64Url[pending << (6 - bits) & 63];
  return text;
}

bool all_of_kind(std::string_view text, std::string_view kind) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return kind.find(c) != kind.npos; });
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::admin: return "admin";
    case Role::merchant: return "merchant";
    case Role::customer: return "customer";
  }
  return "unlisted";
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role role : kRoles)
    if (text == to_string(role)) return role;
  return {};
}

std::string caller_of(const Principal& who) {
  // As without API keys: what was sent before the first key was made and is sent again after it has one effect, too.
  if (who.role == Role::admin) return "local";
  return std::string(to_string(who.role)) + ":" + who.account.str();
}

SecretHash hash_of(std::string_view secret) {
  SecretHash hash{};
  [[maybe_unused]] const int done =
      EVP_Digest(secret.data(), secret.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
  assert(done == 1);  // Only without memory.
  return hash;
}

bool is_key_id(std::string_view id) { return id.size() == kKeyIdBytes && all_of_kind(id, kHexDigits); }

std::optional<TokenParts> parts_of(std::string_view token) {
  if (token.size() != kTokenPrefix.size() + kKeyIdBytes + 1 + kSecretBytes) return {};
  if (!token.starts_with(kTokenPrefix)) return {};
  token.remove_prefix(kTokenPrefix.size());
  const TokenParts parts{token.substr(0, kKeyIdBytes), token.substr(kKeyIdBytes + 1)};
  if (token[kKeyIdBytes] != '_' || !is_key_id(parts.id) || !all_of_kind(parts.secret, kBase64Url)) return {};
  return parts;
}

std::optional<NewKey> make_key(const Principal& principal, std::string name) {
  std::array<unsigned char, kKeyIdBytes / 2> id{};
  std::array<unsigned char, 32> secret{};
  if (RAND_bytes(id.data(), static_cast<int>(id.size())) != 1) return {};
  if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1) return {};
  const std::string text = base64url_of(secret);
  assert(text.size() == kSecretBytes);
  NewKey made;
  made.key.id = hex_of(id);
  made.key.principal = principal;
  made.key.name = std::move(name);
  made.key.created_at_ns = std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  made.key.hash = hash_of(text);
  made.token.append(kTokenPrefix).append(made.key.id).append("_").append(text);
  return made;
}

}  // namespace kontor::cmd::serve

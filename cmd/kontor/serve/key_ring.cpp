#include "cmd/kontor/serve/key_ring.hpp"

#include <openssl/crypto.h>

namespace kontor::cmd::serve {
namespace {

constexpr std::string_view kScheme = "bearer ";  // RFC 9110: in any case.

bool starts_with_scheme(std::string_view text) {
  if (text.size() < kScheme.size()) return false;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != kScheme[i]) return false;
  }
  return true;
}

/// What follows the scheme; empty: there is no such field, or two of them, or another scheme.
std::string_view bearer_token(const http::Request& request) {
  const std::string* field = request.field("Authorization");
  if (!field || request.count("Authorization") != 1 || !starts_with_scheme(*field)) return {};
  return std::string_view(*field).substr(kScheme.size());
}

}  // namespace

KeyRing::KeyRing(const std::vector<ApiKey>& keys) {
  for (const ApiKey& key : keys) {
    Entry& entry = keys_.emplace(key.id, Entry{key.principal, key.hash}).first->second;
    entry.principal.key = key.id;
  }
}

const Principal* KeyRing::find(std::string_view token) const {
  static const Entry kNobody;  // No secret is known whose hash is zero; and it is nobody's anyway.
  const TokenParts parts = parts_of(token).value_or(TokenParts{});
  const auto it = keys_.find(std::string(parts.id));
  const Entry& entry = it == keys_.end() ? kNobody : it->second;
  const SecretHash hash = hash_of(parts.secret);
  const bool same = CRYPTO_memcmp(hash.data(), entry.hash.data(), hash.size()) == 0;
  return same && it != keys_.end() ? &entry.principal : nullptr;
}

KeyRingPtr CurrentKeys::get() const {
  const std::lock_guard lock(mutex_);
  return ring_;
}

void CurrentKeys::set(KeyRingPtr ring) {
  const std::lock_guard lock(mutex_);
  ring_ = std::move(ring);
}

std::optional<Principal> authenticate(const KeyRingPtr& ring, const http::Request& request) {
  if (!ring) return Principal{};
  const Principal* who = ring->find(bearer_token(request));
  return who ? std::optional(*who) : std::nullopt;
}

}  // namespace kontor::cmd::serve

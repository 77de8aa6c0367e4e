#include "cmd/kontor/serve/idempotency.hpp"

#include <algorithm>
#include <string>

#include "cmd/kontor/serve/sha256.hpp"

namespace kontor::cmd::serve {
namespace {

constexpr std::size_t kHashBytesKept = 24;
constexpr std::size_t kPartsBytesUsual = 256;
constexpr std::string_view kPrefix = "http-";
static_assert(kPrefix.size() + 2 * kHashBytesKept <= kKeyBytesMax);

}  // namespace

bool is_client_key(std::string_view key) {
  return !key.empty() && key.size() <= kClientKeyBytesMax &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

IdempotencyKey engine_key(std::string_view caller, std::string_view route, const PathNames& path,
                          std::string_view key) {
  std::string parts;  // Fed as one: a call for each part takes longer than the hash.
  parts.reserve(kPartsBytesUsual);
  const auto add = [&](std::string_view part) {  // With its length, so that parts cannot run into each other.
    parts += static_cast<char>(part.size() >> 8);
    parts += static_cast<char>(part.size());
    parts += part;
  };
  add(caller);
  add("POST");
  add(route);
  for (const std::string& name : path) add(name);
  add(key);
  Sha256 hash;
  hash.feed(parts);
  const Sha256Digest digest = hash.digest();
  const std::string text = std::string(kPrefix) + hex_text(std::span(digest).first<kHashBytesKept>());
  return *IdempotencyKey::parse(text);
}

}  // namespace kontor::cmd::serve

#include "cmd/kontor/serve/idempotency.hpp"

#include <algorithm>
#include <array>

#include "cmd/kontor/serve/sha256.hpp"

namespace kontor::cmd::serve {
namespace {

constexpr std::size_t kHashBytesKept = 24;
constexpr std::string_view kPrefix = "http-";
static_assert(kPrefix.size() + 2 * kHashBytesKept <= kKeyBytesMax);

}  // namespace

bool is_client_key(std::string_view key) {
  return !key.empty() && key.size() <= kClientKeyBytesMax &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

IdempotencyKey engine_key(std::string_view caller, std::string_view route, const PathNames& path,
                          std::string_view key) {
  Sha256 hash;
  const auto feed = [&](std::string_view part) {  // With its length, so that parts cannot run into each other.
    const std::array<unsigned char, 2> size{static_cast<unsigned char>(part.size() >> 8),
                                            static_cast<unsigned char>(part.size())};
    hash.feed(size.data(), size.size());
    hash.feed(part);
  };
  feed(caller);
  feed("POST");
  feed(route);
  for (const std::string& name : path) feed(name);
  feed(key);
  const Sha256Digest digest = hash.digest();
  const std::string text = std::string(kPrefix) + hex_text(std::span(digest).first<kHashBytesKept>());
  return *IdempotencyKey::parse(text);
}

}  // namespace kontor::cmd::serve

#include "cmd/kontor/serve/idempotency.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <memory>

#include <openssl/evp.h>

namespace kontor::cmd::serve {
namespace {

constexpr std::size_t kHashBytesKept = 24;
constexpr std::string_view kPrefix = "http-";
static_assert(kPrefix.size() + 2 * kHashBytesKept <= kKeyBytesMax);

/// One for each thread: looking an algorithm up takes longer than hashing a key.
EVP_MD_CTX* context() {
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> own(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return own.get();
}

}  // namespace

bool is_client_key(std::string_view key) {
  return !key.empty() && key.size() <= kClientKeyBytesMax &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

IdempotencyKey engine_key(std::string_view caller, std::string_view route, const PathNames& path,
                          std::string_view key) {
  static const EVP_MD* const kSha256 = EVP_sha256();
  EVP_MD_CTX* const hash = context();
  bool ok = EVP_DigestInit_ex(hash, kSha256, nullptr) == 1;
  const auto feed = [&](std::string_view part) {  // With its length, so that parts cannot run into each other.
    const std::array<unsigned char, 2> size{static_cast<unsigned char>(part.size() >> 8),
                                            static_cast<unsigned char>(part.size())};
    ok = ok && EVP_DigestUpdate(hash, size.data(), size.size()) == 1;
    ok = ok && EVP_DigestUpdate(hash, part.data(), part.size()) == 1;
  };
  feed(caller);
  feed("POST");
  feed(route);
  for (const std::string& name : path) feed(name);
  feed(key);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  ok = ok && EVP_DigestFinal_ex(hash, digest.data(), nullptr) == 1;
  assert(ok);  // Only without memory.
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(kPrefix);
  for (std::size_t i = 0; i < kHashBytesKept; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return *IdempotencyKey::parse(text);
}

}  // namespace kontor::cmd::serve

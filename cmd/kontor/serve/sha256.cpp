#include "cmd/kontor/serve/sha256.hpp"

#include <cassert>
#include <memory>

#include <openssl/evp.h>

namespace kontor::cmd::serve {
namespace {

EVP_MD_CTX* context() {
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> own(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return own.get();
}

}  // namespace

Sha256::Sha256() {
  static const EVP_MD* const kSha256 = EVP_sha256();
  ok_ = EVP_DigestInit_ex(context(), kSha256, nullptr) == 1;
}

void Sha256::feed(const void* bytes, std::size_t size) { ok_ = ok_ && EVP_DigestUpdate(context(), bytes, size) == 1; }

Sha256Digest Sha256::digest() {
  Sha256Digest digest{};
  ok_ = ok_ && EVP_DigestFinal_ex(context(), digest.data(), nullptr) == 1;
  assert(ok_);  // Only without memory.
  return digest;
}

std::string hex_text(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace kontor::cmd::serve

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

/// EVP_sha256() would only name the algorithm, and each hash look it up again among OpenSSL's providers. Kept until the
/// program ends: any thread may hash until then.
const EVP_MD* algorithm() {
  static const EVP_MD* const kFetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kFetched;
}

}  // namespace

Sha256::Sha256() { ok_ = EVP_DigestInit_ex(context(), algorithm(), nullptr) == 1; }

void Sha256::feed(const void* bytes, std::size_t size) { ok_ = ok_ && EVP_DigestUpdate(context(), bytes, size) == 1; }

Sha256Digest Sha256::digest() {
  Sha256Digest digest{};
  ok_ = ok_ && EVP_DigestFinal_ex(context(), digest.data(), nullptr) == 1;
  assert(ok_);  // Only without memory.
  return digest;
}

std::string hex_text(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(2 * bytes.size(), '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text[2 * i] = kDigits[bytes[i] >> 4];
    text[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace kontor::cmd::serve

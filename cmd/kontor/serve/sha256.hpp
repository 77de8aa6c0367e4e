#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>

namespace kontor::cmd::serve {

using Sha256Digest = std::array<unsigned char, 32>;

/// One hash at a time on each thread: it uses a context of the thread's, since looking an algorithm up takes longer
/// than hashing a key.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void feed(const void* bytes, std::size_t size);
  void feed(std::string_view text) { feed(text.data(), text.size()); }
  /// Last of all.
  Sha256Digest digest();

 private:
  bool ok_ = true;
};

/// Two small hexadecimal digits for each byte.
std::string hex_text(std::span<const unsigned char> bytes);

}  // namespace kontor::cmd::serve

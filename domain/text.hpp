#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <xxhash.h>

#include "domain/result.hpp"

namespace kontor {

/// True if `text` may be an id: 1 to `max` bytes of well-formed UTF-8 without control characters.
bool is_name(std::string_view text, std::size_t max);

/// Short text stored in place and padded with zeros, so that copies are flat and equality is one memcmp.
/// `Tag` makes each use a type of its own. Construct with `parse`; the default value is empty and means "none".
template <class Tag, std::size_t kMax>
class Text {
 public:
  static_assert(kMax < 256);
  static constexpr std::size_t kBytesMax = kMax;

  /// Errors: invalid_argument (empty, control characters, not UTF-8), too_large.
  static Result<Text> parse(std::string_view text) {
    if (text.size() > kMax) return Error{Errc::too_large, Tag::kName};
    if (!is_name(text, kMax)) return Error{Errc::invalid_argument, Tag::kName};
    return unchecked(text);
  }

  /// For bytes that `parse` accepted before (a journal record whose checksum holds); truncates, never overflows.
  static Text unchecked(std::string_view text) {
    Text out;
    out.size_ = static_cast<std::uint8_t>(text.size() < kMax ? text.size() : kMax);
    std::memcpy(out.bytes_.data(), text.data(), out.size_);
    return out;
  }

  std::string_view view() const { return {bytes_.data(), size_}; }
  std::string str() const { return std::string(view()); }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  /// Stable across runs, builds and machines: placement depends on it.
  std::uint64_t hash() const { return XXH3_64bits(bytes_.data(), size_); }

  friend bool operator==(const Text& a, const Text& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
  friend bool operator!=(const Text& a, const Text& b) { return !(a == b); }
  friend bool operator<(const Text& a, const Text& b) { return a.view() < b.view(); }
  friend std::size_t hash_value(const Text& text) { return text.hash(); }

 private:
  std::uint8_t size_ = 0;
  std::array<char, kMax> bytes_{};
};

}  // namespace kontor

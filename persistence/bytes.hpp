#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "domain/text.hpp"

/// The alphabet of payloads: little-endian integers, LEB128 varints (zigzag when signed), text with a length byte.
namespace kontor::persistence {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the journal's integers are little-endian");

/// Appends to a string it owns; grows by doubling, hands the bytes over with `take`. Takes no memory before it is used.
class ByteWriter {
 public:
  explicit ByteWriter(std::size_t expected_bytes = 256) : expected_(expected_bytes) {}

  template <class Integer>
  void fixed(Integer value) {
    static_assert(std::is_integral_v<Integer>);
    room(sizeof value);
    std::memcpy(bytes_.data() + size_, &value, sizeof value);
    size_ += sizeof value;
  }
  void varint(std::uint64_t value) {
    room(kVarintBytesMax);
    char* at = bytes_.data() + size_;
    while (value >= 0x80) {
      *at++ = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    *at++ = static_cast<char>(value);
    size_ = static_cast<std::size_t>(at - bytes_.data());
  }
  void zigzag(std::int64_t value) {
    varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void raw(std::string_view text) {
    room(text.size());
    std::memcpy(bytes_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void sized(std::string_view text) {
    varint(text.size());
    raw(text);
  }
  template <class Tag, std::size_t kMax>
  void text(const Text<Tag, kMax>& value) {
    // A Text is its length byte and its bytes, as stored here; copying all of it has a size known to the compiler.
    static_assert(sizeof value == 1 + kMax);
    room(sizeof value);
    std::memcpy(bytes_.data() + size_, &value, sizeof value);
    size_ += 1 + value.size();
  }

  std::size_t size() const { return size_; }
  std::string_view view() const { return {bytes_.data(), size_}; }
  void clear() { size_ = 0; }
  /// Overwrites an integer written earlier (a count that was not known yet).
  template <class Integer>
  void patch(std::size_t at, Integer value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  std::string take() {
    bytes_.resize(size_);
    size_ = 0;
    return std::move(bytes_);
  }

 private:
  static constexpr std::size_t kVarintBytesMax = 10;
  void room(std::size_t more) {
    if (size_ + more > bytes_.size()) [[unlikely]]
      grow(more);
  }
  [[gnu::noinline]] void grow(std::size_t more) { bytes_.resize(std::max(expected_, (size_ + more) * 2)); }
  std::string bytes_;
  std::size_t expected_, size_ = 0;
};

/// Reads what ByteWriter wrote. Never reads outside; after the first failure everything reads as zero and `ok` is
/// false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <class Integer>
  Integer fixed() {
    Integer value = 0;
    if (!take(sizeof value)) return 0;
    std::memcpy(&value, rest_.data() - sizeof value, sizeof value);
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (!take(1)) return 0;
      const auto byte = static_cast<unsigned char>(rest_.data()[-1]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  /// A varint that must fit `Integer` and not exceed `max`.
  template <class Integer>
  Integer varint_as(std::uint64_t max = static_cast<std::uint64_t>(static_cast<Integer>(-1))) {
    const std::uint64_t value = varint();
    if (value > max) ok_ = false;
    return ok_ ? static_cast<Integer>(value) : Integer{};
  }
  std::int64_t zigzag() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  std::string_view raw(std::size_t size) {
    if (!take(size)) return {};
    return {rest_.data() - size, size};
  }
  std::string_view sized() { return raw(varint_as<std::size_t>()); }
  template <class Named>
  Named text() {
    const auto size = fixed<std::uint8_t>();
    const std::string_view bytes = raw(size);
    if (size > Named::kBytesMax) ok_ = false;
    return ok_ ? Named::unchecked(bytes) : Named{};
  }
  /// A count of items of at least `bytes_each`: bounded by what is left, so that no length can make us allocate.
  std::size_t count(std::size_t bytes_each) {
    const std::uint64_t value = varint();
    if (value > rest_.size() / bytes_each) ok_ = false;
    return ok_ ? static_cast<std::size_t>(value) : 0;
  }
  void fail() { ok_ = false; }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  std::size_t rest() const { return rest_.size(); }

 private:
  bool take(std::size_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return false;
    }
    rest_.remove_prefix(size);
    return true;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace kontor::persistence

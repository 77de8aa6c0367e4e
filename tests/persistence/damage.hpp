#pragma once
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "domain/result.hpp"

/// Feeds damaged payloads to a reader. Each copy lies in memory of exactly its size, so that AddressSanitizer sees a
/// read beyond it. `read(payload)` returns the reader's code.
namespace kontor::tests {

template <class Read>
Errc read_exactly(std::string_view payload, const Read& read) {
  const std::unique_ptr<char[]> copy(new char[payload.size()]);
  if (!payload.empty()) std::memcpy(copy.get(), payload.data(), payload.size());
  return read(std::string_view(copy.get(), payload.size()));
}

/// What became of all damaged copies of one payload.
struct Damage {
  std::size_t values = 0;  ///< Read as something else: only the record's checksum tells.
  std::size_t corrupt = 0;
  std::size_t others = 0;  ///< Any other code: an error in the reader.
  void count(Errc code) { ++(code == Errc::none ? values : code == Errc::corrupt_journal ? corrupt : others); }
};

/// Every strict prefix.
template <class Read>
Damage truncated(const std::string& payload, const Read& read) {
  Damage out;
  for (std::size_t size = 0; size < payload.size(); ++size)
    out.count(read_exactly(std::string_view(payload).substr(0, size), read));
  return out;
}

/// Every byte replaced: each bit flipped, then all bits clear, all set, and the ends of varint and zigzag.
template <class Read>
Damage overwritten(std::string payload, const Read& read) {
  Damage out;
  for (char& byte : payload) {
    const char before = byte;
    for (int bit = 0; bit < 8; ++bit) {
      byte = static_cast<char>(before ^ (1 << bit));
      out.count(read_exactly(payload, read));
    }
    for (const int value : {0x00, 0x7f, 0x80, 0xff}) {
      byte = static_cast<char>(value);
      out.count(read_exactly(payload, read));
    }
    byte = before;
  }
  return out;
}

/// A byte more, at the end.
template <class Read>
Damage extended(const std::string& payload, const Read& read) {
  Damage out;
  for (const int value : {0x00, 0x01, 0x80, 0xff}) out.count(read_exactly(payload + static_cast<char>(value), read));
  return out;
}

}  // namespace kontor::tests

#include "domain/text.hpp"

namespace kontor {
namespace {

/// Bytes of the UTF-8 sequence that starts at `at`, or 0 if it is malformed. Source: Unicode 15, table 3-7.
std::size_t sequence_bytes(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(at + i < text.size() ? text[at + i] : 0); };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // Overlong.
    if (lead == 0xED && byte(1) > 0x9F) return 0;  // Surrogate.
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;  // Overlong.
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;  // Beyond U+10FFFF.
    return 4;
  }
  return 0;
}

}  // namespace

bool is_name(std::string_view text, std::size_t max) {
  if (text.empty() || text.size() > max) return false;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x20 || lead == 0x7F) return false;
    const std::size_t size = sequence_bytes(text, at);
    if (size == 0) return false;
    if (size == 2 && lead == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0) return false;  // C1 controls.
    at += size;
  }
  return true;
}

}  // namespace kontor

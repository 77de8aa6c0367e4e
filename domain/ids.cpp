#include "domain/ids.hpp"

#include <array>
#include <charconv>

namespace kontor {
namespace {

std::string with_prefix(std::string_view prefix, const TransactionId& id) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(prefix.size() + sizeof "00_00000000_000000000000" - 1, '_');
  std::size_t at = prefix.copy(out.data(), prefix.size());
  const auto put = [&](std::uint64_t value, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out[at++] = kDigits[(value >> shift) & 15];
    ++at;
  };
  put(id.shard, 2);
  put(id.incarnation, 8);
  put(id.sequence, 12);
  return out;
}

template <class Number>
bool read(std::string_view& text, Number& out) {
  const auto end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, out, 16);
  if (error != std::errc{} || next == text.data()) return false;
  text.remove_prefix(static_cast<std::size_t>(next - text.data()));
  return true;
}

bool skip(std::string_view& text, std::string_view expected) {
  if (text.substr(0, expected.size()) != expected) return false;
  text.remove_prefix(expected.size());
  return true;
}

}  // namespace

std::string transaction_text(const TransactionId& id) { return with_prefix("txn_", id); }
std::string order_text(const OrderId& id) { return with_prefix("ord_", id); }
std::string reservation_text(const OrderId& id) { return with_prefix("rsv_", id); }

Result<TransactionId> parse_transaction(std::string_view text) {
  const Error malformed{Errc::invalid_argument, "transaction id"};
  TransactionId id;
  if (!skip(text, "txn_") && !skip(text, "ord_") && !skip(text, "rsv_")) return malformed;
  if (!read(text, id.shard) || !skip(text, "_")) return malformed;
  if (!read(text, id.incarnation) || !skip(text, "_")) return malformed;
  if (!read(text, id.sequence) || !text.empty()) return malformed;
  if (!id || id.shard >= kShardsMax) return malformed;
  return id;
}

}  // namespace kontor

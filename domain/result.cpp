#include "domain/result.hpp"

namespace kontor {

Advice advice(Errc code) {
  switch (code) {
    case Errc::none: return Advice::success;
    case Errc::invalid_argument:
    case Errc::too_large:
    case Errc::amount_out_of_range:
    case Errc::unknown_account:
    case Errc::unknown_sku:
    case Errc::unknown_order:
    case Errc::already_exists:
    case Errc::currency_mismatch:
    case Errc::account_kind:
    case Errc::insufficient_funds:
    case Errc::out_of_stock:
    case Errc::price_changed:
    case Errc::order_state:
    case Errc::exceeds_order:
    case Errc::idempotency_key_reused:
    case Errc::reservation_expired:
    case Errc::not_found: return Advice::change_request;
    case Errc::conflict:
    case Errc::overloaded:
    case Errc::storage_full:
    case Errc::deadline_exceeded:
    case Errc::shutting_down:
    case Errc::transaction_aborted:
    case Errc::rate_limited:
    case Errc::shard_unreachable: return Advice::retry_same_request;
    case Errc::outcome_unknown:
    case Errc::request_in_progress: return Advice::ask_for_outcome;
    case Errc::corrupt_journal:
    case Errc::incompatible_format:
    case Errc::directory_in_use:
    case Errc::io_error: return Advice::call_operator;
  }
  return Advice::call_operator;
}

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::none: return "none";
    case Errc::invalid_argument: return "invalid_argument";
    case Errc::too_large: return "too_large";
    case Errc::amount_out_of_range: return "amount_out_of_range";
    case Errc::unknown_account: return "unknown_account";
    case Errc::unknown_sku: return "unknown_sku";
    case Errc::unknown_order: return "unknown_order";
    case Errc::already_exists: return "already_exists";
    case Errc::currency_mismatch: return "currency_mismatch";
    case Errc::account_kind: return "account_kind";
    case Errc::insufficient_funds: return "insufficient_funds";
    case Errc::out_of_stock: return "out_of_stock";
    case Errc::price_changed: return "price_changed";
    case Errc::order_state: return "order_state";
    case Errc::exceeds_order: return "exceeds_order";
    case Errc::idempotency_key_reused: return "idempotency_key_reused";
    case Errc::reservation_expired: return "reservation_expired";
    case Errc::conflict: return "conflict";
    case Errc::overloaded: return "overloaded";
    case Errc::storage_full: return "storage_full";
    case Errc::deadline_exceeded: return "deadline_exceeded";
    case Errc::shutting_down: return "shutting_down";
    case Errc::transaction_aborted: return "transaction_aborted";
    case Errc::rate_limited: return "rate_limited";
    case Errc::shard_unreachable: return "shard_unreachable";
    case Errc::outcome_unknown: return "outcome_unknown";
    case Errc::request_in_progress: return "request_in_progress";
    case Errc::corrupt_journal: return "corrupt_journal";
    case Errc::incompatible_format: return "incompatible_format";
    case Errc::directory_in_use: return "directory_in_use";
    case Errc::io_error: return "io_error";
    case Errc::not_found: return "not_found";
  }
  return "unlisted";
}

}  // namespace kontor

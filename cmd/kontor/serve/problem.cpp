#include "cmd/kontor/serve/problem.hpp"

#include <boost/json/serialize.hpp>

#include "cmd/http/path.hpp"

namespace kontor::cmd::serve {

unsigned status_of(Errc code) {
  switch (code) {
    case Errc::none: return 200;
    case Errc::outcome_unknown: return 202;
    case Errc::invalid_argument:
    case Errc::too_large: return 400;
    case Errc::insufficient_funds: return 402;
    case Errc::unknown_account:
    case Errc::unknown_sku:
    case Errc::unknown_order:
    case Errc::not_found: return 404;
    case Errc::already_exists:
    case Errc::out_of_stock:
    case Errc::price_changed:
    case Errc::order_state:
    case Errc::exceeds_order:
    case Errc::reservation_expired:
    case Errc::conflict:
    case Errc::request_in_progress: return 409;
    case Errc::amount_out_of_range:
    case Errc::currency_mismatch:
    case Errc::account_kind:
    case Errc::idempotency_key_reused: return 422;
    case Errc::rate_limited: return 429;
    case Errc::corrupt_journal:
    case Errc::incompatible_format:
    case Errc::directory_in_use:
    case Errc::io_error: return 500;
    case Errc::overloaded:
    case Errc::storage_full:
    case Errc::shutting_down:
    case Errc::shard_unreachable:
    case Errc::transaction_aborted: return 503;
    case Errc::deadline_exceeded: return 504;
  }
  return 500;
}

Errc code_of_refusal(unsigned status) {
  if (status == 413 || status == 431) return Errc::too_large;
  if (status == 408) return Errc::deadline_exceeded;
  return status == 503 ? Errc::overloaded : Errc::invalid_argument;
}

bool is_retryable(Errc code) {
  return advice(code) == Advice::retry_same_request || advice(code) == Advice::ask_for_outcome;
}

unsigned retry_after_s(Errc code) {
  const bool again = code == Errc::request_in_progress || code == Errc::conflict || code == Errc::outcome_unknown;
  return again || status_of(code) == 503 || status_of(code) == 429 ? 1 : 0;
}

std::string type_of(Errc code) { return "urn:kontor:problem:" + std::string(to_string(code)); }

std::string title_of(Errc code) {
  std::string title(to_string(code));
  for (char& c : title)
    if (c == '_') c = ' ';
  title.front() = static_cast<char>(title.front() - 'a' + 'A');
  return title;
}

boost::json::object problem_json(const Problem& problem, std::string_view instance, std::string_view request_id) {
  boost::json::object out;
  out["type"] = type_of(problem.code);
  out["title"] = title_of(problem.code);
  out["status"] = problem.status != 0 ? problem.status : status_of(problem.code);
  if (!problem.detail.empty()) out["detail"] = problem.detail;
  if (!instance.empty()) out["instance"] = instance;
  out["code"] = to_string(problem.code);
  if (!problem.param.empty()) out["param"] = problem.param;
  if (!request_id.empty()) out["request_id"] = request_id;
  out["retryable"] = is_retryable(problem.code);
  for (const auto& [name, value] : problem.more) out[name] = value;
  if (problem.faults.empty()) return out;
  boost::json::array& errors = out["errors"].emplace_array();
  for (const Fault& fault : problem.faults)
    errors.push_back({{"code", to_string(fault.code)}, {"param", fault.param}, {"detail", fault.detail}});
  return out;
}

namespace {
/// A path as it came may be any bytes; JSON may not.
std::string uri_text(std::string_view path) {
  std::string out;
  for (const char c : path) out += c > ' ' && c <= '~' ? std::string(1, c) : http::percent_encoded({&c, 1});
  return out;
}
}  // namespace

http::Response problem_response(const Problem& problem, const http::Request& request) {
  http::Response response;
  response.status = problem.status != 0 ? problem.status : status_of(problem.code);
  response.content_type = "application/problem+json";
  response.body = boost::json::serialize(problem_json(problem, uri_text(request.path), request.id));
  const unsigned wait = problem.retry_after_s != 0 ? problem.retry_after_s : retry_after_s(problem.code);
  if (wait != 0) response.fields.push_back({"Retry-After", std::to_string(wait)});
  if (response.status == 401) response.fields.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

}  // namespace kontor::cmd::serve

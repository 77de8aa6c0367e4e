#include "cmd/kontor/serve/request_log.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

constexpr unsigned kServerFault = 500;  // Statuses from here on.

/// Only names that are known here: an unknown method or path may be anything, a secret too.
json::object fields_of(const http::Request& request, const http::Response& response, std::chrono::nanoseconds took) {
  json::object fields{{"request_id", request.id}, {"status", response.status}};
  if (!request.route.empty()) {
    fields["method"] = request.method;
    fields["route"] = request.route;
  }
  fields["ms"] = static_cast<double>(took / std::chrono::microseconds(1)) / 1e3;
  fields["address"] = request.address;
  if (!response.subject.empty()) fields["transaction"] = response.subject;
  return fields;
}

}  // namespace

void RequestLog::answered(const http::Request& request, const http::Response& response, std::chrono::nanoseconds took) {
  if (!log_) return;
  if (response.status < kServerFault) {
    if (log_->keeps(LogLevel::debug)) log_->write(LogLevel::debug, "request", fields_of(request, response, took));
    return;
  }
  if (!log_->keeps(LogLevel::warning)) return;
  const auto held_back = failures_.pass(std::chrono::steady_clock::now());
  if (!held_back) return;
  json::object fields = fields_of(request, response, took);
  if (*held_back > 0) fields["more"] = *held_back;
  log_->write(LogLevel::warning, "request_failed", fields);
}

void RequestLog::turned_away(const std::string& address) {
  if (!log_ || !log_->keeps(LogLevel::warning)) return;
  const auto held_back = refusals_.pass(std::chrono::steady_clock::now());
  if (held_back) log_->write(LogLevel::warning, "connection_refused", {{"address", address}, {"more", *held_back}});
}

}  // namespace kontor::cmd::serve

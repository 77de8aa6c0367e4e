#include "cmd/kontor/client/caller.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include <boost/json.hpp>

#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/json_text.hpp"

namespace kontor::cmd::client {
namespace {

namespace json = boost::json;

constexpr std::size_t kApiKeyBytesMax = 1024;
constexpr std::size_t kIdempotencyKeyBytesMax = 255;         // As the server takes them.
constexpr std::chrono::milliseconds kPauseFirst{100};        // After a lost answer; twice as long each time.
constexpr std::chrono::milliseconds kRetryAfterMax{10'000};  // A server that asks for more is asked by people.

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool is_idempotency_key(std::string_view text) {
  return !text.empty() && text.size() <= kIdempotencyKeyBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// How long the server asks to wait before the same request; none: it does not.
std::optional<std::chrono::milliseconds> retry_after(const HttpAnswer& answer) {
  const std::string_view text = answer.field("Retry-After");
  unsigned seconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failure != std::errc{} || end != text.data() + text.size()) return {};
  return std::min<std::chrono::milliseconds>(std::chrono::seconds(seconds), kRetryAfterMax);
}

/// The same request may succeed later, or tells the outcome.
bool is_worth_repeating(const HttpAnswer& answer) {
  if (answer.status == 503 || answer.status == 429) return true;
  if (answer.status < 400 && answer.status != 202) return false;
  boost::system::error_code failure;
  const json::value body = json::parse(answer.body, failure);
  const json::object* problem = failure ? nullptr : body.if_object();
  const json::value* retryable = problem ? problem->if_contains("retryable") : nullptr;
  return retryable && retryable->is_bool() && retryable->get_bool();
}

Reply reply_of(HttpExchange exchange) {
  Reply reply;
  if (!exchange.answer) {
    reply.exit_code = exchange.sent ? kExitJournal : kExitUnavailable;
    reply.why = std::move(exchange.why);
    return reply;
  }
  HttpAnswer& answer = *exchange.answer;
  reply.status = answer.status;
  reply.content_type = answer.field("Content-Type");
  reply.body = std::move(answer.body);
  reply.replayed = answer.field("Idempotent-Replayed") == "true";
  if (reply.status == 202)
    reply.exit_code = kExitJournal;
  else if (reply.status < 200 || reply.status >= 300)
    reply.exit_code = kExitCheckFailed;
  return reply;
}

/// An earlier sending of it, perhaps another program's, may still be carried out.
bool is_in_progress(const Reply& reply) {
  const auto problem = reply.object();
  const json::value* code = problem ? problem->if_contains("code") : nullptr;
  return code && code->is_string() && code->get_string() == "request_in_progress";
}

}  // namespace

std::optional<json::object> Reply::object() const {
  boost::system::error_code failure;
  json::value value = json::parse(body, failure);
  if (failure || !value.is_object()) return {};
  return std::move(value.get_object());
}

std::string fresh_idempotency_key() {
  std::random_device random;
  std::string key;
  for (int word = 0; word < 4; ++word) {
    std::uint32_t bits = random();
    for (int digit = 0; digit < 8; ++digit, bits >>= 4) key += "0123456789abcdef"[bits & 15];
  }
  return key;
}

std::optional<std::string> read_api_key(const std::string& file, std::string& why) {
  std::string key;
  if (file.empty()) {
    const char* given = std::getenv("KONTOR_API_KEY");
    key = given ? given : "";
  } else {
    std::ifstream in(file, std::ios::binary);
    key.resize(kApiKeyBytesMax + 2);  // With the line's end; longer is none.
    in.read(key.data(), static_cast<std::streamsize>(key.size()));
    key.resize(static_cast<std::size_t>(in.gcount()));
    if (!in.is_open() || in.bad()) {
      why = "cannot read the API key in " + file;
      return {};
    }
    while (key.ends_with('\n') || key.ends_with('\r')) key.pop_back();
    if (key.empty()) why = "there is no API key in " + file;
  }
  if (key.size() > kApiKeyBytesMax || !is_visible(key))
    why = "the API key" + (file.empty() ? std::string(" in KONTOR_API_KEY") : " in " + file) +
          " is none: up to 1,024 visible ASCII characters on one line";
  if (!why.empty()) return {};
  return key;
}

std::optional<Caller> Caller::make(const CallOptions& options, std::string& why) {
  const auto url = parse_url(options.url);
  if (!url) {
    why = "'" + options.url + "' is no server's URL; write http://127.0.0.1:8080 or https://HOST";
    return {};
  }
  HttpOptions http;
  http.timeout = std::chrono::nanoseconds(static_cast<std::int64_t>(options.timeout_s * 1e9));
  http.ca_file = options.ca_file;
  auto key = read_api_key(options.key_file, why);
  if (!key) return {};
  http.api_key = std::move(*key);
  if (!http.api_key.empty() && !url->secure && !url->is_loopback())
    why = "an API key goes to another machine over https only, not to " + options.url;
  if (!options.idempotency_key.empty() && !is_idempotency_key(options.idempotency_key))
    why = "an idempotency key has 1 to 255 visible ASCII characters";
  if (!why.empty()) return {};
  return Caller(*url, std::move(http), options);
}

Reply Caller::get(const std::string& target) { return call({"GET", target, {}, {}}); }

Reply Caller::post(const std::string& target, const json::object& body) {
  return post({"POST", target, {{"Content-Type", "application/json"}}, json_text(body)});
}

Reply Caller::post(const std::string& target) { return post(HttpRequest{"POST", target, {}, {}}); }

Reply Caller::post(HttpRequest request) {
  const std::string key = options_.idempotency_key.empty() ? fresh_idempotency_key() : options_.idempotency_key;
  request.fields.push_back({"Idempotency-Key", key});
  Reply reply = call(request);
  reply.idempotency_key = key;
  return reply;
}

Reply Caller::call(const HttpRequest& request) {
  bool sent = false, unknown = false;
  for (unsigned attempt = 0;; ++attempt) {
    HttpExchange exchange = client_->exchange(request);
    sent = exchange.sent = exchange.sent || sent;
    const bool again = exchange.answer ? is_worth_repeating(*exchange.answer) : sent;
    if (!again || attempt >= options_.retries) {
      const bool refused = exchange.answer && again;
      Reply reply = reply_of(std::move(exchange));
      // What is refused for now says nothing of what was sent before it.
      if (refused && (unknown || is_in_progress(reply))) reply.exit_code = kExitJournal;
      return reply;
    }
    unknown = unknown || (request.method == "POST" && (!exchange.answer || exchange.answer->status == 202));
    const auto asked = exchange.answer ? retry_after(*exchange.answer) : std::nullopt;
    std::this_thread::sleep_for(asked.value_or(kPauseFirst * (1U << std::min(attempt, 6U))));
  }
}

}  // namespace kontor::cmd::client

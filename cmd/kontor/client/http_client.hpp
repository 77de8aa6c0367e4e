#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmd/kontor/client/url.hpp"

namespace kontor::cmd::client {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method, target;
  Fields fields;  ///< Beside Host, Content-Length and what the client itself has to say.
  std::string body;
};

struct HttpAnswer {
  unsigned status = 0;
  Fields fields;
  std::string body;
  /// The value of the first field of this name, whatever its capitals; empty: there is none.
  std::string_view field(std::string_view name) const;
};

/// What became of a request.
struct HttpExchange {
  std::optional<HttpAnswer> answer;
  bool sent = false;  ///< Without an answer: it may have had its effect.
  std::string why;    ///< There is no answer, in words for people.
};

struct HttpOptions {
  std::chrono::nanoseconds timeout{std::chrono::seconds(30)};  ///< For each step: connecting, sending, the answer.
  std::string ca_file;                                         ///< Whom to trust (PEM); empty: the system's store.
  std::string api_key;                                         ///< Sent as a bearer token; empty: none.
};

/// A client on one connection, which is kept open between requests and opened again when the server ended it. What it
/// sends twice for that reason must bear it: a GET, or a POST with an Idempotency-Key. For one thread.
class HttpClient {
 public:
  HttpClient(Url url, HttpOptions options);
  ~HttpClient();

  HttpExchange exchange(const HttpRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kontor::cmd::client

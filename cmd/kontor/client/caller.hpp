#pragma once
#include <memory>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "cmd/kontor/client/http_client.hpp"

namespace kontor::cmd::client {

/// How a command reaches the server.
struct CallOptions {
  std::string url;
  std::string key_file;  ///< With the API key; empty: KONTOR_API_KEY, if it is set.
  std::string ca_file;
  std::string idempotency_key;  ///< Of a POST; empty: a fresh one.
  double timeout_s = 30;
  unsigned retries = 4;
  bool json = false;
};

/// What became of a call, after all attempts.
struct Reply {
  int exit_code = 0;    ///< exit_codes.hpp: done, refused, no server, or an outcome that is not known.
  unsigned status = 0;  ///< 0: no answer.
  std::string content_type;
  std::string body;
  std::string why;              ///< Without an answer: in words for people.
  std::string idempotency_key;  ///< That a POST was sent with.
  bool replayed = false;

  /// None: no JSON object.
  std::optional<boost::json::object> object() const;
};

/// Calls a server and calls again where that helps: when the answer was lost, or when the server says that the same
/// request may succeed later, after the time it asks for. A POST has the same Idempotency-Key each time, so that it has
/// its effect once.
class Caller {
 public:
  /// None: an option cannot be used; `why` says which.
  static std::optional<Caller> make(const CallOptions& options, std::string& why);

  Reply get(const std::string& target);
  Reply post(const std::string& target, const boost::json::object& body);
  /// Without a body.
  Reply post(const std::string& target);

 private:
  Caller(Url url, HttpOptions http, const CallOptions& options)
      : client_(std::make_unique<HttpClient>(std::move(url), std::move(http))), options_(options) {}
  Reply call(const HttpRequest& request);
  Reply post(HttpRequest request);

  std::unique_ptr<HttpClient> client_;
  CallOptions options_;
};

/// 128 random bits, in hexadecimal digits.
std::string fresh_idempotency_key();

/// The API key of the file, or of the environment when there is no file; empty: there is none. None: the file cannot be
/// read, or what it holds is no key; `why` says so.
std::optional<std::string> read_api_key(const std::string& file, std::string& why);

}  // namespace kontor::cmd::client

#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "cmd/http/message.hpp"
#include "domain/result.hpp"

namespace kontor::cmd::serve {

inline constexpr std::size_t kFaultsMax = 16;  // Told of one request: more help nobody, and cost a line each.

/// One of the things that are wrong with a request.
struct Fault {
  Errc code = Errc::invalid_argument;
  std::string param, detail;
};

/// Why a request was not done, for the client (RFC 9457).
struct Problem {
  Errc code = Errc::invalid_argument;
  std::string detail;
  std::string param;         ///< JSON pointer into the body, or a header's name; empty: none is to blame.
  unsigned status = 0;       ///< 0: as `status_of(code)`.
  boost::json::object more;  ///< Further members, e.g. `available`.
  std::vector<Fault>
      faults;  ///< Where the request itself is wrong: all of them; `code`, `param`, `detail` are the first's.
  unsigned retry_after_s{};  ///< 0: as `retry_after_s(code)`.
};

/// The one table from code to status. No default branch: a new code must be sorted.
unsigned status_of(Errc code);
/// The code of what is refused with `status` before it is a request.
Errc code_of_refusal(unsigned status);
/// True: the same request with the same key may succeed, or tells the outcome.
bool is_retryable(Errc code);
/// `status_of` is not all: where waiting helps, Retry-After says how long, in seconds; 0: it does not.
unsigned retry_after_s(Errc code);
std::string type_of(Errc code);
std::string title_of(Errc code);

boost::json::object problem_json(const Problem& problem, std::string_view instance, std::string_view request_id);
http::Response problem_response(const Problem& problem, const http::Request& request);

}  // namespace kontor::cmd::serve

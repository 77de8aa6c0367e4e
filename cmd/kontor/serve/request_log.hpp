#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "cmd/http/message.hpp"
#include "cmd/kontor/log/log.hpp"
#include "cmd/kontor/log/log_limit.hpp"

namespace kontor::cmd::serve {

inline constexpr std::uint64_t kFailureLinesPerSecondMax = 100;  // An overloaded server says no 100,000 times a second.
inline constexpr std::uint64_t kRefusalLinesPerSecondMax = 1;    // Whoever floods it with connections writes no log.

/// What one lane tells of its requests: each at debug, those that fail by the server's fault at warning. Not what a
/// client sent: the route, not the path, and no header and no body. All on the lane's thread.
class RequestLog {
 public:
  /// `log`: nullptr: nothing is kept.
  explicit RequestLog(std::shared_ptr<Log> log) : log_(std::move(log)) {}

  void answered(const http::Request& request, const http::Response& response, std::chrono::nanoseconds took);
  void turned_away(const std::string& address);

 private:
  const std::shared_ptr<Log> log_;
  LogLimit failures_{kFailureLinesPerSecondMax}, refusals_{kRefusalLinesPerSecondMax};
};

}  // namespace kontor::cmd::serve

#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kontor::cmd::client {

/// Where a server is: what stands before the path of a URL.
struct Url {
  bool secure = false;  ///< https.
  std::string host;     ///< A name or an IP address, without brackets.
  std::string port;
  /// What the Host field says: with brackets around an IPv6 address, without a default port.
  std::string authority() const;
  /// Only this machine is meant.
  bool is_loopback() const;
};

/// Reads `http://HOST[:PORT]` or `https://HOST[:PORT]`, with or without a last slash. None: another scheme, a path, a
/// query, a user, or no host.
std::optional<Url> parse_url(std::string_view text);

/// What stands in a list with commas between; a comma at the end begins nothing.
std::vector<std::string> listed(std::string_view text);

}  // namespace kontor::cmd::client

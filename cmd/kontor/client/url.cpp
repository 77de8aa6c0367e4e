#include "cmd/kontor/client/url.hpp"

#include <algorithm>
#include <charconv>

#include "cmd/http/host.hpp"

namespace kontor::cmd::client {
namespace {

constexpr unsigned kPortMax = 65'535;

std::string_view default_port(bool secure) { return secure ? "443" : "80"; }

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  return failure == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= kPortMax;
}

/// Letters, digits and what else names and addresses consist of: nothing that could end a header line.
bool is_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string Url::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != default_port(secure)) out += ":" + port;
  return out;
}

bool Url::is_loopback() const { return http::is_loopback_host(host); }

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (text.starts_with("https://"))
    url.secure = true;
  else if (!text.starts_with("http://"))
    return {};
  text.remove_prefix(text.find("//") + 2);
  if (text.ends_with('/')) text.remove_suffix(1);
  std::string_view port = default_port(url.secure);
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos) return {};
    url.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!text.empty() && text.front() != ':') return {};
    if (!text.empty()) port = text.substr(1);
  } else {
    const auto colon = text.find(':');
    url.host = text.substr(0, colon);
    if (colon != text.npos) port = text.substr(colon + 1);
  }
  if (!is_host(url.host) || !is_port(port)) return {};
  url.port = port;
  return url;
}

std::vector<std::string> listed(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    out.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

}  // namespace kontor::cmd::client

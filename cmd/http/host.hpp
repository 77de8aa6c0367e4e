#pragma once
#include <string>
#include <string_view>

#include <boost/asio/ip/address.hpp>

namespace kontor::http {

/// `host`, a name or an address without brackets and port, can mean nothing but this machine. A name that only looks
/// like an address of it, such as 127.shop.example, does not.
inline bool is_loopback_host(std::string_view host) {
  if (host == "localhost") return true;
  boost::system::error_code failure;
  const auto address = boost::asio::ip::make_address(std::string(host), failure);
  return !failure && address.is_loopback();
}

}  // namespace kontor::http

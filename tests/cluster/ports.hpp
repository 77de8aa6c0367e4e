#pragma once
#include <cstdint>
#include <random>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/catch.hpp"

namespace kontor::testing {

/// A port of 127.0.0.1 that nobody listens on. It is below those that the system gives to connections (from 32,768), so
/// that none of them takes it while a node that listens there is down.
inline std::uint16_t free_port() {
  static std::mt19937 random(std::random_device{}());
  for (int tries = 0; tries < 1'000; ++tries) {
    const auto port = static_cast<std::uint16_t>(std::uniform_int_distribution<unsigned>(16'000, 32'000)(random));
    const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool bound = ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(descriptor);
    if (bound) return port;
  }
  FAIL("no port is free");
  return 0;
}

}  // namespace kontor::testing

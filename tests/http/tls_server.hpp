#pragma once
#include <filesystem>
#include <memory>
#include <string>

namespace kontor::tests {

/// A server that speaks TLS with a certificate for 127.0.0.1 and `localhost`, on all addresses of this machine, and
/// gives each of `connections` connections one answer of 200 with an empty JSON object.
class TlsServer {
 public:
  /// Writes its certificate, which nobody else vouches for, to `certificate`.
  TlsServer(const std::filesystem::path& certificate, int connections);
  ~TlsServer();

  std::string port() const;
  /// How many requests came through. To be asked when all connections have come.
  int requests();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kontor::tests

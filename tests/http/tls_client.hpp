#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace kontor::tests {

/// A blocking TLS client on one connection, which trusts one certificate; waits at most 20 seconds.
class TlsClient {
 public:
  /// `trusted`: PEM. `version_max`: of OpenSSL's TLS1_…_VERSION; 0: the newest.
  explicit TlsClient(std::uint16_t port, const std::string& trusted, int version_max = 0);
  TlsClient(TlsClient&&) noexcept;
  ~TlsClient();

  /// The handshake was done, and the certificate is the trusted one for 127.0.0.1.
  bool connected() const;
  /// `TLSv1.3`
  std::string version() const;
  bool send(std::string_view bytes);
  /// One answer with a Content-Length, head and body. None: the connection ended before.
  std::optional<std::string> receive();
  /// The server says that nothing follows: not only the connection, TLS itself is at its end.
  bool ends_in_order();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kontor::tests

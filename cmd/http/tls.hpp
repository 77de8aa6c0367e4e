#pragma once
#include <filesystem>
#include <memory>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace kontor::http {

inline constexpr std::size_t kPemBytesMax = 1024 * 1024;  // Of one file; a long chain takes 20 kB.

/// A certificate chain with its key, and how TLS is spoken: 1.2 or newer, with forward secrecy. Shared by connections;
/// one that has begun keeps what it began with.
using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

/// PEM files; the chain begins with the server's own certificate. nullptr: `fault` says why.
struct TlsFault {
  bool unreadable = false;  ///< Else: read, but not what is needed, or not the one's other half.
  std::string explanation;
};
TlsContext load_tls(const std::filesystem::path& certificate, const std::filesystem::path& key, TlsFault& fault);

}  // namespace kontor::http

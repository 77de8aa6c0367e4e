#include "cmd/http/tls.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include <boost/asio/ssl/context.hpp>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

namespace kontor::http {
namespace {

namespace ssl = boost::asio::ssl;

constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";  // Of TLS 1.2; those of 1.3 are all sound.

/// A file's text; wiped when it goes, since one of them is a secret.
class Pem {
 public:
  Pem(const std::filesystem::path& path, TlsFault& fault) {
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    text_.resize(kPemBytesMax + 1);
    if (in) in.read(text_.data(), static_cast<std::streamsize>(text_.size()));
    readable_ = in.is_open() && !in.bad();
    text_.resize(static_cast<std::size_t>(in.gcount()));
    if (!readable_) fault = {true, "cannot read " + path.string() + ": " + std::strerror(errno != 0 ? errno : EIO)};
    if (readable_ && text_.size() > kPemBytesMax) {
      readable_ = false;
      fault = {false, path.string() + " is longer than " + std::to_string(kPemBytesMax) + " bytes"};
    }
  }
  ~Pem() { OPENSSL_cleanse(text_.data(), text_.size()); }
  Pem(const Pem&) = delete;
  Pem& operator=(const Pem&) = delete;

  explicit operator bool() const { return readable_; }
  boost::asio::const_buffer buffer() const { return boost::asio::buffer(text_); }

 private:
  std::string text_;
  bool readable_ = false;
};

void set_up(ssl::context& context) {
  SSL_CTX* native = context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(native, kCiphers);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);  // Tickets do it, and take no memory here.
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  // A key with a passphrase is refused; nobody is asked at a terminal.
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); });
}

}  // namespace

TlsContext load_tls(const std::filesystem::path& certificate, const std::filesystem::path& key, TlsFault& fault) {
  const Pem chain(certificate, fault);
  if (!chain) return nullptr;
  const Pem secret(key, fault);
  if (!secret) return nullptr;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code failure;
  set_up(*context);
  context->use_certificate_chain(chain.buffer(), failure);
  if (failure) {
    fault = {false, certificate.string() + " has no certificate in PEM: " + failure.message()};
    return nullptr;
  }
  context->use_private_key(secret.buffer(), ssl::context::pem, failure);
  if (failure) {
    fault = {false, key.string() + " has no key in PEM that fits " + certificate.string() + ": " + failure.message()};
    return nullptr;
  }
  return context;
}

}  // namespace kontor::http

#include "tests/http/tls_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace kontor::tests {

struct TlsClient::Impl {
  ~Impl() {
    SSL_free(ssl);
    SSL_CTX_free(context);
    if (socket >= 0) ::close(socket);
  }
  void trust(const std::string& certificate) const {
    BIO* text = BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size()));
    X509* x509 = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), x509);
    X509_free(x509);
    BIO_free(text);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  bool reach(std::uint16_t port) {
    constexpr timeval kSilence{20, 0};
    socket = ::socket(AF_INET, SOCK_STREAM, 0);
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kSilence, sizeof kSilence);
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(port);
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(socket, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0;
  }

  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = nullptr;
  int socket = -1;
  bool connected = false;
  std::string pending;
};

TlsClient::TlsClient(std::uint16_t port, const std::string& trusted, int version_max)
    : impl_(std::make_unique<Impl>()) {
  SSL_CTX_set_security_level(impl_->context, 0);  // It may offer what is too old; to be refused.
  SSL_CTX_set_max_proto_version(impl_->context, version_max);
  impl_->trust(trusted);
  impl_->ssl = SSL_new(impl_->context);
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(impl_->ssl), "127.0.0.1");
  if (!impl_->reach(port)) return;
  SSL_set_fd(impl_->ssl, impl_->socket);
  impl_->connected = SSL_connect(impl_->ssl) == 1 && SSL_get_verify_result(impl_->ssl) == X509_V_OK;
}
TlsClient::TlsClient(TlsClient&&) noexcept = default;
TlsClient::~TlsClient() = default;

bool TlsClient::connected() const { return impl_->connected; }

std::string TlsClient::version() const { return SSL_get_version(impl_->ssl); }

bool TlsClient::send(std::string_view bytes) {
  return SSL_write(impl_->ssl, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
}

std::optional<std::string> TlsClient::receive() {
  constexpr std::string_view kLength = "Content-Length: ";
  std::string& text = impl_->pending;
  for (;;) {
    const std::size_t head = text.find("\r\n\r\n"), length = text.find(kLength);
    const bool interim = text.starts_with("HTTP/1.1 100");
    if (head != text.npos && (interim || length < head)) {
      const std::size_t size = head + 4 + (interim ? 0 : std::stoul(text.substr(length + kLength.size())));
      if (text.size() >= size) {
        std::string answer = text.substr(0, size);
        text.erase(0, size);
        return answer;
      }
    }
    char bytes[4096];
    const int got = SSL_read(impl_->ssl, bytes, sizeof bytes);
    if (got <= 0) return {};
    text.append(bytes, static_cast<std::size_t>(got));
  }
}

bool TlsClient::ends_in_order() {
  char byte = 0;
  const int got = SSL_read(impl_->ssl, &byte, 1);
  return got <= 0 && SSL_get_error(impl_->ssl, got) == SSL_ERROR_ZERO_RETURN;
}

}  // namespace kontor::tests

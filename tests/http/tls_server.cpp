#include "tests/http/tls_server.hpp"

#include <fstream>
#include <stdexcept>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace kontor::tests {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;

constexpr long kValidS = 3'600;
constexpr unsigned char kName[] = "localhost";

void must(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot make a certificate");
}

std::string text_in(BIO* bio) {
  char* bytes = nullptr;
  const auto size = BIO_ctrl(bio, BIO_CTRL_INFO, 0, static_cast<void*>(&bytes));
  return {bytes, static_cast<std::size_t>(size)};
}

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

/// Signed by itself, for the name `localhost` alone.
CertificatePtr certificate_for(EVP_PKEY* key) {
  CertificatePtr certificate(X509_new(), X509_free);
  must(certificate != nullptr);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kValidS);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kValidS);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, kName, -1, -1, 0) == 1);
  X509_set_issuer_name(certificate.get(), name);
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate.get(), certificate.get(), nullptr, nullptr, 0);
  for (const auto& [kind, value] :
       {std::pair{NID_subject_alt_name, "DNS:localhost"}, std::pair{NID_basic_constraints, "critical,CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    must(extension != nullptr && X509_add_ext(certificate.get(), extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  must(X509_sign(certificate.get(), key, EVP_sha256()) > 0);
  return certificate;
}

}  // namespace

struct TlsServer::Impl {
  asio::io_context context;
  ssl::context tls{ssl::context::tls_server};
  tcp::acceptor acceptor{context, {asio::ip::make_address("127.0.0.1"), 0}};
  int requests = 0;
  std::thread thread;

  void serve_one() {
    ssl::stream<tcp::socket> stream(context, tls);
    acceptor.accept(stream.next_layer());
    boost::system::error_code failure;
    stream.handshake(ssl::stream_base::server, failure);
    std::string request;
    if (!failure) asio::read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", failure);
    if (failure) return;
    ++requests;
    const std::string answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    asio::write(stream, asio::buffer(answer), failure);
  }
};

TlsServer::TlsServer(const std::filesystem::path& certificate, int connections) : impl_(std::make_unique<Impl>()) {
  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free);
  must(key != nullptr);
  const CertificatePtr own = certificate_for(key.get());
  const BioPtr key_text(BIO_new(BIO_s_mem()), BIO_free), own_text(BIO_new(BIO_s_mem()), BIO_free);
  must(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  must(PEM_write_bio_X509(own_text.get(), own.get()) == 1);
  std::ofstream(certificate) << text_in(own_text.get());
  impl_->tls.use_certificate(asio::buffer(text_in(own_text.get())), ssl::context::pem);
  impl_->tls.use_private_key(asio::buffer(text_in(key_text.get())), ssl::context::pem);
  impl_->thread = std::thread([this, connections] {
    for (int i = 0; i < connections; ++i) impl_->serve_one();
  });
}

TlsServer::~TlsServer() {
  if (impl_->thread.joinable()) impl_->thread.join();
}

std::string TlsServer::port() const { return std::to_string(impl_->acceptor.local_endpoint().port()); }

int TlsServer::requests() {
  impl_->thread.join();
  return impl_->requests;
}

}  // namespace kontor::tests

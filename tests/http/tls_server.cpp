#include "tests/http/tls_server.hpp"

#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "tests/http/test_certificate.hpp"

namespace kontor::tests {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;

}  // namespace

struct TlsServer::Impl {
  asio::io_context context;
  ssl::context tls{ssl::context::tls_server};
  // Under addresses that the certificate does not name, too.
  tcp::acceptor acceptor{context, {asio::ip::address_v4::any(), 0}};
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
  const TestCertificate own = make_certificate();
  write_file(certificate, own.certificate);
  impl_->tls.use_certificate(asio::buffer(own.certificate), ssl::context::pem);
  impl_->tls.use_private_key(asio::buffer(own.key), ssl::context::pem);
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

#pragma once
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "cmd/http/tls.hpp"

namespace kontor::http {

/// The bytes of one connection, in the clear or by TLS. Which it is costs a branch; handlers keep their types, so that
/// in the clear nothing is done or allocated that a bare socket would not.
class Transport {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  /// `tls`: nullptr: in the clear.
  Transport(Socket socket, TlsContext tls) : socket_(std::move(socket)), context_(std::move(tls)) {
    if (context_) tls_.emplace(socket_, *context_);
  }
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  bool is_tls() const { return tls_.has_value(); }

  /// First of all, with TLS. `then` gets an error code.
  template <class Then>
  void async_handshake(Then then) {
    tls_->async_handshake(boost::asio::ssl::stream_base::server, std::move(then));
  }
  template <class Then>
  void async_read_some(const boost::asio::mutable_buffer& space, Then then) {
    if (tls_ && !ended_)
      tls_->async_read_some(space, std::move(then));
    else
      socket_.async_read_some(space, std::move(then));
  }
  /// Something is here already that a read would give at once. With TLS that is not known: a piece of a record is not.
  bool has_more() {
    if (tls_) return false;
    boost::system::error_code ignored;
    return socket_.available(ignored) > 0;
  }
  template <class Then>
  void async_write(const boost::asio::const_buffer& bytes, Then then) {
    if (tls_)
      boost::asio::async_write(*tls_, bytes, std::move(then));
    else
      boost::asio::async_write(socket_, bytes, std::move(then));
  }

  /// With TLS: tells the client that nothing follows, and hears whether it says the same. `then` gets an error code:
  /// none, or why that was not to be heard; told it is in any case.
  template <class Then>
  void async_farewell(Then then) {
    tls_->async_shutdown(std::move(then));
  }
  /// Nothing more is sent. What is read from now on is what comes, not what TLS makes of it.
  void end_sending() {
    ended_ = true;
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
  void set_no_delay() {
    boost::system::error_code ignored;
    socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  }
  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
  const TlsContext context_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;
  bool ended_ = false;
};

}  // namespace kontor::http

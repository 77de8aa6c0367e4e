#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "cmd/http/lane.hpp"
#include "cmd/http/message.hpp"
#include "cmd/http/transport.hpp"

namespace kontor::http {

/// One client, one request after the other. All of it runs on the lane's thread.
///
/// handshake (with TLS) -> idle -> header -> body -> handling -> writing -> idle, or -> lingering -> closed. A streamed
/// body goes round body -> handling -> writing once for each block of lines; while a block is handled nothing more is
/// read, so a fast sender waits. A feed goes round handling -> writing or waiting until the client ends the connection
/// or the server drains.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// `tls`: nullptr: in the clear.
  Connection(Lane& lane, Transport::Socket socket, TlsContext tls, std::string address);

  void start();
  void drain();
  /// When `on_deadline` is due.
  std::chrono::steady_clock::time_point deadline() const { return deadline_; }
  void on_deadline();

 private:
  enum class State { handshake, idle, header, body, handling, writing, waiting, lingering, closed };
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  void enter(State state, std::chrono::milliseconds deadline);
  void read();
  void on_read(const boost::system::error_code& error, std::size_t bytes);
  void begin();
  void consume();
  bool consume_header();
  bool consume_body();
  bool on_header();
  void copy_header();
  std::optional<std::pair<unsigned, std::string_view>> fault_in_header() const;
  bool take(std::string_view bytes);
  bool hold(std::size_t bytes);
  std::chrono::steady_clock::time_point body_due() const;
  void on_body_end();
  void flush_lines();
  bool rests() const;
  void end_stream();
  void write_lines(const std::string& lines);
  void refuse(unsigned status, std::string_view detail);
  void respond(Response response);
  void tell();
  void told(const std::optional<std::string>& piece);
  void write(std::string text);
  void on_written();
  void linger();
  void end_sending();
  void close();

  Lane& lane_;
  Transport transport_;
  const std::string address_;
  State state_ = State::idle;
  std::chrono::steady_clock::time_point deadline_, begun_at_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::shared_ptr<Request> request_;
  std::function<void(Respond)> handle_;  ///< What the service does with it, once its body is there.
  std::string out_;
  std::chrono::steady_clock::time_point body_begun_at_;  ///< Of a streamed one: its block.
  std::size_t body_bytes_ = 0;                           ///< Come since then.
  std::size_t held_bytes_ = 0;                           ///< Of the body, as all bodies are counted.
  bool reading_ = false;                                 ///< A read is under way; there is never more than one.
  bool last_ = false;                                    ///< Nothing follows the answer that is being written.
  bool answer_ended_ = false;                            ///< What is being written is the answer's last piece.

  std::shared_ptr<Feed> feed_;  ///< What the answer goes on with.

  std::unique_ptr<LineStream> stream_;
  Response stream_head_;
  std::string block_;           ///< Of a streamed body: what came and was not handled.
  bool stream_begun_ = false;   ///< The answer's head is sent.
  bool stream_ending_ = false;  ///< The body is here as a whole.
};

}  // namespace kontor::http

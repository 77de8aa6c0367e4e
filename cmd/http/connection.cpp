#include "cmd/http/connection.hpp"

#include <algorithm>

namespace kontor::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Clock = std::chrono::steady_clock;
using beast::http::error;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kStreamReadBytes = 128 * 1024;
constexpr std::chrono::hours kNoDeadline{24 * 365};  // The engine answers everything.

/// A plain reason for what the parser refuses.
std::pair<unsigned, std::string_view> refusal_of(const boost::system::error_code& failure, bool has_length = false) {
  if (failure == error::header_limit) return {431, "the header is longer than 8192 bytes"};
  if (failure == error::bad_version) return {505, "only HTTP/1.1 is spoken here"};
  const bool contradicted = failure == error::bad_transfer_encoding && has_length;
  if (contradicted || failure == error::bad_content_length)
    return {400, "Content-Length is malformed, repeated or contradicted"};
  if (failure == error::bad_transfer_encoding) return {501, "of transfer encodings only chunked is known"};
  if (failure == error::bad_chunk || failure == error::bad_chunk_extension) return {400, "a chunk is malformed"};
  return {400, "this is not HTTP/1.1"};
}

}  // namespace

Connection::Connection(Lane& lane, Transport::Socket socket, TlsContext tls, std::string address)
    : lane_(lane), transport_(std::move(socket), std::move(tls)), address_(std::move(address)) {}

void Connection::start() {
  transport_.set_no_delay();
  enter(transport_.is_tls() ? State::handshake : State::idle, lane_.limits().header_deadline);
  if (!transport_.is_tls()) return read();
  transport_.async_handshake([self = shared_from_this()](const boost::system::error_code& failure) {
    if (self->state_ == State::closed) return;
    if (failure) return self->close();
    self->enter(State::idle, self->lane_.limits().header_deadline);
    self->read();
  });
}

void Connection::enter(State state, std::chrono::milliseconds deadline) {
  state_ = state;
  deadline_ = Clock::now() + deadline;
  if (state != State::body) return;
  body_begun_at_ = Clock::now();
  body_bytes_ = 0;
  deadline_ = body_due();
}

/// What came buys time for the rest: below the least rate that runs out before the deadline does. Between two lines a
/// stream may pause: nothing of it is held.
Clock::time_point Connection::body_due() const {
  const Limits& limits = lane_.limits();
  if (stream_ && block_.empty()) return body_begun_at_ + limits.body_deadline;
  const std::chrono::milliseconds bought(body_bytes_ * 1'000 / limits.body_bytes_per_second_min);
  return body_begun_at_ + std::min(limits.body_deadline, limits.body_rate_grace + bought);
}

void Connection::drain() {
  if (state_ == State::idle || state_ == State::handshake) close();
  if (state_ == State::waiting) tell();
  if (state_ == State::body && rests()) end_stream();
}

void Connection::on_deadline() {
  switch (state_) {
    case State::header: return refuse(408, "the header did not arrive in time");
    case State::body: {
      ++lane_.stats().bodies_late;
      return refuse(408, "the body did not arrive in time");
    }
    case State::waiting: return tell();
    case State::handshake:
    case State::idle:
    case State::writing:
    case State::lingering: return close();
    case State::handling:
    case State::closed: return;
  }
}

void Connection::read() {
  if (reading_) return;
  reading_ = true;
  const auto space = buffer_.prepare(stream_ ? kStreamReadBytes : kReadBytes);
  transport_.async_read_some(
      space, [self = shared_from_this()](const auto& failure, std::size_t bytes) { self->on_read(failure, bytes); });
}

void Connection::on_read(const boost::system::error_code& failure, std::size_t bytes) {
  reading_ = false;
  if (state_ == State::closed) return;
  if (failure) return close();  // Also a client that ends in the middle: nobody reads an answer.
  buffer_.commit(bytes);
  if (state_ == State::lingering) {
    buffer_.clear();
    return read();
  }
  if (state_ == State::idle) begin();
  if (state_ == State::header || state_ == State::body) consume();
}

void Connection::begin() {
  parser_.emplace();
  parser_->header_limit(kHeaderBytesMax);
  parser_->body_limit(boost::none);  // Depends on the route: `take` counts.
  request_ = std::make_shared<Request>();
  request_->id = lane_.next_request_id();
  request_->address = address_;
  stream_.reset();
  handle_ = nullptr;
  stream_begun_ = stream_ending_ = false;
  enter(State::header, lane_.limits().header_deadline);
  begun_at_ = deadline_ - lane_.limits().header_deadline;
}

void Connection::consume() {
  if (state_ == State::header && !consume_header()) return;
  if (state_ == State::body && !consume_body()) return;
  if (state_ == State::body) on_body_end();
}

/// True: the header is there and was accepted, and the body may be read.
bool Connection::consume_header() {
  boost::system::error_code failure;
  buffer_.consume(parser_->put(buffer_.data(), failure));
  if (failure == error::need_more) {
    read();
    return false;
  }
  if (failure) {
    const bool has_length = parser_->get().count(beast::http::field::content_length) > 0;
    const auto [status, detail] = refusal_of(failure, has_length);
    refuse(status, detail);
    return false;
  }
  return on_header();
}

bool Connection::on_header() {
  copy_header();
  if (const auto fault = fault_in_header()) {
    refuse(fault->first, fault->second);
    return false;
  }
  Opening opening = lane_.service().open(request_);
  request_->route = opening.route;
  if (opening.refusal) {
    opening.refusal->close = opening.refusal->close || !parser_->is_done();
    respond(std::move(*opening.refusal));
    return false;
  }
  stream_ = std::move(opening.stream);
  handle_ = std::move(opening.handle);
  stream_head_ = {};
  stream_head_.content_type = opening.content_type;
  if (!stream_ && parser_->content_length().value_or(0) > kBodyBytesMax) {
    refuse(413, "the body is longer than 1048576 bytes");
    return false;
  }
  parser_->eager(true);
  if (request_->field("Expect") && !parser_->is_done()) {
    answer_ended_ = false;  // The body comes when this is written; a client that reads nothing holds up only itself.
    write("HTTP/1.1 100 Continue\r\n\r\n");
    return false;
  }
  enter(State::body, lane_.limits().body_deadline);
  return true;
}

void Connection::copy_header() {
  const auto& header = parser_->get();
  request_->method = std::string(header.method_string());
  const std::string_view target(header.target().data(), header.target().size());
  const std::size_t question = std::min(target.find('?'), target.size());
  request_->path = target.substr(0, question);
  if (question < target.size()) request_->query = target.substr(question + 1);
  for (const auto& field : header)
    request_->fields.push_back({std::string(field.name_string()), std::string(field.value())});
}

std::optional<std::pair<unsigned, std::string_view>> Connection::fault_in_header() const {
  using Fault = std::pair<unsigned, std::string_view>;
  if (parser_->get().version() != 11) return Fault{505, "only HTTP/1.1 is spoken here"};
  if (request_->fields.size() > kHeaderFieldsMax) return Fault{431, "the header has more than 64 fields"};
  if (request_->path.empty() || request_->path.front() != '/') return Fault{400, "the target is not a path"};
  if (request_->count("Host") != 1) return Fault{400, "one Host field is needed"};
  const std::size_t lengths = request_->count("Content-Length"), encodings = request_->count("Transfer-Encoding");
  if (lengths + encodings > 1) return Fault{400, "Content-Length is malformed, repeated or contradicted"};
  if (encodings == 1 && !parser_->chunked()) return Fault{501, "of transfer encodings only chunked is known"};
  return {};
}

/// True: the body is there as a whole.
bool Connection::consume_body() {
  auto& scratch = lane_.scratch();
  while (!parser_->is_done()) {
    auto& body = parser_->get().body();
    body.data = scratch.data();
    body.size = scratch.size();
    boost::system::error_code failure = error::need_more;
    // With no bytes at all the parser would say neither that it needs more nor that it is done.
    if (buffer_.size() > 0) buffer_.consume(parser_->put(buffer_.data(), failure));
    if (!take({scratch.data(), scratch.size() - body.size})) return false;
    if (failure == error::need_more) {
      if (buffer_.size() > kHeaderBytesMax) {  // Only a chunk's header or the trailer is left there.
        refuse(431, "a chunk's header or the trailer is longer than 8192 bytes");
        return false;
      }
      // A client that waits for its answers has sent all that it will; what came together is handled together.
      if (stream_ && block_.find('\n') != std::string::npos && !transport_.has_more())
        flush_lines();
      else
        read();
      return false;
    }
    if (failure && failure != error::need_buffer) {
      const auto [status, detail] = refusal_of(failure);
      refuse(status, detail);
      return false;
    }
    if (stream_ && block_.size() >= kBlockBytesMax) {
      flush_lines();
      return false;
    }
  }
  return true;
}

/// So many bytes of the body are held from now on. False: with all others' they are too many.
bool Connection::hold(std::size_t bytes) {
  std::atomic<std::uint64_t>& all = lane_.stats().body_bytes;
  all.fetch_add(bytes - held_bytes_, std::memory_order_relaxed);  // Also less: unsigned numbers wrap.
  held_bytes_ = bytes;
  return bytes == 0 || all.load(std::memory_order_relaxed) <= lane_.limits().bodies_bytes_max;
}

/// Keeps a piece of the body. False: it is too much, and refused.
bool Connection::take(std::string_view bytes) {
  std::string& to = stream_ ? block_ : request_->body;
  if (!hold(held_bytes_ + bytes.size())) {
    ++lane_.stats().bodies_refused;
    refuse(503, "the bodies of all requests together are too long");
    return false;
  }
  if (stream_ && block_.empty() && !bytes.empty()) body_begun_at_ = Clock::now();  // Of a line, after a pause.
  to.append(bytes);
  body_bytes_ += bytes.size();
  deadline_ = body_due();
  if (!stream_ && to.size() > kBodyBytesMax) {
    refuse(413, "the body is longer than 1048576 bytes");
    return false;
  }
  if (stream_ && to.size() > kLineBytesMax) {
    const std::size_t end = to.rfind('\n');
    if (to.size() - (end == std::string::npos ? 0 : end + 1) > kLineBytesMax) {
      refuse(413, "a line is longer than 65536 bytes");
      return false;
    }
  }
  return true;
}

void Connection::on_body_end() {
  if (stream_) {
    stream_ending_ = true;
    return flush_lines();
  }
  enter(State::handling, kNoDeadline);
  std::exchange(handle_,
                nullptr)([self = shared_from_this()](Response response) { self->respond(std::move(response)); });
}

void Connection::flush_lines() {
  enter(State::handling, kNoDeadline);
  const std::size_t end = stream_ending_ ? block_.size() : block_.rfind('\n') + 1;
  std::string lines = block_.substr(0, end);
  block_.erase(0, end);
  stream_->on_lines(std::move(lines),
                    [self = shared_from_this()](const std::string& answer) { self->write_lines(answer); });
}

/// Of a stream: all lines that came are answered, and the next one has not begun.
bool Connection::rests() const { return stream_ && stream_begun_ && block_.empty(); }

/// While draining nothing new is taken: what the client has not heard of was not begun.
void Connection::end_stream() {
  stream_ending_ = last_ = true;
  write_lines({});
}

void Connection::write_lines(const std::string& lines) {
  if (state_ == State::closed) return;
  hold(block_.size());
  std::string text;
  if (!stream_begun_) {
    stream_head_.close = stream_head_.close || lane_.draining() || !parser_->keep_alive();
    last_ = stream_head_.close;
    lane_.stats().count(stream_head_.status);
    text = head_text(stream_head_, *request_, true);
    stream_begun_ = true;
  }
  if (!lines.empty()) text += chunk_text(lines);
  answer_ended_ = stream_ending_;
  if (stream_ending_) {
    text += "0\r\n\r\n";
    lane_.service().answered(*request_, stream_head_, Clock::now() - begun_at_);
  }
  write(std::move(text));
}

/// For what is no request, or breaks a bound: an answer, and the end.
void Connection::refuse(unsigned status, std::string_view detail) {
  if (stream_ && stream_begun_) {
    stream_ending_ = last_ = true;
    block_.clear();
    return write_lines(stream_->on_failure(status, detail));
  }
  stream_.reset();
  Response response = lane_.service().refuse(*request_, status, detail);
  response.close = true;
  respond(std::move(response));
}

void Connection::respond(Response response) {
  if (state_ == State::closed) return;
  hold(0);
  response.close = response.close || lane_.draining() || !parser_->keep_alive();
  last_ = response.close;
  answer_ended_ = true;
  lane_.stats().count(response.status);
  const auto took = Clock::now() - begun_at_;
  lane_.stats().took(took);
  lane_.service().answered(*request_, response, took);
  std::string text = head_text(response, *request_, response.feed != nullptr);
  if (request_->method != "HEAD") text += response.body;
  feed_ = std::move(response.feed);
  if (feed_) {
    answer_ended_ = false;
    read();  // So that it is noticed when the client goes.
  }
  request_.reset();  // Its body may be long, and the next request late.
  write(std::move(text));
}

/// Goes on with a feed, or ends it when the server does.
void Connection::tell() {
  if (lane_.draining()) return told({});
  enter(State::handling, kNoDeadline);
  feed_->next([self = shared_from_this()](const std::optional<std::string>& piece) { self->told(piece); });
}

void Connection::told(const std::optional<std::string>& piece) {
  if (state_ == State::closed) return;
  if (piece && piece->empty()) return enter(State::waiting, kFeedEvery);
  answer_ended_ = last_ = !piece;
  write(piece ? chunk_text(*piece) : "0\r\n\r\n");
}

void Connection::write(std::string text) {
  enter(State::writing, lane_.limits().write_deadline);
  out_ = std::move(text);
  transport_.async_write(asio::buffer(out_),
                         [self = shared_from_this()](const boost::system::error_code& failure, std::size_t) {
                           if (self->state_ == State::closed) return;
                           if (failure) return self->close();
                           self->on_written();
                         });
}

void Connection::on_written() {
  if (!answer_ended_ && feed_) return tell();
  if (!answer_ended_) {  // Of a stream: on to the next lines.
    enter(State::body, lane_.limits().body_deadline);
    return lane_.draining() && rests() ? end_stream() : consume();
  }
  if (last_) return linger();
  if (stream_) {
    stream_.reset();
    std::string().swap(block_);
    buffer_.shrink_to_fit();
  }
  request_.reset();
  std::string().swap(out_);
  enter(State::idle, lane_.limits().idle_deadline);
  if (lane_.draining()) return close();
  if (buffer_.size() == 0) return read();
  begin();
  consume();
}

/// Lets the client read the last answer: closing while its bytes are unread would reset the connection under it.
void Connection::linger() {
  enter(State::lingering, kLingerDeadline);
  buffer_.clear();
  if (!transport_.is_tls()) return end_sending();
  transport_.async_farewell([self = shared_from_this()](const boost::system::error_code& failure) {
    if (self->state_ == State::closed) return;
    if (!failure) return self->close();
    self->end_sending();
  });
}

void Connection::end_sending() {
  transport_.end_sending();
  read();
}

void Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  hold(0);
  transport_.close();
  lane_.forget(shared_from_this(), address_);
}

}  // namespace kontor::http

#include "actors/cluster/tls_stream.hpp"

#include <algorithm>
#include <limits>

#include <openssl/err.h>
#include <sys/socket.h>

namespace kontor::actors {

using caf::io::network::rw_state;

void LiveStreams::add(const std::string& node, int descriptor) {
  const std::lock_guard guard(mutex_);
  descriptors_.emplace(node, descriptor);
}

void LiveStreams::remove(const std::string& node, int descriptor) {
  const std::lock_guard guard(mutex_);
  const auto [begin, end] = descriptors_.equal_range(node);
  const auto it = std::find_if(begin, end, [&](const auto& entry) { return entry.second == descriptor; });
  if (it != end) descriptors_.erase(it);
}

bool LiveStreams::cut(const std::string& node) {
  const std::lock_guard guard(mutex_);  // What stands here is not closed yet: it is removed before.
  const auto [begin, end] = descriptors_.equal_range(node);
  for (auto it = begin; it != end; ++it) ::shutdown(it->second, SHUT_RDWR);
  return begin != end;
}

namespace {

/// What an SSL_read or SSL_write that moved nothing means. "Not now" is a success of no bytes to CAF.
rw_state state_of(SSL* ssl, int result) {
  const int why = SSL_get_error(ssl, result);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? rw_state::success : rw_state::failure;
}

int at_most_int(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

rw_state TlsPolicy::read_some(std::size_t& result, int, void* bytes, std::size_t size) {
  result = 0;
  if (size == 0) return rw_state::indeterminate;
  ERR_clear_error();
  const int got = SSL_read(session_->ssl(), bytes, at_most_int(size));
  if (got <= 0) return state_of(session_->ssl(), got);
  result = static_cast<std::size_t>(got);
  return rw_state::success;
}

rw_state TlsPolicy::write_some(std::size_t& result, int, const void* bytes, std::size_t size) {
  result = 0;
  if (size == 0) return rw_state::indeterminate;
  ERR_clear_error();
  const int put = SSL_write(session_->ssl(), bytes, at_most_int(size));
  if (put <= 0) return state_of(session_->ssl(), put);
  result = static_cast<std::size_t>(put);
  return rw_state::success;
}

bool TlsPolicy::must_read_more(int, std::size_t threshold) const {
  const int pending = SSL_pending(session_->ssl());
  return pending > 0 && static_cast<std::size_t>(pending) >= threshold;
}

TlsScribe::TlsScribe(caf::io::network::default_multiplexer& multiplexer, const SessionPtr& session, LiveStreams& live)
    : scribe(caf::io::network::conn_hdl_from_socket(session->descriptor())),
      node_(session->node()),
      live_(live),
      stream_(multiplexer, session->descriptor(), session) {
  live_.add(node_, session->release());  // The stream closes it.
}

TlsScribe::~TlsScribe() { live_.remove(node_, stream_.fd()); }

void TlsScribe::configure_read(caf::io::receive_policy::config config) {
  stream_.configure_read(config);
  if (!std::exchange(launched_, true)) stream_.start(this);
}

void TlsScribe::ack_writes(bool enable) { stream_.ack_writes(enable); }

void TlsScribe::graceful_shutdown() {
  stream_.graceful_shutdown();
  detach(&stream_.backend(), false);
}

Doorway::Doorway(caf::io::network::default_multiplexer& multiplexer, std::uint16_t number, LiveStreams& live)
    : doorman(caf::io::accept_handle::from_int(number)), multiplexer_(multiplexer), number_(number), live_(live) {}

void Doorway::admit(const SessionPtr& session) {
  if (detached()) return;  // Closed meanwhile: the connection ends with the session.
  const auto scribe = caf::make_counted<TlsScribe>(multiplexer_, session, live_);
  parent()->add_scribe(scribe);
  doorman::new_connection(&multiplexer_, scribe->hdl());
}

}  // namespace kontor::actors

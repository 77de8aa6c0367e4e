#include "actors/cluster/gate.hpp"

#include <atomic>
#include <csignal>
#include <map>
#include <thread>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <openssl/err.h>
#include <unistd.h>

#include "actors/cluster/limits.hpp"

namespace kontor::actors {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using Ssl = std::unique_ptr<SSL, void (*)(SSL*)>;

/// One handshake, from either end. Its socket is ready-driven: TLS state is complete in `ssl` and the descriptor, so
/// both can be handed on as they are.
class Handshake : public std::enable_shared_from_this<Handshake> {
 public:
  using Done = std::function<void(tcp::socket&&, Ssl, const std::string& fault)>;

  Handshake(tcp::socket socket, const Credentials& credentials)
      : socket_(std::move(socket)), deadline_(socket_.get_executor()), ssl_(SSL_new(credentials.get()), SSL_free) {}

  void start(bool accepting, Done done) {
    done_ = std::move(done);
    if (!ssl_) return end("no memory");
    ErrorCode fault;
    socket_.non_blocking(true, fault);
    if (!fault) socket_.set_option(tcp::no_delay(true), fault);
    if (fault || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) return end("socket");
    accepting ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
    deadline_.expires_after(kHandshakeMax);
    deadline_.async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
      if (cancelled) return;
      self->late_ = true;
      ErrorCode ignored;
      self->socket_.cancel(ignored);
    });
    step();
  }

 private:
  void step() {
    if (late_) return end("too slow");
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) return end({});
    const int why = SSL_get_error(ssl_.get(), result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return end(tls_fault());
    socket_.async_wait(why == SSL_ERROR_WANT_READ ? tcp::socket::wait_read : tcp::socket::wait_write,
                       [self = shared_from_this()](const ErrorCode& fault) {
                         fault && !self->late_ ? self->end(fault.message()) : self->step();
                       });
  }

  void end(const std::string& fault) {
    deadline_.cancel();
    if (const Done done = std::exchange(done_, nullptr)) done(std::move(socket_), std::move(ssl_), fault);
  }

  tcp::socket socket_;
  asio::steady_timer deadline_;
  Ssl ssl_;
  bool late_ = false;
  Done done_;
};

/// TCP's part of a dial, with a deadline of its own: a peer behind a wall that swallows packets holds up nothing else.
class Dial : public std::enable_shared_from_this<Dial> {
 public:
  using Done = std::function<void(tcp::socket&&, const ErrorCode&)>;

  explicit Dial(asio::io_context& context) : resolver_(context), socket_(context), deadline_(context) {}

  void start(const Member& member, Done done) {
    done_ = std::move(done);
    deadline_.expires_after(kDialMax);
    deadline_.async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
      if (cancelled) return;
      self->late_ = true;
      self->resolver_.cancel();  // Not what has begun already.
      ErrorCode ignored;
      self->socket_.close(ignored);
    });
    resolver_.async_resolve(member.host, std::to_string(member.port),
                            [self = shared_from_this()](const ErrorCode& fault, const auto& found) {
                              if (self->late_) return self->end(asio::error::timed_out);
                              if (fault) return self->end(fault);
                              asio::async_connect(self->socket_, found,
                                                  [self](const ErrorCode& e, const auto&) { self->end(e); });
                            });
  }

 private:
  void end(const ErrorCode& fault) {
    deadline_.cancel();
    if (const Done done = std::exchange(done_, nullptr)) done(std::move(socket_), fault);
  }

  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer deadline_;
  bool late_ = false;
  Done done_;
};

SessionPtr session_of(std::string node, tcp::socket&& socket, Ssl ssl) {
  return std::make_shared<Session>(std::move(node), socket.release(), std::move(ssl));
}

}  // namespace

Session::~Session() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool is_address(const std::string& text) {
  ErrorCode fault;
  asio::ip::make_address(text, fault);
  return !fault;
}

struct Gate::Impl {
  Options options;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer breather{context};  // When descriptors have run out.
  std::map<asio::ip::address, std::size_t> strangers;
  std::atomic<std::size_t> strangers_now{0};
  std::thread thread;

  void tell(const std::string& what) const {
    if (options.on_event) options.on_event(what);
  }

  void listen() {
    const tcp::endpoint endpoint(asio::ip::make_address(options.listen_address), options.port);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen();
  }

  void accept() {
    acceptor.async_accept([this](const ErrorCode& fault, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (fault) {  // Most likely descriptors: asking again at once would only burn a core.
        breather.expires_after(kAcceptPause);
        return breather.async_wait([this](const ErrorCode& cancelled) {
          if (!cancelled) accept();
        });
      }
      receive(std::move(socket));
      accept();
    });
  }

  void receive(tcp::socket socket) {
    ErrorCode gone;
    const auto address = socket.remote_endpoint(gone).address();
    if (gone) return;
    if (strangers_now >= kStrangersMax || strangers[address] >= kStrangersPerAddressMax) return;  // Closed unheard.
    ++strangers[address], ++strangers_now;
    std::make_shared<Handshake>(std::move(socket), options.credentials)
        ->start(true, [this, address](tcp::socket&& opened, Ssl ssl, const std::string& fault) {
          if (--strangers[address] == 0) strangers.erase(address);
          --strangers_now;
          admit(address.to_string(), std::move(opened), std::move(ssl), fault);
        });
  }

  void admit(const std::string& from, tcp::socket&& socket, Ssl ssl, const std::string& fault) {
    if (!fault.empty()) return tell("turned away " + from + ": " + fault);
    std::string node = node_of(ssl.get(), options.members);
    if (node.empty() || node == options.node)
      return tell("turned away " + from + ": its certificate is of no other member");
    options.on_accepted(session_of(std::move(node), std::move(socket), std::move(ssl)));
  }

  void dial(const Member& member, const std::function<void(SessionPtr)>& then) {
    std::make_shared<Dial>(context)->start(member, [this, member, then](tcp::socket&& socket, const ErrorCode& fault) {
      if (fault) return then(nullptr);  // Its being away is told by the link, once.
      std::make_shared<Handshake>(std::move(socket), options.credentials)
          ->start(false, [this, member, then](tcp::socket&& opened, Ssl ssl, const std::string& why) {
            if (why.empty() && node_of(ssl.get(), {&member, 1}) == member.node)
              return then(session_of(member.node, std::move(opened), std::move(ssl)));
            tell(member.node + " at " + member.host + ":" + std::to_string(member.port) + ": " +
                 (why.empty() ? "its certificate is another node's" : why));
            then(nullptr);
          });
    });
  }
};

Gate::Gate(Options options) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  impl_->listen();
  impl_->accept();
  impl_->thread = std::thread([impl = impl_.get()] {
    sigset_t all;  // Signals are for the program's own threads; a peer that goes away must not be one (SIGPIPE).
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    impl->context.run();
  });
}

Gate::~Gate() {
  impl_->context.stop();
  impl_->thread.join();
}

std::uint16_t Gate::port() const { return impl_->acceptor.local_endpoint().port(); }

void Gate::dial(const Member& member, std::function<void(SessionPtr)> then) {
  asio::post(impl_->context, [impl = impl_.get(), member, then = std::move(then)] { impl->dial(member, then); });
}

void Gate::use(Credentials credentials) {
  asio::post(impl_->context, [impl = impl_.get(), credentials = std::move(credentials)]() mutable {
    impl->options.credentials = std::move(credentials);
  });
}

void Gate::expect(std::vector<Member> members) {
  asio::post(impl_->context, [impl = impl_.get(), members = std::move(members)]() mutable {
    impl->options.members = std::move(members);
  });
}

std::size_t Gate::strangers() const { return impl_->strangers_now; }

}  // namespace kontor::actors

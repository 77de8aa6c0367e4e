#include "cmd/http/server.hpp"

#include <charconv>
#include <system_error>
#include <thread>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include "cmd/http/connection.hpp"
#include "cmd/http/lane.hpp"

namespace kontor::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kAcceptPause{50};  // After an error, e.g. no descriptor is left.

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint endpoint{"127.0.0.1", 0};
  std::string_view port = text;
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    std::string_view address = text.substr(0, colon);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    boost::system::error_code failure;
    const auto parsed = asio::ip::make_address(std::string(address), failure);
    if (failure) return {};
    endpoint.address = parsed.to_string();
    port = text.substr(colon + 1);
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc{} || end != port.data() + port.size()) return {};
  return endpoint;
}

bool is_loopback(const Endpoint& endpoint) {
  boost::system::error_code failure;
  const auto address = asio::ip::make_address(endpoint.address, failure);
  return !failure && address.is_loopback();
}

std::string url_of(const Endpoint& endpoint, bool tls) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return (tls ? "https://" : "http://") + (v6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" +
         std::to_string(endpoint.port);
}

struct Server::Impl {
  Impl(const ServerOptions& options, Stats& all_stats, const MakeService& make_service)
      : census(options.limits), stats(all_stats), endpoint(options.listen), tls(options.tls) {
    for (std::size_t i = 0; i < options.lanes; ++i)
      lanes.push_back(std::make_unique<Lane>(options.limits, census, stats));
    acceptor = std::make_unique<tcp::acceptor>(lanes.front()->context());
    pause = std::make_unique<asio::steady_timer>(lanes.front()->context());
    const tcp::endpoint at(asio::ip::make_address(endpoint.address), endpoint.port);
    acceptor->open(at.protocol());
    acceptor->set_option(tcp::acceptor::reuse_address(true));
    acceptor->bind(at);
    acceptor->listen();
    endpoint.port = acceptor->local_endpoint().port();
    for (const auto& lane : lanes) {
      lane->start(make_service([to = lane.get()](std::function<void()> action) { to->post(std::move(action)); }));
    }
    lanes.front()->post([this] { accept(); });
  }

  void accept() {
    Lane& lane = *lanes[next++ % lanes.size()];
    acceptor->async_accept(lane.context(), [this, &lane](const boost::system::error_code& failure, tcp::socket socket) {
      if (!acceptor->is_open()) return;
      if (failure) {
        pause->expires_after(kAcceptPause);
        return pause->async_wait([this](const boost::system::error_code& stopped) {
          if (!stopped && acceptor->is_open()) accept();
        });
      }
      hand_over(lane, std::move(socket));
      accept();
    });
  }

  void hand_over(Lane& lane, tcp::socket socket) {
    boost::system::error_code failure;
    const auto peer = socket.remote_endpoint(failure);
    if (failure) return;
    const std::string address = peer.address().to_string();
    if (!census.enter(address)) return turn_away(socket, address);
    ++stats.accepted, ++stats.open;
    const auto shared = std::make_shared<tcp::socket>(std::move(socket));
    lane.post([&lane, shared, with = tls, address] { lane.adopt(std::move(*shared), with, address); });
  }

  /// Says why as far as that costs nothing; the client may see only the end of the connection.
  void turn_away(tcp::socket& socket, const std::string& address) const {
    ++stats.refused;
    lanes.front()->service().turned_away(address);
    if (tls) return;  // A handshake is too much to say no, and without one nothing is understood.
    Response response = lanes.front()->service().refuse({}, 503, "too many connections");
    response.close = true;
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(head_text(response, {}, false) + response.body), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  Census census;
  Stats& stats;
  Endpoint endpoint;
  TlsContext tls;  // Of the accepting lane's thread, once it runs.
  std::vector<std::unique_ptr<Lane>> lanes;
  std::unique_ptr<tcp::acceptor> acceptor;
  std::unique_ptr<asio::steady_timer> pause;
  std::size_t next = 0;
};

Server::Server(const ServerOptions& options, Stats& stats, const MakeService& make_service) {
  try {
    impl_ = std::make_unique<Impl>(options, stats, make_service);
  } catch (const boost::system::system_error& error) {  // Of a family of its own until Boost 1.82.
    throw std::system_error(error.code());
  }
}

Server::~Server() { stop(); }

const Endpoint& Server::endpoint() const { return impl_->endpoint; }

void Server::use_tls(TlsContext tls) {
  impl_->lanes.front()->post([impl = impl_.get(), with = std::move(tls)] { impl->tls = with; });
}

bool Server::drain(std::chrono::milliseconds timeout) {
  impl_->lanes.front()->post([impl = impl_.get()] {
    boost::system::error_code ignored;
    impl->acceptor->close(ignored);
  });
  for (const auto& lane : impl_->lanes) lane->post([to = lane.get()] { to->drain(); });
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (impl_->census.connections() > 0) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void Server::stop() {
  for (const auto& lane : impl_->lanes) lane->stop();
}

}  // namespace kontor::http

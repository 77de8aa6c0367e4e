#include "tests/cluster/roads.hpp"

#include <array>
#include <atomic>
#include <deque>
#include <future>
#include <string>
#include <vector>

#include <boost/asio.hpp>
#include <fcntl.h>

#include "tests/support/catch.hpp"
#include "tests/support/within_network.hpp"

namespace kontor::tests {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kChunkBytes = 64u << 10;
constexpr std::size_t kHeldBytesMax = 4u << 20;  // Then the sender's own buffers fill.
constexpr milliseconds kLookAgain{5};            // Whether a silent road has healed.

/// What one direction of a road does to whatever goes that way.
struct Weather {
  std::atomic<bool> silent{false};
  std::atomic<std::int64_t> delay_ms{0};
  std::atomic<std::uint64_t> carried{0};
};

void close(tcp::socket& socket) {
  ErrorCode ignored;
  socket.close(ignored);
}

/// A node that is started later must not keep it open.
template <class Socket>
void keep_from_children(Socket& socket) {
  REQUIRE(::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC) == 0);
}

using SocketPtr = std::shared_ptr<tcp::socket>;

/// One direction of one connection.
class Pump : public std::enable_shared_from_this<Pump> {
 public:
  Pump(SocketPtr from, SocketPtr to, Weather& weather)
      : from_(std::move(from)), to_(std::move(to)), weather_(weather), timer_(from_->get_executor()) {}

  void read() {
    reading_ = true;
    from_->async_read_some(asio::buffer(chunk_), [self = shared_from_this()](const ErrorCode& fault, std::size_t size) {
      self->took(fault ? 0 : size);
    });
  }

 private:
  struct Piece {
    Clock::time_point due;
    std::string bytes;  ///< Empty: the end.
  };

  void took(std::size_t size) {
    reading_ = false;
    held_.push_back({Clock::now() + milliseconds(weather_.delay_ms), std::string(chunk_.data(), size)});
    held_bytes_ += size;
    ended_ = size == 0;
    if (!ended_ && held_bytes_ < kHeldBytesMax) read();
    if (!writing_) write();
  }

  void write() {
    writing_ = !held_.empty();
    if (!writing_) return;
    const auto now = Clock::now();
    if (weather_.silent || held_.front().due > now) {
      timer_.expires_at(weather_.silent ? now + kLookAgain : held_.front().due);
      return timer_.async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
        if (!cancelled) self->write();
      });
    }
    if (held_.front().bytes.empty()) {
      ErrorCode ignored;
      to_->shutdown(tcp::socket::shutdown_send, ignored);
      return;
    }
    asio::async_write(*to_, asio::buffer(held_.front().bytes),
                      [self = shared_from_this()](const ErrorCode& fault, std::size_t size) {
                        if (fault) return close(*self->from_), close(*self->to_);
                        self->wrote(size);
                      });
  }

  void wrote(std::size_t size) {
    weather_.carried += size;
    held_bytes_ -= size;
    held_.pop_front();
    if (!reading_ && !ended_ && held_bytes_ < kHeldBytesMax) read();
    write();
  }

  const SocketPtr from_, to_;
  Weather& weather_;
  asio::steady_timer timer_;
  std::array<char, kChunkBytes> chunk_{};
  std::deque<Piece> held_;
  std::size_t held_bytes_ = 0;
  bool reading_ = false, writing_ = false, ended_ = false;
};

}  // namespace

struct Roads::Network {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};

  /// Runs `action` where all else runs, and waits for it.
  template <class Action>
  void there(const Action& action) {
    std::promise<void> done;
    asio::post(context, [&] { action(), done.set_value(); });
    done.get_future().wait();
  }
};

/// From one dialler to one listener. Its connections come and go; the weather stays.
class Roads::Road {
 public:
  Road(asio::io_context& context, tcp::endpoint target, std::optional<int> network)
      : context_(context), target_(std::move(target)), network_(network), acceptor_(context) {
    const testing::WithinNetwork there(network_);
    acceptor_.open(tcp::v4());
    acceptor_.bind({asio::ip::address_v4::loopback(), 0});
    acceptor_.listen();
    keep_from_children(acceptor_);
    accept();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void cut() {
    for (const auto& weak : std::exchange(ends_, {}))
      if (const SocketPtr socket = weak.lock()) close(*socket);
  }
  Weather onwards, back;

 private:
  void accept() {
    acceptor_.async_accept([this](const ErrorCode& fault, tcp::socket socket) {
      if (fault) return;
      connect(std::make_shared<tcp::socket>(std::move(socket)));
      accept();
    });
  }

  void connect(const SocketPtr& dialler) {
    const testing::WithinNetwork there(network_);
    const auto listener = std::make_shared<tcp::socket>(context_);
    listener->async_connect(target_, [this, dialler, listener](const ErrorCode& fault) {
      if (fault) return close(*dialler);  // Nobody listens: the dialler hears of it soon enough.
      for (const SocketPtr& socket : {dialler, listener}) {
        socket->set_option(tcp::no_delay(true));
        keep_from_children(*socket);
        ends_.emplace_back(socket);
      }
      std::make_shared<Pump>(dialler, listener, onwards)->read();
      std::make_shared<Pump>(listener, dialler, back)->read();
    });
  }

  asio::io_context& context_;
  const tcp::endpoint target_;
  const std::optional<int> network_;
  tcp::acceptor acceptor_;
  std::vector<std::weak_ptr<tcp::socket>> ends_;
};

Roads::Roads() : network_(std::make_unique<Network>()) {
  thread_ = std::thread([this] { network_->context.run(); });
}

Roads::~Roads() {
  network_->context.stop();
  thread_.join();
  roads_.clear();
}

std::uint16_t Roads::between(std::size_t dialler, std::size_t listener, const std::string& host, std::uint16_t port,
                             std::optional<int> network) {
  auto& road = roads_[{dialler, listener}];
  const tcp::endpoint target(asio::ip::make_address(host), port);
  network_->there([&] { road = std::make_unique<Road>(network_->context, target, network); });
  return road->port();
}

Roads::Road& Roads::road(std::size_t a, std::size_t b) const {
  const auto it = roads_.find({std::min(a, b), std::max(a, b)});  // The earlier member dials.
  REQUIRE(it != roads_.end());
  return *it->second;
}

void Roads::silence(std::size_t a, std::size_t b) {
  silence_one_way(a, b);
  silence_one_way(b, a);
}

void Roads::silence_one_way(std::size_t from, std::size_t to) {
  Road& between = road(from, to);
  (from < to ? between.onwards : between.back).silent = true;
}

void Roads::delay(milliseconds by) {
  for (const auto& [unused, road] : roads_) road->onwards.delay_ms = road->back.delay_ms = by.count();
}

void Roads::cut(std::size_t a, std::size_t b) {
  network_->there([&] { road(a, b).cut(); });
}

void Roads::heal() {
  for (const auto& [unused, road] : roads_) {
    road->onwards.silent = road->back.silent = false;
    road->onwards.delay_ms = road->back.delay_ms = 0;
  }
}

std::uint64_t Roads::carried() const {
  std::uint64_t bytes = 0;
  for (const auto& [unused, road] : roads_) bytes += road->onwards.carried + road->back.carried;
  return bytes;
}

}  // namespace kontor::tests

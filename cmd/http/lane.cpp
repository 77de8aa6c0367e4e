#include "cmd/http/lane.hpp"

#include <cstdio>
#include <random>
#include <vector>

#include <boost/asio/post.hpp>

#include "cmd/http/connection.hpp"

namespace kontor::http {

bool Census::enter(const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (connections_ >= limits_.connections_max) return false;
  std::size_t& of_address = by_address_[address];
  if (of_address >= limits_.address_connections_max) return false;
  ++of_address, ++connections_;
  return true;
}

void Census::leave(const std::string& address) {
  const std::lock_guard lock(mutex_);
  --connections_;
  if (const auto it = by_address_.find(address); it != by_address_.end() && --it->second == 0) by_address_.erase(it);
}

std::size_t Census::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

Lane::Lane(const Limits& limits, Census& census, Stats& stats)
    : limits_(limits), census_(census), stats_(stats), work_(context_.get_executor()), timer_(context_) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "req_%08x", std::random_device{}());
  id_prefix_ = text.data();
}

Lane::~Lane() { stop(); }

void Lane::start(std::unique_ptr<Service> service) {
  service_ = std::move(service);
  sweep();
  thread_ = std::thread([this] { context_.run(); });
}

void Lane::post(std::function<void()> action) { boost::asio::post(context_, std::move(action)); }

void Lane::stop() {
  work_.reset();
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

void Lane::adopt(boost::asio::ip::tcp::socket socket, TlsContext tls, const std::string& address) {
  const auto connection = std::make_shared<Connection>(*this, std::move(socket), std::move(tls), address);
  connections_.insert(connection);
  connection->start();
  if (draining_) connection->drain();  // Accepted a moment too late.
}

void Lane::drain() {
  draining_ = true;
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) connection->drain();
}

void Lane::forget(const std::shared_ptr<Connection>& connection, const std::string& address) {
  if (connections_.erase(connection) == 0) return;
  census_.leave(address);
  --stats_.open;
}

std::string Lane::next_request_id() {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%012llx", static_cast<unsigned long long>(++requests_));
  return id_prefix_ + text.data();
}

void Lane::sweep() {
  timer_.expires_after(kSweepEvery);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::shared_ptr<Connection>> late;
    for (const auto& connection : connections_)
      if (connection->deadline() <= now) late.push_back(connection);
    for (const auto& connection : late) connection->on_deadline();
    sweep();
  });
}

}  // namespace kontor::http

#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "cmd/http/limits.hpp"
#include "cmd/http/message.hpp"
#include "cmd/http/stats.hpp"
#include "cmd/http/tls.hpp"

namespace kontor::http {

class Connection;

/// Counts the connections in all and of each address. Any thread.
class Census {
 public:
  explicit Census(const Limits& limits) : limits_(limits) {}
  /// False: a bound is reached, and nothing is counted.
  bool enter(const std::string& address);
  void leave(const std::string& address);
  std::size_t connections() const;

 private:
  const Limits limits_;
  mutable std::mutex mutex_;
  std::size_t connections_ = 0;
  std::map<std::string, std::size_t> by_address_;
};

/// One thread with its own reactor, its connections and its service: nothing on it is shared, so nothing is locked.
/// Members are for the lane's own thread, save where they say otherwise.
class Lane {
 public:
  Lane(const Limits& limits, Census& census, Stats& stats);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Any thread, once.
  void start(std::unique_ptr<Service> service);
  /// Runs `action` on the lane. Any thread.
  void post(std::function<void()> action);
  /// Ends the thread after what it is doing. Any thread.
  void stop();

  boost::asio::io_context& context() { return context_; }
  void adopt(boost::asio::ip::tcp::socket socket, TlsContext tls, const std::string& address);
  /// Ends what is idle now and the rest after its answer.
  void drain();

  void forget(const std::shared_ptr<Connection>& connection, const std::string& address);
  std::string next_request_id();
  Service& service() { return *service_; }
  const Limits& limits() const { return limits_; }
  Stats& stats() { return stats_; }
  bool draining() const { return draining_; }
  /// Where the bytes of a body pass through.
  std::array<char, 16 * 1024>& scratch() { return scratch_; }

 private:
  void sweep();

  const Limits limits_;
  Census& census_;
  Stats& stats_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<Service> service_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::array<char, 16 * 1024> scratch_{};
  std::string id_prefix_;
  std::uint64_t requests_ = 0;
  bool draining_ = false;
  std::thread thread_;
};

}  // namespace kontor::http

#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace kontor::cmd {

/// Clients that never finish a request: each sends a byte of a header now and then, and comes again when the server has
/// ended it. A thread of their own, from construction to end.
class Drippers {
 public:
  /// `count` of them, on `host`, an address or a name.
  Drippers(std::string host, std::string port, std::size_t count);
  ~Drippers();
  Drippers(const Drippers&) = delete;
  Drippers& operator=(const Drippers&) = delete;

  /// As many as there were at most at a time.
  std::size_t connected_most() const { return connected_most_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t ended() const { return ended_; }  ///< By the server.

 private:
  void run();
  void drip(int& socket);
  int connect() const;

  const std::string host_, port_;
  std::vector<int> sockets_;  ///< -1: not connected.
  std::size_t connected_ = 0;
  std::atomic<std::size_t> connected_most_{0};
  std::atomic<std::uint64_t> bytes_{0}, ended_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace kontor::cmd

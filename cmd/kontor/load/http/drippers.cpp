#include "cmd/kontor/load/http/drippers.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kontor::cmd {
namespace {

constexpr std::chrono::milliseconds kTurnEvery{50};
constexpr std::size_t kTurns = 20;  // Each drips once in so many: a byte a second.

}  // namespace

Drippers::Drippers(std::string host, std::string port, std::size_t count)
    : host_(std::move(host)), port_(std::move(port)), sockets_(count, -1), thread_([this] { run(); }) {}

Drippers::~Drippers() {
  stop_ = true;
  thread_.join();
  for (const int socket : sockets_)
    if (socket >= 0) ::close(socket);
}

void Drippers::run() {
  for (std::size_t turn = 0; !stop_; turn = (turn + 1) % kTurns) {
    for (std::size_t at = turn; at < sockets_.size(); at += kTurns) drip(sockets_[at]);
    connected_most_ = std::max(connected_most_.load(), connected_);
    std::this_thread::sleep_for(kTurnEvery);
  }
}

/// A letter of a method that never ends, which is no fault of HTTP before the header's bound.
void Drippers::drip(int& socket) {
  if (socket < 0) {
    socket = connect();
    if (socket < 0) return;
    ++connected_;
  }
  if (::send(socket, "X", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) {
    ++bytes_;
    return;
  }
  ::close(std::exchange(socket, -1));
  --connected_;
  ++ended_;
}

int Drippers::connect() const {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found) != 0) return -1;
  int socket = -1;
  for (const addrinfo* one = found; one && socket < 0; one = one->ai_next) {
    socket = ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (socket >= 0 && ::connect(socket, one->ai_addr, one->ai_addrlen) != 0) ::close(std::exchange(socket, -1));
  }
  ::freeaddrinfo(found);
  return socket;
}

}  // namespace kontor::cmd

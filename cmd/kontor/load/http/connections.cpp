#include "cmd/kontor/load/http/connections.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kontor::cmd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReceiveBytes = 16 * 1024;
constexpr std::size_t kEventsMax = 256;  // Of one look; what more there is comes with the next.
constexpr int kPulseMs = 100;
constexpr std::chrono::seconds kSilenceMax{30};  // The server's own bounds are no longer.

}  // namespace

Connections::~Connections() {
  for (Slot& slot : slots_) disconnect(slot);
  if (epoll_ >= 0) ::close(epoll_);
}

bool Connections::open(std::vector<Server> servers, std::size_t count, std::string& why) {
  servers_ = std::move(servers);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  slots_.resize(count);
  for (std::size_t at = 0; at < count; ++at) {
    slots_[at].server = at % servers_.size();
    if (!connect(slots_[at], why) || !watch(at, false)) return false;
  }
  return true;
}

bool Connections::connect(Slot& slot, std::string& why) {
  for (std::size_t tried = 0; tried < servers_.size(); ++tried) {
    if (connect(slot, servers_[slot.server], why)) return true;
    slot.server = (slot.server + 1) % servers_.size();
  }
  return false;
}

bool Connections::connect(Slot& slot, const Server& server, std::string& why) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (const int failure = ::getaddrinfo(server.host.c_str(), server.port.c_str(), &hints, &found); failure != 0) {
    why = "cannot find " + server.host + ":" + server.port + ": " + ::gai_strerror(failure);
    return false;
  }
  for (const addrinfo* one = found; one && slot.socket < 0; one = one->ai_next) {
    slot.socket = ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (slot.socket >= 0 && ::connect(slot.socket, one->ai_addr, one->ai_addrlen) == 0) break;
    why = "cannot connect to " + server.host + ":" + server.port + ": " + std::strerror(errno);
    disconnect(slot);
  }
  ::freeaddrinfo(found);
  if (slot.socket < 0) return false;
  const int on = 1;
  ::setsockopt(slot.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(slot.socket, F_SETFL, O_NONBLOCK);
  return true;
}

void Connections::disconnect(Slot& slot) {
  if (slot.socket >= 0) ::close(slot.socket);  // Which ends its being watched.
  slot.socket = -1;
  slot.awaits_room = false;
}

bool Connections::watch(std::size_t at, bool room) {
  Slot& slot = slots_[at];
  epoll_event event{};
  event.events = EPOLLIN | (room ? EPOLLOUT : 0U);
  event.data.u64 = at;
  const bool known = slot.awaits_room != room;  // Otherwise it is new: nothing else is a reason to call.
  slot.awaits_room = room;
  return ::epoll_ctl(epoll_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, slot.socket, &event) == 0;
}

bool Connections::run(Exchanges& exchanges, const std::function<void()>& on_pulse, std::string& why) {
  bool good = true;
  for (std::size_t at = 0; at < slots_.size() && good; ++at) good = ask(at, exchanges, why);
  std::array<epoll_event, kEventsMax> events;
  auto heard = Clock::now(), next_pulse = heard;
  while (good && in_flight_ > 0) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kPulseMs);
    const auto now = Clock::now();
    if (count > 0) heard = now;
    if (now - heard > kSilenceMax) {
      why = "the server is silent";
      good = false;
    }
    if (now >= next_pulse) {
      next_pulse = now + std::chrono::milliseconds(kPulseMs);
      on_pulse();
    }
    for (int i = 0; i < count && good; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.events & EPOLLOUT) good = send(event.data.u64, exchanges, why);
      if (good && event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) good = receive(event.data.u64, exchanges, why);
    }
  }
  if (!good) give_up(exchanges);
  return good;
}

void Connections::give_up(Exchanges& exchanges) {
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    disconnect(slots_[at]);
    if (std::exchange(slots_[at].asked, false)) exchanges.lost(at);
  }
  in_flight_ = 0;
}

/// The connection has ended. What was asked on it is lost; the next request goes over a new one.
bool Connections::reopen(std::size_t at, Exchanges& exchanges, std::string& why) {
  Slot& slot = slots_[at];
  disconnect(slot);
  const bool lost = std::exchange(slot.asked, false);
  if (lost) --in_flight_, exchanges.lost(at);
  if (!connect(slot, why) || !watch(at, false)) return false;
  return !lost || ask(at, exchanges, why);
}

bool Connections::ask(std::size_t at, Exchanges& exchanges, std::string& why) {
  Slot& slot = slots_[at];
  slot.request.clear();
  if (!exchanges.next(at, slot.request)) return true;
  slot.answer.begin();
  slot.sent = 0;
  slot.asked = true;
  ++in_flight_;
  return send(at, exchanges, why);
}

bool Connections::send(std::size_t at, Exchanges& exchanges, std::string& why) {
  Slot& slot = slots_[at];
  while (slot.sent < slot.request.size()) {
    const ssize_t size =
        ::send(slot.socket, slot.request.data() + slot.sent, slot.request.size() - slot.sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return slot.awaits_room || watch(at, true);
    if (size < 0) return reopen(at, exchanges, why);
    slot.sent += static_cast<std::size_t>(size);
  }
  return !slot.awaits_room || watch(at, false);
}

bool Connections::receive(std::size_t at, Exchanges& exchanges, std::string& why) {
  Slot& slot = slots_[at];
  const ssize_t size = ::recv(slot.socket, slot.answer.room(kReceiveBytes), kReceiveBytes, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (size <= 0) return reopen(at, exchanges, why);
  const AnswerReader::State state =
      slot.asked ? slot.answer.received(static_cast<std::size_t>(size)) : AnswerReader::State::broken;
  if (state == AnswerReader::State::more) return true;
  if (state == AnswerReader::State::broken) {
    why = "what the server says is no answer";
    return false;
  }
  slot.asked = false;
  --in_flight_;
  exchanges.answered(at, slot.answer.status(), slot.answer.body());
  if (!slot.answer.stays_open() && !reopen(at, exchanges, why)) return false;
  return ask(at, exchanges, why);
}

}  // namespace kontor::cmd

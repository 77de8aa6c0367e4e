#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/kontor/load/http/answer_reader.hpp"

namespace kontor::cmd {

/// What is asked over the connections, one request on each at a time.
class Exchanges {
 public:
  virtual ~Exchanges() = default;
  /// Writes the whole next request of connection `slot` to `out`, which is empty. False: this connection has nothing
  /// more to ask in this run.
  virtual bool next(std::size_t slot, std::string& out) = 0;
  virtual void answered(std::size_t slot, unsigned status, std::string_view body) = 0;
  /// The connection ended before the answer came: what was asked may have had its effect. It is opened again.
  virtual void lost(std::size_t slot) = 0;
};

/// Keep-alive connections to one server or to several, driven by one thread. It is made to leave the processor to the
/// server: epoll without a layer above it, one send and one receive for a request, buffers that are used again.
class Connections {
 public:
  Connections() = default;
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  struct Server {
    std::string host, port;
  };
  /// Opens `count` connections, to one server after the other; each goes on at the next one when its own is gone.
  /// False: `why` says what failed.
  bool open(std::vector<Server> servers, std::size_t count, std::string& why);
  std::size_t count() const { return slots_.size(); }

  /// Asks and answers until no connection has anything more to ask and all is answered; `on_pulse` is called about ten
  /// times a second. False: the server is gone, or silent for too long, or what it says is no HTTP; `why` says which,
  /// and what was in flight was reported as lost.
  bool run(Exchanges& exchanges, const std::function<void()>& on_pulse, std::string& why);

 private:
  struct Slot {
    int socket = -1;
    std::size_t server = 0;
    bool asked = false;  ///< And not answered.
    std::string request;
    std::size_t sent = 0;
    bool awaits_room = false;  ///< The kernel took a part of the request.
    AnswerReader answer;
  };

  bool connect(Slot& slot, std::string& why);
  bool connect(Slot& slot, const Server& server, std::string& why);
  void disconnect(Slot& slot);
  bool reopen(std::size_t at, Exchanges& exchanges, std::string& why);
  bool ask(std::size_t at, Exchanges& exchanges, std::string& why);
  bool send(std::size_t at, Exchanges& exchanges, std::string& why);
  bool receive(std::size_t at, Exchanges& exchanges, std::string& why);
  bool watch(std::size_t at, bool room);
  void give_up(Exchanges& exchanges);

  int epoll_ = -1;
  std::vector<Server> servers_;
  std::vector<Slot> slots_;
  std::size_t in_flight_ = 0;
};

}  // namespace kontor::cmd

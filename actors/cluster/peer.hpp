#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "actors/cluster/limits.hpp"
#include "actors/cluster/options.hpp"
#include "actors/cluster/wire.hpp"

namespace kontor::actors {

/// What a peer said to a question.
struct Reply {
  wire::Kind kind = wire::Kind::answer;
  std::string_view body;
};
/// Why no reply will come any more. `asked`: the question may have reached it, and been acted on.
struct NoReply {
  bool asked = false;
};
/// Where an answer goes: over the connection by which the question came, or nowhere. When that is gone, whoever asked
/// has been told so; a peer that was started again meanwhile gives the same tickets to other questions.
struct AskedBy {
  std::uint64_t connection = 0, ticket = 0;
};
/// Takes a reply, and says whether it was the last one; or nullptr and why there is none. Any thread, one at a time.
using OnReply = std::function<bool(const Reply* reply, NoReply why)>;

/// What a member says to a question about shards or members; without an answer that can be read, shard_unreachable.
Error verdict_in(const Reply* reply);
/// Tells `then` what it says; outcome_unknown when the question may have reached it and no answer came.
OnReply verdict_to(std::function<void(const Error&)> then);

/// One other node, as the rest of this node's actors see it: where messages for it are put, and questions to it wait.
/// Any thread. Its link (link.hpp) moves what is put here.
class Peer {
 public:
  explicit Peer(Member member) : member_(std::move(member)) {}
  const Member& member() const { return member_; }

  /// Wakes the link's actor; called under a lock, so it must only send. Empty: nobody is there to wake.
  void on_work(std::function<void()> wake);

  /// A message that its sender sends again when it matters. False: there is no link, or too much waits; it is dropped.
  bool put(ShardId to, wire::Kind kind, std::string_view body);
  /// Likewise, one that nobody sends again: when too much waits the link ends, and all is said anew over the next.
  void tell(ShardId to, wire::Kind kind, std::string_view body);
  /// A question. `on_reply` is called here already when it cannot be put.
  void ask(ShardId to, wire::Kind kind, std::string_view body, OnReply on_reply);
  /// Of a question of the peer's that its link is handing over.
  AskedBy asked_by(std::uint64_t ticket) const;
  /// What this node says to it. When too much waits the link ends: whoever asked must not wait for ever. An answer to a
  /// read that no link takes is told to be too large: asked again, it would end the next link too.
  void answer(const AskedBy& asked, wire::Kind kind, std::string_view body);
  /// Likewise, to one about shards or members.
  void answer(const AskedBy& asked, const Error& verdict);
  /// A reply came.
  void reply(std::uint64_t ticket, const Reply& reply);

  // For the link.
  void open();
  /// What waits is dropped, what was asked fails.
  void close();
  /// The next frame, or an empty one.
  std::string take();
  bool connected() const;
  /// What must not be lost did not fit.
  bool overflowed() const;

  struct Figures {
    std::atomic<std::uint64_t> connections{0}, messages_sent{0}, frames_sent{0}, bytes_sent{0}, frames_heard{0},
        bytes_heard{0};
    std::atomic<std::uint64_t> refused{0}, dropped{0};
    std::atomic<std::int64_t> round_trip_us{0}, round_trip_deviation_us{0},
        heard_at_ns{0};  ///< heard_at: steady clock.
    std::atomic<double> phi{0};
  };
  Figures figures;
  PeerStatus status() const;

 private:
  bool enqueue(const wire::Envelope& envelope);
  void enqueue_or_overflow(const wire::Envelope& envelope);
  void wake();

  const Member member_;
  std::function<void()> wake_;
  mutable std::mutex mutex_;
  bool open_ = false;
  bool overflowed_ = false;
  std::uint64_t connection_ = 0;   ///< Counts up.
  bool awake_ = false;             ///< The link was woken and has not looked since.
  std::vector<std::string> full_;  ///< Frames, oldest first; `take` begins at `taken_`.
  std::size_t taken_ = 0;
  persistence::ByteWriter gathering_{0};
  std::size_t bytes_ = 0;
  std::uint64_t last_ticket_ = 0;
  std::map<std::uint64_t, std::shared_ptr<OnReply>> questions_;
};

}  // namespace kontor::actors

#include "actors/cluster/peer.hpp"

#include "actors/cluster/wire_reads.hpp"

namespace kontor::actors {

Error verdict_in(const Reply* reply) {
  if (!reply || reply->kind != wire::Kind::verdict) return {Errc::shard_unreachable, "node"};
  persistence::ByteReader in(reply->body);
  const Error error = wire::read_error(in);
  return in.done() ? error : Error{Errc::shard_unreachable, "node"};
}

OnReply verdict_to(std::function<void(const Error&)> then) {
  return [then = std::move(then)](const Reply* reply, NoReply why) {
    then(!reply && why.asked ? Error{Errc::outcome_unknown, "link lost"} : verdict_in(reply));
    return true;
  };
}

/// With the mutex held.
bool Peer::enqueue(const wire::Envelope& envelope) {
  if (!open_ || bytes_ + envelope.body.size() > kOutboxBytesMax) {
    ++figures.dropped;
    return false;
  }
  const std::size_t before = gathering_.size();
  wire::write(gathering_, envelope);
  bytes_ += gathering_.size() - before;
  ++figures.messages_sent;
  if (gathering_.size() >= kFrameBytes) full_.push_back(gathering_.take());
  return true;
}

void Peer::wake() {
  if (!std::exchange(awake_, true) && wake_) wake_();
}

void Peer::on_work(std::function<void()> wake) {
  const std::lock_guard guard(mutex_);
  wake_ = std::move(wake);
}

bool Peer::put(ShardId to, wire::Kind kind, std::string_view body) {
  const std::lock_guard guard(mutex_);
  if (!enqueue({to, kind, 0, body})) return false;
  wake();
  return true;
}

/// With the mutex held: what nobody sends again.
void Peer::enqueue_or_overflow(const wire::Envelope& envelope) {
  if (enqueue(envelope))
    wake();
  else
    overflowed_ = open_;
}

void Peer::tell(ShardId to, wire::Kind kind, std::string_view body) {
  const std::lock_guard guard(mutex_);
  enqueue_or_overflow({to, kind, 0, body});
}

void Peer::ask(ShardId to, wire::Kind kind, std::string_view body, OnReply on_reply) {
  const auto question = std::make_shared<OnReply>(std::move(on_reply));
  bool asked = false;
  {
    const std::lock_guard guard(mutex_);
    asked = questions_.size() < kQuestionsMax && enqueue({to, kind, last_ticket_ + 1, body});
    if (asked) {
      questions_.emplace(++last_ticket_, question);
      wake();
    }
  }
  if (!asked) (*question)(nullptr, {false});
}

AskedBy Peer::asked_by(std::uint64_t ticket) const {
  const std::lock_guard guard(mutex_);
  return {connection_, ticket};
}

void Peer::answer(const AskedBy& asked, wire::Kind kind, std::string_view body) {
  persistence::ByteWriter instead(0);
  if (kind == wire::Kind::answer && body.size() > kEnvelopeBytesMax) {  // Whatever else is answered has its own bounds.
    wire::write_refusal(instead, {Errc::too_large, "answer of another node"});
    body = instead.view();
  }
  const std::lock_guard guard(mutex_);
  if (asked.connection == connection_) enqueue_or_overflow({0, kind, asked.ticket, body});
}

void Peer::answer(const AskedBy& asked, const Error& verdict) {
  persistence::ByteWriter out;
  wire::write_error(out, verdict);
  answer(asked, wire::Kind::verdict, out.view());
}

void Peer::reply(std::uint64_t ticket, const Reply& reply) {
  std::shared_ptr<OnReply> question;
  {
    const std::lock_guard guard(mutex_);
    const auto it = questions_.find(ticket);
    if (it == questions_.end()) return;  // Failed already.
    question = it->second;
  }
  if (!(*question)(&reply, {})) return;
  const std::lock_guard guard(mutex_);
  questions_.erase(ticket);
}

void Peer::open() {
  const std::lock_guard guard(mutex_);
  open_ = true;
  overflowed_ = false;
  ++connection_;
  ++figures.connections;
}

void Peer::close() {
  std::map<std::uint64_t, std::shared_ptr<OnReply>> failed;
  {
    const std::lock_guard guard(mutex_);
    open_ = awake_ = false;
    full_.clear(), gathering_.clear();
    taken_ = bytes_ = 0;
    failed = std::exchange(questions_, {});
  }
  for (const auto& [unused, question] : failed) (*question)(nullptr, {true});
}

std::string Peer::take() {
  const std::lock_guard guard(mutex_);
  std::string frame;
  if (taken_ < full_.size()) {
    frame = std::move(full_[taken_++]);
    if (taken_ == full_.size()) full_.clear(), taken_ = 0;
  } else {
    awake_ = false;
    frame = gathering_.take();
  }
  bytes_ -= frame.size();
  return frame;
}

bool Peer::connected() const {
  const std::lock_guard guard(mutex_);
  return open_;
}

bool Peer::overflowed() const {
  const std::lock_guard guard(mutex_);
  return open_ && overflowed_;
}

PeerStatus Peer::status() const {
  PeerStatus out;
  out.node = member_.node;
  {
    const std::lock_guard guard(mutex_);
    out.connected = open_, out.questions_open = questions_.size(), out.bytes_waiting = bytes_;
  }
  out.round_trip = std::chrono::microseconds(figures.round_trip_us);
  out.round_trip_deviation = std::chrono::microseconds(figures.round_trip_deviation_us);
  if (out.connected) out.suspicion = figures.phi;
  if (out.connected)
    out.silent_for = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now().time_since_epoch() - std::chrono::nanoseconds(figures.heard_at_ns));
  out.connections = figures.connections, out.messages_sent = figures.messages_sent;
  out.frames_sent = figures.frames_sent, out.bytes_sent = figures.bytes_sent;
  out.frames_heard = figures.frames_heard, out.bytes_heard = figures.bytes_heard;
  out.refused = figures.refused, out.dropped = figures.dropped;
  return out;
}

}  // namespace kontor::actors

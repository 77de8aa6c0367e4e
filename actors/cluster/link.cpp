#include "actors/cluster/link.hpp"

#include <cmath>
#include <deque>
#include <random>

#include "actors/cluster/round_trip.hpp"
#include "actors/cluster/suspicion.hpp"
#include "domain/placement.hpp"

namespace kontor::actors {
namespace {

using Clock = std::chrono::steady_clock;

Suspicion::Time time_of(Clock::time_point at) {
  return std::chrono::duration_cast<Suspicion::Time>(at.time_since_epoch());
}

class LinkState {
 public:
  LinkState() = default;
  using Self = LinkActor::stateful_pointer<LinkState>;

  void start(Self self, LinkSetup setup);
  void on_greeting(const Greeting& greeting);
  void on_frame(const Frame& frame);
  void on_heard(const Heard& heard);
  void on_work() { move(); }
  void on_tick();
  void on_dialled(const std::string& ticket);
  void on_end(std::promise<void>& done);

 private:
  enum class Stage : std::uint8_t { down, dialling, greeting, up };
  struct Sent {
    std::uint64_t sequence = 0;
    std::size_t bytes = 0;
    Clock::time_point at;
  };

  bool dials() const { return setup_.own < setup_.from; }
  void publish();
  void dial();
  void connected(const caf::strong_actor_ptr& other);
  void greet();
  void up();
  void down(const std::string& why, bool cut = true);
  void move();
  void send_frame(std::string envelopes);
  void note_heard();
  std::string why_gone(Clock::time_point now);
  void tell(const std::string& what) const {
    if (setup_.on_event) setup_.on_event(setup_.peer->member().node + ": " + what);
  }

  Self self_ = nullptr;
  LinkSetup setup_;
  std::optional<Reception> reception_;
  std::mt19937_64 random_;
  bool ending_ = false;

  Stage stage_ = Stage::down;
  LinkActor other_;
  std::uint64_t session_ = 0;
  std::uint64_t peer_incarnation_ = 0;
  std::uint64_t sent_ = 0, taken_ = 0;  // Sequences, from 1.
  std::deque<Sent> in_flight_;
  std::size_t in_flight_bytes_ = 0;
  RoundTrip round_trip_;
  Suspicion suspicion_;
  Clock::duration asleep_{0};  // Of the present silence: while this node itself stood still, and could hear nobody.
  Clock::time_point awake_since_{};  ///< The end of the last standstill of this node.
  Clock::time_point ticked_at_;
  Clock::time_point since_, heard_at_, sent_at_;
  Clock::time_point dial_again_at_;
  std::chrono::milliseconds patience_ = kRedialMin;
};

static_assert(!std::is_aggregate_v<LinkState>);

void LinkState::start(Self self, LinkSetup setup) {
  self_ = self;
  setup_ = std::move(setup);
  reception_.emplace(*setup_.fabric, *setup_.peer, *setup_.moves, *setup_.roster, setup_.from);
  random_.seed(setup_.incarnation ^ setup_.from);
  // CAF 0.17 ends an actor for an error that comes back to it; what went wrong shows as a silent peer.
  self->set_error_handler([](caf::error&) {});
  self->set_down_handler([this](const caf::down_msg& message) {
    if (other_ && other_.address() == message.source) down("connection lost", false);
  });
  if (!dials()) publish();
  self->send(self, LinkTick{});
}

/// The dialler connects to the number of its place, which no port of the machine has to do with.
void LinkState::publish() {
  const auto number = static_cast<std::uint16_t>(setup_.from + 1);
  self_
      ->request(setup_.middleman, caf::infinite, caf::publish_atom::value, number,
                caf::actor_cast<caf::strong_actor_ptr>(self_), self_->system().message_types(LinkActor{}),
                std::string(), false)
      .then([](std::uint16_t) {}, [this](const caf::error&) { tell("cannot be received"); });
}

void LinkState::dial() {
  stage_ = Stage::dialling;
  since_ = Clock::now();
  setup_.gate->dial(setup_.peer->member(), [exchange = setup_.exchange, to = LinkActor(self_)](SessionPtr session) {
    caf::anon_send(to, LinkDialled{session ? exchange->leave(std::move(session)) : std::string()});
  });
}

void LinkState::on_dialled(const std::string& ticket) {
  if (stage_ != Stage::dialling || ending_) return (void)setup_.exchange->collect(ticket);  // Closes what nobody wants.
  if (ticket.empty()) return down({});
  self_->request(setup_.middleman, kGreetingMax, caf::connect_atom::value, ticket, std::uint16_t{1})
      .then(
          [this](const caf::node_id&, const caf::strong_actor_ptr& other, const std::set<std::string>&) {
            if (stage_ != Stage::dialling) return;
            if (!other) return down("it takes no links");
            connected(other);
            session_ = random_();
            greet();
          },
          [this](const caf::error&) {
            if (stage_ == Stage::dialling) down("no answer");
          });
}

void LinkState::connected(const caf::strong_actor_ptr& other) {
  other_ = caf::actor_cast<LinkActor>(other);
  self_->monitor(other_);
  stage_ = Stage::greeting;
  since_ = heard_at_ = Clock::now();
}

void LinkState::greet() { self_->send(other_, Greeting{setup_.cluster(), setup_.node, setup_.incarnation, session_}); }

void LinkState::on_greeting(const Greeting& greeting) {
  const caf::strong_actor_ptr sender = self_->current_sender();
  if (!sender || ending_) return;
  if (greeting.node != setup_.peer->member().node) return;  // One node may not speak for another.
  const bool answer = !dials();
  if (answer) {
    if (stage_ != Stage::down) down("dialled anew", false);
    connected(sender);
    session_ = greeting.session;
  } else if (stage_ != Stage::greeting || greeting.session != session_) {
    return;
  }
  const std::string cluster = setup_.cluster();
  if (!greeting.cluster.starts_with(cluster + " ") && !cluster.starts_with(greeting.cluster + " ") &&
      greeting.cluster != cluster) {
    tell("was configured for another cluster: " + greeting.cluster + ", here " + cluster);
    greet();  // So that it can say so as well.
    return down({});
  }
  peer_incarnation_ = greeting.incarnation;
  if (answer) greet();
  up();
}

void LinkState::up() {
  stage_ = Stage::up;
  patience_ = kRedialMin;
  sent_ = taken_ = 0;
  in_flight_.clear();
  in_flight_bytes_ = 0;
  note_heard();
  sent_at_ = ticked_at_ = heard_at_;
  round_trip_ = {};
  suspicion_.begin(time_of(heard_at_));
  // What it listed while we did not hear it is unknown: prices are asked for again.
  setup_.fabric->catalog.forget(
      [this](const Sku& sku) { return setup_.moves->has(setup_.from, home_of(sku, setup_.fabric->size())); });
  setup_.peer->open();
  setup_.roster->linked(setup_.from);  // First: what else is said may be about who was added.
  setup_.moves->linked(setup_.from);
  tell("connected");
}

/// Whatever the stage: back to the beginning. `why`: worth telling. `cut`: the connection may still be there.
void LinkState::down(const std::string& why, bool cut) {
  const bool was_up = stage_ == Stage::up;
  stage_ = Stage::down;
  if (other_) self_->demonitor(other_.address());
  other_ = nullptr;
  if (cut) setup_.exchange->live.cut(setup_.peer->member().node);
  setup_.peer->close();
  if (was_up) tell("disconnected: " + why);
  const auto wait = patience_ + std::chrono::milliseconds(random_() % static_cast<std::uint64_t>(patience_.count()));
  dial_again_at_ = Clock::now() + wait;
  patience_ = std::min(patience_ * 2, std::chrono::milliseconds(kRedialMax));
}

void LinkState::note_heard() {
  heard_at_ = Clock::now();
  asleep_ = {};
  suspicion_.heard(time_of(heard_at_));
  setup_.peer->figures.heard_at_ns = heard_at_.time_since_epoch().count();
}

/// Why the peer is taken for gone; empty: it is not. What may have come while this node stood still lies behind the
/// tick in the mailbox: that is no silence of the peer's.
std::string LinkState::why_gone(Clock::time_point now) {
  if (const auto late = now - ticked_at_ - 2 * kLinkTickEvery; late.count() > 0) asleep_ += late, awake_since_ = now;
  ticked_at_ = now;
  const auto silence = now - heard_at_ - asleep_;
  const double phi = suspicion_.phi(time_of(heard_at_ + silence));
  setup_.peer->figures.phi = phi;
  const bool unlike_it = silence >= kSilenceMin && phi >= kPhiGone;
  if (!unlike_it && now - heard_at_ <= kSilenceMax) return {};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - heard_at_).count();
  return "silent for " + std::to_string(ms) + " ms";
}

void LinkState::on_frame(const Frame& frame) {
  if (stage_ != Stage::up || frame.session != session_) return;
  if (frame.sequence != taken_ + 1) return down("frames are missing");
  note_heard();
  ++setup_.peer->figures.frames_heard;
  setup_.peer->figures.bytes_heard += frame.envelopes.size();
  taken_ = frame.sequence;
  reception_->take(frame.envelopes);
  self_->send(other_, Heard{session_, taken_});
}

void LinkState::on_heard(const Heard& heard) {
  if (stage_ != Stage::up || heard.session != session_) return;
  note_heard();
  if (heard_at_ - ticked_at_ > 2 * kLinkTickEvery) awake_since_ = heard_at_;
  while (!in_flight_.empty() && in_flight_.front().sequence <= heard.sequence) {
    const Sent sent = in_flight_.front();
    in_flight_.pop_front();
    in_flight_bytes_ -= sent.bytes;
    if (sent.at < awake_since_) continue;  // Some of its time this node stood still: that says nothing of the road.
    const auto sample = std::chrono::duration_cast<std::chrono::microseconds>(heard_at_ - sent.at).count();
    round_trip_.add(static_cast<double>(sample));
  }
  auto& figures = setup_.peer->figures;
  figures.round_trip_us = std::lround(round_trip_.estimate_us());
  figures.round_trip_deviation_us = std::lround(round_trip_.deviation_us());
  move();
}

/// As much of the outbox as may be in flight.
void LinkState::move() {
  while (stage_ == Stage::up && in_flight_bytes_ < kInFlightBytesMax) {
    std::string envelopes = setup_.peer->take();
    if (envelopes.empty()) return;
    send_frame(std::move(envelopes));
  }
}

void LinkState::send_frame(std::string envelopes) {
  sent_at_ = Clock::now();
  in_flight_.push_back({++sent_, envelopes.size(), sent_at_});
  in_flight_bytes_ += envelopes.size();
  ++setup_.peer->figures.frames_sent;
  setup_.peer->figures.bytes_sent += envelopes.size();
  self_->send(other_, Frame{session_, sent_, std::move(envelopes)});
}

void LinkState::on_tick() {
  if (ending_) return;
  const auto now = Clock::now();
  if (stage_ == Stage::up) {
    if (const std::string why = why_gone(now); !why.empty())
      down(why);
    else if (setup_.peer->overflowed())
      down("too much waits to be sent");
    else if (in_flight_.empty() && now - sent_at_ >= kLinkTickEvery)
      send_frame({});
  } else if (stage_ != Stage::down) {
    if (now - since_ > kDialMax + kHandshakeMax + kGreetingMax) down({});
  } else if (dials() && now >= dial_again_at_) {
    dial();
  }
  self_->delayed_send(self_, kLinkTickEvery, LinkTick{});
}

void LinkState::on_end(std::promise<void>& done) {
  ending_ = true;
  if (stage_ != Stage::down) down("shutting down");
  setup_.peer->close();
  setup_.middleman = nullptr;
  self_->quit();
  done.set_value();
}

LinkActor::behavior_type link(LinkState::Self self, LinkSetup setup) {
  LinkState* state = &self->state;
  state->start(self, std::move(setup));
  return {
      [=](const Greeting& greeting) { state->on_greeting(greeting); },
      [=](const Frame& frame) { state->on_frame(frame); },
      [=](const Heard& heard) { state->on_heard(heard); },
      [=](LinkWork) { state->on_work(); },
      [=](LinkTick) { state->on_tick(); },
      [=](const LinkDialled& dialled) { state->on_dialled(dialled.ticket); },
      [=](const LinkEnd& message) { state->on_end(*message.done); },
  };
}

}  // namespace

LinkActor spawn_link(caf::actor_system& system, LinkSetup setup) { return system.spawn(link, std::move(setup)); }

void announce_link_messages(caf::actor_system_config& config) {
  config.add_message_type<Greeting>("kontor.greeting/1");
  config.add_message_type<Frame>("kontor.frame/1");
  config.add_message_type<Heard>("kontor.heard/1");
}

}  // namespace kontor::actors

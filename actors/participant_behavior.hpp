#pragma once
#include "actors/fabric.hpp"

namespace kontor::actors {

/// The state of a participant actor. Never an aggregate: CAF 0.17 under C++20 would initialise its first member from
/// the actor itself.
template <class Participant>
struct ParticipantState {
  ParticipantState() = default;
  Site site;
  std::unique_ptr<Participant> participant;
};

/// The handlers that all three share, as free functions over the actor.
template <class Self>
void on_prepare(Self* self, const Prepare& message) {
  auto& state = self->state;
  self->send(state.site.self().coordinator, state.participant->prepare(message.batch));
}

template <class Self>
void on_capture(Self* self) {
  self->state.participant->capture();
  self->send(self, Slice{});
}

/// One slice, then whatever came meanwhile: a checkpoint never holds up the pipeline.
template <class Self>
void on_slice(Self* self, commit::Role role) {
  switch (self->state.participant->slice()) {
    case Left::some: return self->send(self, Slice{});
    case Left::none: return self->send(self->state.site.self().coordinator, Captured{role});
    case Left::when_durable: break;
  }
  self->state.site.journal->after_durable(
      [self = caf::actor_cast<typename Self::actor_hdl>(self)] { caf::anon_send(self, Slice{}); });
}

/// Answers a read when what it saw is durable.
template <class Value>
void answer_durably(const Site& site, OnRead<Value> answer, Result<Value> value) {
  site.journal->after_durable([answer = std::move(answer), value = std::move(value)] { answer(value); });
}

}  // namespace kontor::actors

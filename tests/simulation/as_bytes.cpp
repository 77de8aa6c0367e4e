#include "tests/simulation/as_bytes.hpp"

#include "actors/cluster/wire.hpp"
#include "tests/simulation/wire.hpp"

namespace kontor::sim {
namespace {

namespace wire = actors::wire;
using persistence::ByteReader;
using persistence::ByteWriter;

/// As outcomes go back to the node that asked.
OnOutcomes answer_as_bytes(const actors::SubmissionPtr& asked) {
  return [asked](std::span<const Outcome> outcomes) {
    ByteWriter out;
    wire::write_outcomes(out, outcomes);
    ByteReader in(out.view());
    auto told = wire::read_outcomes(in);
    for (Outcome& outcome : told) outcome.index = asked->indexes[outcome.index];
    asked->on_outcomes(told);
  };
}

struct AsBytes {
  ShardId to;
  std::uint16_t shards;
  std::optional<caf::message>& out;

  template <class Write, class Read>
  void pass(wire::Kind kind, const Write& write, const Read& read) const {
    ByteWriter body, frame;
    write(body);
    wire::write(frame, {to, kind, 1, body.view()});
    ByteReader frame_in(frame.view());
    const wire::Envelope envelope = wire::read_envelope(frame_in);
    if (!frame_in.done() || envelope.to != to || envelope.kind != kind) return;
    ByteReader in(envelope.body);
    auto message = read(in);
    if (in.ok()) out = caf::make_message(std::move(message));
  }

  void operator()(const actors::Prepare& m) const {
    pass(
        wire::Kind::prepare, [&](ByteWriter& body) { wire::write_prepare(body, *m.batch, to); },
        [&](ByteReader& in) { return actors::Prepare{wire::read_prepare(in, to, shards)}; });
  }
  void operator()(const actors::SiteVotes& m) const {
    pass(
        wire::Kind::site_votes, [&](ByteWriter& body) { wire::write_site_votes(body, m); }, wire::read_site_votes);
  }
  void operator()(const actors::Decisions& m) const {
    pass(
        wire::Kind::decisions, [&](ByteWriter& body) { wire::write_decisions(body, m); }, wire::read_decisions);
  }
  template <class Message>
  void pass_list(wire::Kind kind, const Message& m) const {
    pass(
        kind, [&](ByteWriter& body) { wire::write_transactions(body, m.site, *m.transactions); },
        [](ByteReader& in) {
          auto [site, transactions] = wire::read_transactions(in);
          return Message{site, std::move(transactions)};
        });
  }
  void operator()(const actors::Acknowledge& m) const { pass_list(wire::Kind::acknowledge, m); }
  void operator()(const actors::Inquire& m) const { pass_list(wire::Kind::inquire, m); }
  void operator()(const actors::Notices& m) const {
    pass(
        wire::Kind::notices, [&](ByteWriter& body) { wire::write_notices(body, m); }, wire::read_notices);
  }
  void operator()(const actors::Submit& m) const {
    const auto write = [&](ByteWriter& body) { wire::write_submission(body, *m.submission, 0); };
    const auto read = [&](ByteReader& in) {
      auto submission = wire::read_submission(in, shards, 0);
      submission->on_outcomes = answer_as_bytes(m.submission);
      submission->bytes = m.submission->bytes;
      return actors::Submit{std::move(submission)};
    };
    pass(wire::Kind::submit, write, read);
  }
};

}  // namespace

std::optional<caf::message> as_bytes(const caf::message& message, ShardId to, std::uint16_t shards) {
  std::optional<caf::message> out;
  visit(message, AsBytes{to, shards, out});
  return out;
}

}  // namespace kontor::sim

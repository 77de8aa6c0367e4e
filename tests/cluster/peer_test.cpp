// Questions and answers of two nodes, and what becomes of them when the link between goes.
#include "actors/cluster/peer.hpp"

#include "actors/cluster/wire_reads.hpp"
#include "tests/support/catch.hpp"

namespace kontor::actors {
namespace {

std::string told(Peer& peer) {
  std::string all;
  for (std::string frame = peer.take(); !frame.empty(); frame = peer.take()) all += frame;
  return all;
}

}  // namespace

TEST_CASE("peer: an answer goes over the connection by which the question came, or nowhere", "[cluster]") {
  Peer peer(Member{"n1", "127.0.0.1", 1});
  peer.open();
  const AskedBy first = peer.asked_by(7);
  peer.answer(first, wire::Kind::outcomes, "of the first");
  CHECK(told(peer).find("of the first") != std::string::npos);
  peer.close();
  peer.answer(first, wire::Kind::outcomes, "of the first");
  CHECK(told(peer).empty());

  // Started again it counts its questions from the beginning: the same ticket is another one's.
  peer.open();
  peer.answer(first, wire::Kind::outcomes, "of the first");
  peer.answer(first, Error{});
  CHECK(told(peer).empty());
  peer.answer(peer.asked_by(7), wire::Kind::outcomes, "of the second");
  CHECK(told(peer).find("of the second") != std::string::npos);
}

TEST_CASE("peer: a link over which an answer cannot be sent ends", "[cluster]") {
  Peer peer(Member{"n1", "127.0.0.1", 1});
  peer.open();
  while (peer.put(0, wire::Kind::decisions, std::string(1 << 20, 'x'))) {
  }
  CHECK_FALSE(peer.overflowed());  // What is sent again may be dropped.
  const auto big = [&] { return std::string(1 << 20, 'x'); };
  SECTION("to a question") { peer.answer(peer.asked_by(1), wire::Kind::outcomes, big()); }
  SECTION("that is said once") { peer.tell(0, wire::Kind::places, big()); }
  CHECK(peer.overflowed());
  peer.close();
  CHECK_FALSE(peer.overflowed());
  peer.tell(0, wire::Kind::places, "to nobody");
  peer.open();
  CHECK_FALSE(peer.overflowed());
}

TEST_CASE("peer: an answer that no link takes is told to be too large", "[cluster]") {
  Peer peer(Member{"n1", "127.0.0.1", 1});
  peer.open();
  peer.answer(peer.asked_by(7), wire::Kind::answer, std::string(kEnvelopeBytesMax + 1, 'x'));
  CHECK_FALSE(peer.overflowed());
  const std::string bytes = told(peer);
  persistence::ByteReader in(bytes);
  const wire::Envelope envelope = wire::read_envelope(in);
  REQUIRE(in.done());
  CHECK((envelope.kind == wire::Kind::answer && envelope.ticket == 7));
  persistence::ByteReader body(envelope.body);
  CHECK(wire::read_answer<EventPage>(body).code() == Errc::too_large);
}

TEST_CASE("peer: when the link goes, what was asked fails, and what comes later is nobody's", "[cluster]") {
  Peer peer(Member{"n1", "127.0.0.1", 1});
  std::vector<std::string> replies;
  const auto ask = [&] {
    peer.ask(0, wire::Kind::submit, "?", [&](const Reply* reply, NoReply why) {
      replies.push_back(reply ? std::string(reply->body) : why.asked ? "lost" : "not asked");
      return true;
    });
  };
  ask();
  peer.open();
  ask();
  peer.close();
  peer.open();
  ask();
  peer.reply(1, {wire::Kind::outcomes, "late"});
  peer.reply(2, {wire::Kind::outcomes, "answer"});
  peer.reply(2, {wire::Kind::outcomes, "repeated"});
  CHECK(replies == std::vector<std::string>{"not asked", "lost", "answer"});
}

}  // namespace kontor::actors

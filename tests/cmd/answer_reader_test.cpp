// The load client's reader of answers: whole, in pieces, and what it must not take for one.
#include "cmd/kontor/load/http/answer_reader.hpp"

#include <cstring>

#include "tests/support/catch.hpp"

using namespace kontor::cmd;
using State = AnswerReader::State;

namespace {

State feed(AnswerReader& reader, std::string_view bytes) {
  std::memcpy(reader.room(bytes.size()), bytes.data(), bytes.size());
  return reader.received(bytes.size());
}

State feed_each_byte(AnswerReader& reader, std::string_view bytes) {
  State state = State::more;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    REQUIRE(state == State::more);
    state = feed(reader, bytes.substr(i, 1));
  }
  return state;
}

constexpr std::string_view kPlain = "HTTP/1.1 201 Created\r\nContent-Type: x\r\ncontent-LENGTH: 5\r\n\r\nhello";
constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\nA\r\n, my "
    "world\r\n0\r\n\r\n";

}  // namespace

TEST_CASE("answer reader: an answer is read whole and byte by byte, one after the other", "[cmd][load]") {
  AnswerReader reader;
  for (int round = 0; round < 2; ++round) {
    reader.begin();
    CHECK((round == 0 ? feed(reader, kPlain) : feed_each_byte(reader, kPlain)) == State::whole);
    CHECK(reader.status() == 201);
    CHECK(reader.body() == "hello");
    CHECK(reader.stays_open());
    reader.begin();
    CHECK((round == 0 ? feed(reader, kChunked) : feed_each_byte(reader, kChunked)) == State::whole);
    CHECK(reader.status() == 200);
    CHECK(reader.body() == "hello, my world");
    CHECK_FALSE(reader.stays_open());
  }
}

TEST_CASE("answer reader: what is no answer is broken", "[cmd][load]") {
  for (const std::string_view bytes : {
           "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 200 OK\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore",
       }) {
    CAPTURE(bytes);
    AnswerReader reader;
    CHECK(feed(reader, bytes) == State::broken);
  }
}

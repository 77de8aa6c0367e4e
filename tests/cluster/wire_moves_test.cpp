// What members say to each other about where shards are, as bytes.
#include "actors/cluster/wire_moves.hpp"

#include "actors/cluster/limits.hpp"
#include "tests/support/catch.hpp"

namespace kontor::actors::wire {
namespace {

using persistence::ByteReader;
using persistence::ByteWriter;

/// All prefixes of what was written, and one byte more, are refused; the whole is read.
template <class Message>
Message there_and_back(const Message& message) {
  ByteWriter out;
  write(out, message);
  const std::string bytes(out.view());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ByteReader in(std::string_view(bytes).substr(0, size));
    Message read_back;
    read(in, read_back);
    CAPTURE(size);
    CHECK_FALSE(in.ok());
  }
  const std::string longer = bytes + '\0';
  ByteReader more(longer);
  Message ignored;
  read(more, ignored);
  CHECK_FALSE(more.ok());
  ByteReader in(out.view());
  Message read_back;
  read(in, read_back);
  CHECK(in.ok());
  return read_back;
}

}  // namespace

TEST_CASE("wire: messages of a move", "[cluster][wire]") {
  CHECK(there_and_back(MoveOrder{5}).to == 5);
  const Offer offer = there_and_back(Offer{7, 0xfedcba9876543210u, 1u << 30});
  CHECK((offer.epoch == 7 && offer.attempt == 0xfedcba9876543210u && offer.bytes == 1u << 30));
  const Seal seal = there_and_back(Seal{7, 1, 300, {2, 3}});
  CHECK(
      (seal.epoch == 7 && seal.attempt == 1 && seal.bytes == 300 && seal.digest == std::array<std::uint64_t, 2>{2, 3}));
  const Whose whose = there_and_back(Whose{9, 4});
  CHECK((whose.epoch == 9 && whose.attempt == 4));

  ByteWriter out;
  write(out, Block{3, 17, "data"});
  ByteReader in(out.view());
  Block block;
  read(in, block);
  CHECK((in.ok() && block.attempt == 3 && block.number == 17 && block.data == "data"));
}

TEST_CASE("wire: what could do harm in a move is refused", "[cluster][wire]") {
  const auto refuses = [](const auto& message) {
    ByteWriter out;
    write(out, message);
    ByteReader in(out.view());
    auto read_back = message;
    read(in, read_back);
    return !in.ok();
  };
  CHECK(refuses(MoveOrder{kMembersMax}));
  CHECK(refuses(Offer{1, 1, kCopyFileBytesMax + 1}));
  CHECK(refuses(Seal{1, 1, kCopyFileBytesMax + 1, {}}));
  CHECK(refuses(Block{1, kCopyFileBytesMax / kCopyBlockBytes + 1, "x"}));
  const std::string large(kCopyBlockBytes + 1, 'x');
  CHECK(refuses(Block{1, 0, large}));
}

TEST_CASE("wire: places", "[cluster][wire]") {
  const std::vector<Place> places{{0, 1, 0}, {2, 5, 77}, {}};
  ByteWriter out;
  write_places(out, places);
  {
    ByteReader in(out.view());
    CHECK(read_places(in, 3, 3) == places);
    CHECK(in.ok());
  }
  for (const auto& [shards, members] : {std::pair{2, 3}, {4, 3}, {3, 2}}) {  // Of another cluster, or not a member.
    ByteReader in(out.view());
    (void)read_places(in, static_cast<std::uint16_t>(shards), static_cast<std::size_t>(members));
    CAPTURE(shards, members);
    CHECK_FALSE(in.ok());
  }
}

}  // namespace kontor::actors::wire

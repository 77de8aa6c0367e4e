#pragma once
#include "actors/cluster/wire.hpp"
#include "domain/handover.hpp"

/// What members say to each other about where shards are. Grammar (alphabet in persistence/bytes.hpp):
///
///   places  := n: varint, { member: varint, epoch: varint, attempt: u64 }[n]          (by shard)
///   move    := to: varint
///   offer   := epoch: varint, attempt: u64, bytes: varint                             (of the file, as it is now)
///   block   := attempt: u64, number: varint, data: sized                              (the last one may be shorter)
///   seal    := epoch: varint, attempt: u64, bytes: varint, digest: u64[2]
///   whose   := epoch: varint, attempt: u64
///   verdict := error                                                                  (none: yes)
namespace kontor::actors::wire {

struct MoveOrder {
  MemberId to = 0;
};
struct Offer {
  std::uint64_t epoch = 0, attempt = 0, bytes = 0;
};
struct Block {
  std::uint64_t attempt = 0, number = 0;
  std::string_view data;
};
struct Seal {
  std::uint64_t epoch = 0, attempt = 0, bytes = 0;
  std::array<std::uint64_t, 2> digest{};
};
struct Whose {
  std::uint64_t epoch = 0, attempt = 0;
};

void write_places(persistence::ByteWriter& out, const std::vector<Place>& places);
std::vector<Place> read_places(persistence::ByteReader& in, std::uint16_t shards, std::size_t members);

void write(persistence::ByteWriter& out, const MoveOrder& message);
void write(persistence::ByteWriter& out, const Offer& message);
void write(persistence::ByteWriter& out, const Block& message);
void write(persistence::ByteWriter& out, const Seal& message);
void write(persistence::ByteWriter& out, const Whose& message);

// Each fails the reader, and what it sets is not to be used, when bytes are left or wrong.
void read(persistence::ByteReader& in, MoveOrder& message);
void read(persistence::ByteReader& in, Offer& message);
void read(persistence::ByteReader& in, Block& message);
void read(persistence::ByteReader& in, Seal& message);
void read(persistence::ByteReader& in, Whose& message);

}  // namespace kontor::actors::wire

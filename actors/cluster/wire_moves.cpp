#include "actors/cluster/wire_moves.hpp"

#include "actors/cluster/limits.hpp"

namespace kontor::actors::wire {

using persistence::ByteReader;
using persistence::ByteWriter;

void write_places(ByteWriter& out, const std::vector<Place>& places) {
  out.varint(places.size());
  for (const Place& place : places) out.varint(place.member), out.varint(place.epoch), out.fixed(place.attempt);
}

std::vector<Place> read_places(ByteReader& in, std::uint16_t shards, std::size_t members) {
  std::vector<Place> out;
  if (in.varint() != shards) in.fail();
  for (ShardId shard = 0; in.ok() && shard < shards; ++shard) {
    Place& place = out.emplace_back();
    place.member = in.varint_as<MemberId>();
    place.epoch = in.varint();
    place.attempt = in.fixed<std::uint64_t>();
    if (place.member >= members && (place.member != kNobody || place.epoch != 0)) in.fail();
  }
  if (!in.done()) in.fail();
  return out;
}

void write(ByteWriter& out, const MoveOrder& message) { out.varint(message.to); }
void write(ByteWriter& out, const Offer& message) {
  out.varint(message.epoch), out.fixed(message.attempt), out.varint(message.bytes);
}
void write(ByteWriter& out, const Block& message) {
  out.fixed(message.attempt), out.varint(message.number), out.sized(message.data);
}
void write(ByteWriter& out, const Seal& message) {
  out.varint(message.epoch), out.fixed(message.attempt), out.varint(message.bytes);
  for (const std::uint64_t half : message.digest) out.fixed(half);
}
void write(ByteWriter& out, const Whose& message) { out.varint(message.epoch), out.fixed(message.attempt); }

void read(ByteReader& in, MoveOrder& message) {
  message.to = in.varint_as<MemberId>(kMembersMax - 1);
  if (!in.done()) in.fail();
}
void read(ByteReader& in, Offer& message) {
  message.epoch = in.varint(), message.attempt = in.fixed<std::uint64_t>();
  message.bytes = in.varint_as<std::uint64_t>(kCopyFileBytesMax);
  if (!in.done()) in.fail();
}
void read(ByteReader& in, Block& message) {
  message.attempt = in.fixed<std::uint64_t>();
  message.number = in.varint_as<std::uint64_t>(kCopyFileBytesMax / kCopyBlockBytes);
  message.data = in.sized();
  if (!in.done() || message.data.size() > kCopyBlockBytes) in.fail();
}
void read(ByteReader& in, Seal& message) {
  message.epoch = in.varint(), message.attempt = in.fixed<std::uint64_t>();
  message.bytes = in.varint_as<std::uint64_t>(kCopyFileBytesMax);
  for (std::uint64_t& half : message.digest) half = in.fixed<std::uint64_t>();
  if (!in.done()) in.fail();
}
void read(ByteReader& in, Whose& message) {
  message.epoch = in.varint(), message.attempt = in.fixed<std::uint64_t>();
  if (!in.done()) in.fail();
}

}  // namespace kontor::actors::wire

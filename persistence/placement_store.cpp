#include "persistence/placement_store.hpp"

#include "persistence/bytes.hpp"

namespace kontor::persistence {
namespace {

constexpr std::uint64_t kPlacementMapBytes = 64u << 20;  // Of address space: it holds some kilobytes.
constexpr std::string_view kHoldings = "holdings", kMembers = "members";
constexpr std::size_t kHoldingBytesMin = 11, kMemberBytesMin = 4;

}  // namespace

Result<std::unique_ptr<PlacementStore>> PlacementStore::open(const std::filesystem::path& dir,
                                                             std::string* explanation) {
  auto store = Store::open({dir / "placement", kPlacementMapBytes, false}, explanation);
  if (!store) return store.error();
  return std::unique_ptr<PlacementStore>(new PlacementStore(std::move(*store)));
}

Result<bool> PlacementStore::load(std::vector<Holding>& holdings) const {
  const Store::Reader reader(*store_);
  const auto record = reader.get(Table::meta, kHoldings);
  if (record.code() == Errc::not_found) return false;
  if (!record) return record.error();
  auto saved = read_holdings(record->payload);
  if (!saved) return saved.error();
  if (saved->size() != holdings.size()) return Error{Errc::incompatible_format, "shards"};
  holdings = std::move(*saved);
  return true;
}

bool PlacementStore::save(const std::vector<Holding>& holdings) {
  return save(kHoldings, RecordKind::meta_place, write_holdings(holdings));
}

Result<std::vector<Member>> PlacementStore::load_members() const {
  const Store::Reader reader(*store_);
  const auto record = reader.get(Table::meta, kMembers);
  if (record.code() == Errc::not_found) return std::vector<Member>();
  if (!record) return record.error();
  return read_members(record->payload);
}

bool PlacementStore::save_members(const std::vector<Member>& members) {
  return save(kMembers, RecordKind::meta_members, write_members(members));
}

bool PlacementStore::save(std::string_view key, RecordKind kind, std::string_view payload) {
  RecordHeader header;
  header.kind = kind;
  Store::Writer writer(*store_);
  return writer.put(Table::meta, key, header, payload) && writer.commit();
}

std::string write_holdings(const std::vector<Holding>& holdings) {
  ByteWriter out;
  const auto write = [&out](MemberId member, std::uint64_t epoch, std::uint64_t attempt) {
    out.varint(member), out.varint(epoch), out.fixed(attempt);
  };
  out.varint(holdings.size());
  for (const auto& [place, arrival] : holdings) {
    write(place.member, place.epoch, place.attempt);
    out.fixed(static_cast<std::uint8_t>(arrival ? 1 : 0));
    if (arrival) write(arrival->from, arrival->epoch, arrival->attempt);
  }
  return out.take();
}

Result<std::vector<Holding>> read_holdings(std::string_view payload) {
  ByteReader in(payload);
  std::vector<Holding> out(in.count(kHoldingBytesMin));
  for (auto& [place, arrival] : out) {
    place.member = in.varint_as<MemberId>(), place.epoch = in.varint(), place.attempt = in.fixed<std::uint64_t>();
    if (in.fixed<std::uint8_t>() == 0) continue;
    arrival.emplace();
    arrival->from = in.varint_as<MemberId>(), arrival->epoch = in.varint();
    arrival->attempt = in.fixed<std::uint64_t>();
  }
  if (!in.done()) return Error{Errc::corrupt_journal, "placement"};
  return out;
}

std::string write_members(const std::vector<Member>& members) {
  ByteWriter out;
  out.varint(members.size());
  for (const Member& member : members) out.sized(member.node), out.sized(member.host), out.fixed(member.port);
  return out.take();
}

Result<std::vector<Member>> read_members(std::string_view payload) {
  ByteReader in(payload);
  std::vector<Member> out(in.count(kMemberBytesMin));
  for (Member& member : out)
    member.node = in.sized(), member.host = in.sized(), member.port = in.fixed<std::uint16_t>();
  if (!in.done()) return Error{Errc::corrupt_journal, "members"};
  return out;
}

}  // namespace kontor::persistence

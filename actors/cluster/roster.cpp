#include "actors/cluster/roster.hpp"

#include <algorithm>

namespace kontor::actors {
namespace {

bool is_node_name(const std::string& name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= kNodeNameBytesMax && std::all_of(name.begin(), name.end(), good);
}

bool are_members(std::span<const Member> members) {
  if (members.size() > kMembersMax) return false;
  for (std::size_t i = 0; i < members.size(); ++i)
    if (!why_no_member(members[i], members.first(i)).empty()) return false;
  return true;
}

}  // namespace

std::string why_no_member(const Member& member, std::span<const Member> others) {
  if (!is_node_name(member.node))
    return "'" + member.node + "' is no name: a-z, 0-9 and '-', up to " + std::to_string(kNodeNameBytesMax);
  if (member.host.empty() || member.host.size() > kHostBytesMax || member.port == 0)
    return "member " + member.node + " has no address";
  const auto is_there = [&](const Member& other) { return other.node == member.node; };
  if (std::any_of(others.begin(), others.end(), is_there)) return "member " + member.node + " is there twice";
  return {};
}

Result<void> Roster::open(persistence::PlacementStore& store, std::string* explanation) {
  store_ = &store;
  const auto remembered = store.load_members();
  if (!remembered) {
    if (explanation) *explanation = "the node's memory of the cluster's members cannot be read";
    return remembered.error();
  }
  const std::vector<Member> configured = parts_.peers.members();
  const auto added = new_members(configured, *remembered);
  if (!added || !are_members(*remembered)) {
    if (explanation) *explanation = "the cluster's members are not those that are configured, in their order";
    return Error{Errc::invalid_argument, "members"};
  }
  for (std::size_t i = remembered->size() - *added; i < remembered->size(); ++i) parts_.peers.add((*remembered)[i]);
  return {};
}

void Roster::announce(MemberId to) {
  parts_.peers[to]->tell(0, wire::Kind::members, persistence::write_members(parts_.peers.members()));
}

/// With the mutex held. False: these are members of another cluster.
bool Roster::grow(const std::vector<Member>& members) {
  std::vector<Member> all = parts_.peers.members();
  const auto added = new_members(all, members);
  if (!added || !are_members(members)) return false;
  if (*added == 0) return true;
  all.insert(all.end(), members.end() - static_cast<std::ptrdiff_t>(*added), members.end());
  if (!store_->save_members(all)) parts_.fail("the node's memory of the cluster's members cannot be written");
  for (std::size_t member = all.size() - *added; member < all.size(); ++member) {
    parts_.peers.add(all[member]);
    parts_.tell("member " + all[member].node + " at " + all[member].host + ":" + std::to_string(all[member].port) +
                " was added");
  }
  parts_.added();
  // Before anything else can be said that is about them.
  for (std::size_t member = 0; member < all.size(); ++member)
    if (member != parts_.own) announce(static_cast<MemberId>(member));
  return true;
}

Error Roster::enlist(const Member& member) {
  const std::lock_guard guard(mutex_);
  std::vector<Member> all = parts_.peers.members();
  if (const auto known = parts_.peers.find(member.node))
    return all[*known] == member ? Error{} : Error{Errc::already_exists, "it has another address"};
  if (all.size() >= parts_.shards) return {Errc::invalid_argument, "there are no more shards than members"};
  if (!why_no_member(member, all).empty()) return {Errc::invalid_argument, "a name or an address that cannot be"};
  all.push_back(member);
  grow(all);
  return {};
}

void Roster::add(const Member& member, const std::function<void(const Error&)>& then) {
  if (parts_.own == kRegistrar) return then(enlist(member));
  parts_.peers[kRegistrar]->ask(0, wire::Kind::enlist, persistence::write_members({member}), verdict_to(then));
}

bool Roster::take_members(MemberId from, std::string_view body) {
  const auto members = persistence::read_members(body);
  if (!members) return false;
  const std::lock_guard guard(mutex_);
  if (grow(*members)) return true;
  parts_.tell(parts_.peers[from]->member().node + ": knows of other members than this node");
  return false;
}

bool Roster::take(MemberId from, const wire::Envelope& envelope) {
  if (envelope.kind == wire::Kind::members) return take_members(from, envelope.body);
  const auto members = persistence::read_members(envelope.body);
  if (!members || members->size() != 1 || parts_.own != kRegistrar) return false;
  Peer& peer = *parts_.peers[from];
  const AskedBy asked = peer.asked_by(envelope.ticket);
  peer.answer(asked, enlist(members->front()));
  return true;
}

}  // namespace kontor::actors

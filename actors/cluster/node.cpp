#include "actors/cluster/node.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <random>

#include "actors/cluster.hpp"
#include "actors/cluster/link.hpp"
#include "actors/cluster/moves.hpp"
#include "actors/cluster/roster.hpp"
#include "actors/cluster/wire_reads.hpp"
#include "domain/commit/retransmission.hpp"

namespace kontor {
namespace {

using namespace actors;  // NOLINT: this file is the face of those.

/// Others may look a name up; to listen takes an address.
std::string why_not_listen(const ClusterOptions& options) {
  if (!options.listen_address.empty())
    return is_address(options.listen_address) ? std::string()
                                              : "'" + options.listen_address + "' is no address to listen on";
  const auto own = std::find_if(options.members.begin(), options.members.end(),
                                [&](const Member& member) { return member.node == options.node; });
  return is_address(own->host) ? std::string()
                               : "'" + own->host + "' is a name: say with --cluster-listen on which address of this " +
                                     "machine to listen, e.g. 0.0.0.0";
}

std::string why_not(const ClusterOptions& options) {
  if (options.members.size() < 2 || options.members.size() > kMembersMax)
    return "a cluster has 2 to " + std::to_string(kMembersMax) + " members";
  const std::span<const Member> members(options.members);
  bool is_there = false;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (std::string why = why_no_member(members[i], members.first(i)); !why.empty()) return why;
    is_there = is_there || members[i].node == options.node;
  }
  if (!is_there) return "'" + options.node + "' is not among the members";
  if (options.shards != 0 && (options.shards < options.members.size() || options.shards > kShardsMax))
    return "a cluster has at least a shard for each member, and up to " + std::to_string(kShardsMax);
  return why_not_listen(options);
}

/// What members must have been told alike.
std::string cluster_text(const std::vector<Member>& members, std::uint16_t shards) {
  std::string out = "v" + std::to_string(wire::kVersion) + " " + std::to_string(shards) + " shards of";
  for (const Member& member : members) out += " " + member.node;
  return out;
}

}  // namespace

class Node::Impl final : public Cluster, public std::enable_shared_from_this<Node::Impl> {
 public:
  Impl(ClusterOptions options, Credentials credentials)
      : options_(std::move(options)), credentials_(std::move(credentials)), peers_(options_.members) {
    own_ = *peers_.find(options_.node);
    shards_ = options_.shards != 0 ? options_.shards : static_cast<std::uint16_t>(options_.members.size());
    places_ = std::make_unique<Places>(own_, peers_.size(), shards_, options_.joins);
    roster_ = std::make_unique<Roster>(
        Roster::Parts{peers_, own_, shards_, [this](const std::string& what) { tell(what); },
                      [this](const std::string& why) { host_->fail(why); }, [this] { reach_added(); }});
  }

  Result<void> open(const std::filesystem::path& dir, std::string* explanation) override {
    auto opened = places_->open(dir, explanation);
    if (opened) opened = roster_->open(places_->store(), explanation);
    if (!opened) return opened;
    for (const Place& place : places_->all()) {
      if (place.member == kNobody || place.member < peers_.size()) continue;
      if (explanation) *explanation = "a shard is at a member that is not configured";
      return Error{Errc::invalid_argument, "members"};
    }
    return {};
  }
  std::uint16_t shards() const override { return shards_; }
  bool here(ShardId shard) const override { return places_->here(shard); }

  void configure(caf::actor_system_config& config) override {
    config.load<caf::io::middleman>();
    announce_link_messages(config);
  }

  void join(caf::actor_system& system, Fabric& fabric, ShardHost& host) override {
    system_ = &system;
    fabric_ = &fabric;
    host_ = &host;
    fabric.linked = [this](ShardId shard) {
      const MemberId owner = places_->member_of(shard);
      return owner == own_ || (owner != kNobody && peers_[owner]->connected());
    };
    fabric.resend_after = [this] {
      std::chrono::microseconds longest = kResendAfterMin;
      for (std::size_t i = 0; i < peers_.size(); ++i) {
        const Peer::Figures& road = peers_[i]->figures;
        if (i != own_ && peers_[i]->connected())
          longest = std::max(longest, commit::resend_after(std::chrono::microseconds(road.round_trip_us),
                                                           std::chrono::microseconds(road.round_trip_deviation_us)));
      }
      return std::chrono::nanoseconds(longest);
    };
    moves_ = std::make_unique<Moves>(system, *places_, peers_, fabric, host,
                                     [this](const std::string& what) { tell(what); });
    fabric.on_housed = [this](ShardId shard, const Handles& actors) { moves_->housed(shard, actors); };
  }

  void serve() override {
    const Member& own = options_.members[own_];
    Gate::Options gate;
    gate.node = options_.node, gate.members = peers_.members(), gate.credentials = credentials_;
    gate.listen_address = options_.listen_address.empty() ? own.host : options_.listen_address;
    gate.port = own.port;
    gate.on_event = options_.on_event;
    gate.on_accepted = [this](SessionPtr session) { admit(std::move(session)); };
    gate_ = std::make_unique<Gate>(std::move(gate));
    middleman_ = spawn_middleman(*system_, exchange_);
    std::random_device random;
    setup_.fabric = fabric_, setup_.gate = gate_.get(), setup_.exchange = &exchange_, setup_.middleman = middleman_;
    setup_.cluster = [this] { return cluster_text(peers_.members(), shards_); }, setup_.node = options_.node;
    setup_.incarnation = std::uint64_t{random()} << 32 | random();
    setup_.own = own_, setup_.moves = moves_.get(), setup_.roster = roster_.get(), setup_.on_event = options_.on_event;
    const std::lock_guard guard(links_mutex_);
    serving_ = true;
    link_to_all();
  }

  void list(std::span<const Product> products) override {
    persistence::ByteWriter out;
    wire::write_products(out, products);
    for (std::size_t i = 0; i < peers_.size(); ++i)
      if (i != own_) peers_[i]->tell(0, wire::Kind::listed, out.view());
  }

  void settle() override {
    if (moves_) moves_->settle();
  }

  void leave() override {
    std::vector<LinkActor> links;
    {
      const std::lock_guard guard(links_mutex_);
      serving_ = false;
      links.swap(links_);
      setup_ = {};  // And what it keeps alive.
      for (std::size_t i = 0; i < peers_.size(); ++i) peers_[i]->on_work({});
    }
    for (const LinkActor& link : links) {
      auto done = std::make_shared<std::promise<void>>();
      auto ended = done->get_future();
      caf::anon_send(link, LinkEnd{std::move(done)});
      ended.wait();
    }
    gate_.reset();
    if (middleman_) caf::anon_send_exit(middleman_, caf::exit_reason::user_shutdown);
    middleman_ = nullptr;
    exchange_.close();
    moves_->end();
  }

  const ClusterOptions& options() const { return options_; }
  std::vector<PeerStatus> peers() const {
    std::vector<PeerStatus> out;
    for (std::size_t i = 0; i < peers_.size(); ++i)
      if (i != own_) out.push_back(peers_[i]->status());
    return out;
  }
  std::vector<ShardPlace> places() const {
    std::vector<ShardPlace> out;
    for (const Place& place : places_->all())
      out.push_back({place.member == kNobody ? "" : peers_[place.member]->member().node, place.epoch});
    return out;
  }
  std::optional<MoveProgress> moving() const { return moves_ ? moves_->progress() : std::nullopt; }
  void move(ShardId shard, const std::string& to, const std::function<void(const Error&)>& then) {
    const auto member = peers_.find(to);
    if (shard >= shards_) return then({Errc::invalid_argument, "shard"});
    if (!member) return then({Errc::invalid_argument, "to"});
    if (!moves_) return then({Errc::shutting_down, "node"});
    if (places_->member_of(shard) == *member) return then({Errc::invalid_argument, "it is there"});
    if (const Error refusal = note_asked(shard, to); refusal.code != Errc::none) return then(refusal);
    moves_->move(shard, *member, [impl = weak_from_this(), shard, then](const Error& error) {
      if (const auto self = impl.lock()) self->note_end(shard, error);
      then(error);
    });
  }
  std::vector<Member> members() const { return peers_.members(); }
  void add(const Member& member, const std::function<void(const Error&)>& then) {
    if (!moves_) return then({Errc::shutting_down, "node"});
    roster_->add(member, then);
  }
  std::vector<AskedMove> moves() const {
    const std::lock_guard guard(asked_mutex_);
    return {asked_.begin(), asked_.end()};
  }
  Result<void> reload(std::string* explanation) {
    auto credentials = load_credentials(options_, explanation);
    if (!credentials) return Error{Errc::io_error, "certificate"};
    credentials_ = credentials;
    if (gate_) gate_->use(std::move(credentials));
    return {};
  }

 private:
  void tell(const std::string& what) const {
    if (options_.on_event) options_.on_event(what);
  }

  /// Who was added while the node runs.
  void reach_added() {
    const std::lock_guard guard(links_mutex_);
    if (!serving_) return;
    gate_->expect(peers_.members());
    link_to_all();
  }

  /// To each who has no link yet. With the links' mutex held.
  void link_to_all() {
    for (; linked_ < peers_.size(); ++linked_) {
      if (linked_ == own_) continue;
      setup_.peer = peers_[linked_].get(), setup_.from = static_cast<MemberId>(linked_);
      const LinkActor link = spawn_link(*system_, setup_);
      setup_.peer->on_work([link] { caf::anon_send(link, LinkWork{}); });
      links_.push_back(link);
    }
  }

  Error note_asked(ShardId shard, const std::string& to) {
    const std::lock_guard guard(asked_mutex_);
    for (const AskedMove& asked : asked_)
      if (!asked.over && asked.shard == shard) return {Errc::request_in_progress, "move"};
    if (asked_.size() >= kMovesMax) {
      const auto over = std::find_if(asked_.begin(), asked_.end(), [](const auto& asked) { return asked.over; });
      if (over == asked_.end()) return {Errc::overloaded, "moves"};
      asked_.erase(over);
    }
    asked_.push_back({shard, to, false, {}});
    return {};
  }

  void note_end(ShardId shard, const Error& error) {
    const std::lock_guard guard(asked_mutex_);
    for (AskedMove& asked : asked_)
      if (!asked.over && asked.shard == shard) asked.over = true, asked.outcome = error;
  }

  /// A peer that may dial us has shown who it is. An old connection of it that is still there is dead, or soon will be:
  /// it is cut, and the peer tries again.
  void admit(SessionPtr session) {
    const auto from = peers_.find(session->node());
    if (!from || *from >= own_) return;  // The earlier member dials.
    if (exchange_.live.cut(session->node())) return;
    exchange_.admit(*system_, static_cast<std::uint16_t>(*from + 1), std::move(session));
  }

  const ClusterOptions options_;
  Credentials credentials_;
  MemberId own_ = 0;
  std::uint16_t shards_ = 0;
  Peers peers_;
  std::unique_ptr<Places> places_;
  std::unique_ptr<Roster> roster_;
  std::unique_ptr<Moves> moves_;
  mutable std::mutex asked_mutex_;
  std::deque<AskedMove> asked_;
  Exchange exchange_;
  std::unique_ptr<Gate> gate_;
  caf::io::middleman_actor middleman_;
  std::mutex links_mutex_;
  bool serving_ = false;
  LinkSetup setup_;
  std::size_t linked_ = 0;  ///< So many members have a link, if they need one.
  std::vector<LinkActor> links_;
  caf::actor_system* system_ = nullptr;
  Fabric* fabric_ = nullptr;
  ShardHost* host_ = nullptr;
};

Node::Node() = default;
Node::~Node() = default;

Result<std::shared_ptr<Node>> Node::make(const ClusterOptions& options, std::string* explanation) {
  if (const std::string why = why_not(options); !why.empty()) {
    if (explanation) *explanation = why;
    return Error{Errc::invalid_argument, "cluster"};
  }
  auto credentials = load_credentials(options, explanation);
  if (!credentials) return Error{Errc::io_error, "certificate"};
  std::shared_ptr<Node> node(new Node);
  node->impl_ = std::make_shared<Impl>(options, std::move(credentials));
  node->cluster_ = node->impl_;
  return node;
}

const std::shared_ptr<actors::Cluster>& Node::cluster() const { return cluster_; }
const ClusterOptions& Node::options() const { return impl_->options(); }
std::vector<PeerStatus> Node::peers() const { return impl_->peers(); }
std::vector<ShardPlace> Node::places() const { return impl_->places(); }
std::optional<MoveProgress> Node::moving() const { return impl_->moving(); }
std::vector<AskedMove> Node::moves() const { return impl_->moves(); }
void Node::move(ShardId shard, const std::string& to, const std::function<void(const Error&)>& then) {
  impl_->move(shard, to, then);
}
std::vector<Member> Node::members() const { return impl_->members(); }
void Node::add(const Member& member, const std::function<void(const Error&)>& then) { impl_->add(member, then); }
Result<void> Node::reload(std::string* explanation) { return impl_->reload(explanation); }

}  // namespace kontor

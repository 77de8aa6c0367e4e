#include "actors/cluster/node.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <random>
#include <set>

#include "actors/cluster.hpp"
#include "actors/cluster/link.hpp"
#include "actors/cluster/moves.hpp"
#include "actors/cluster/wire_reads.hpp"

namespace kontor {
namespace {

using namespace actors;  // NOLINT: this file is the face of those.

bool is_node_name(const std::string& name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= kNodeNameBytesMax && std::all_of(name.begin(), name.end(), good);
}

std::string why_not(const ClusterOptions& options) {
  if (options.members.size() < 2 || options.members.size() > kMembersMax)
    return "a cluster has 2 to " + std::to_string(kMembersMax) + " members";
  std::set<std::string> names;
  for (const Member& member : options.members) {
    if (!is_node_name(member.node)) return "'" + member.node + "' is no name: a-z, 0-9 and '-', up to 32";
    if (!names.insert(member.node).second) return "member " + member.node + " is there twice";
  }
  if (!names.contains(options.node)) return "'" + options.node + "' is not among the members";
  if (options.shards != 0 && (options.shards < options.members.size() || options.shards > kShardsMax))
    return "a cluster has at least a shard for each member, and up to " + std::to_string(kShardsMax);
  return {};
}

/// What members must have been told alike.
std::string cluster_text(const ClusterOptions& options, std::uint16_t shards) {
  std::string out = "v" + std::to_string(wire::kVersion) + " " + std::to_string(shards) + " shards of";
  for (const Member& member : options.members) out += " " + member.node;
  return out;
}

}  // namespace

class Node::Impl final : public Cluster, public std::enable_shared_from_this<Node::Impl> {
 public:
  Impl(ClusterOptions options, Credentials credentials)
      : options_(std::move(options)), credentials_(std::move(credentials)) {
    const auto is_own = [this](const Member& member) { return member.node == options_.node; };
    own_ = static_cast<MemberId>(std::find_if(options_.members.begin(), options_.members.end(), is_own) -
                                 options_.members.begin());
    shards_ = options_.shards != 0 ? options_.shards : static_cast<std::uint16_t>(options_.members.size());
    for (const Member& member : options_.members) peers_.push_back(std::make_unique<Peer>(member));
    places_ = std::make_unique<Places>(own_, peers_.size(), shards_, options_.joins);
  }

  Result<void> open(const std::filesystem::path& dir, std::string* explanation) override {
    return places_->open(dir, explanation);
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
    fabric.linked = [this](ShardId shard) {
      const MemberId owner = places_->member_of(shard);
      return owner == own_ || (owner != kNobody && peers_[owner]->connected());
    };
    const auto tell = [this](const std::string& what) {
      if (options_.on_event) options_.on_event(what);
    };
    moves_ = std::make_unique<Moves>(system, *places_, peers_, fabric, host, tell);
    fabric.on_housed = [this](ShardId shard, const Handles& actors) { moves_->housed(shard, actors); };
  }

  void serve() override {
    const Member& own = options_.members[own_];
    Gate::Options gate;
    gate.node = options_.node, gate.members = options_.members, gate.credentials = credentials_;
    gate.listen_address = options_.listen_address.empty() ? own.host : options_.listen_address;
    gate.port = own.port;
    gate.on_event = options_.on_event;
    gate.on_accepted = [this](SessionPtr session) { admit(std::move(session)); };
    gate_ = std::make_unique<Gate>(std::move(gate));
    middleman_ = spawn_middleman(*system_, exchange_);
    std::random_device random;
    LinkSetup setup;
    setup.fabric = fabric_, setup.gate = gate_.get(), setup.exchange = &exchange_, setup.middleman = middleman_;
    setup.cluster = cluster_text(options_, shards_), setup.node = options_.node;
    setup.incarnation = std::uint64_t{random()} << 32 | random();
    setup.own = own_, setup.moves = moves_.get(), setup.on_event = options_.on_event;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      if (i == own_) continue;
      setup.peer = peers_[i].get(), setup.from = static_cast<MemberId>(i);
      const LinkActor link = spawn_link(*system_, setup);
      peers_[i]->on_work([link] { caf::anon_send(link, LinkWork{}); });
      links_.push_back(link);
    }
  }

  void list(std::span<const Product> products) override {
    persistence::ByteWriter out;
    wire::write_products(out, products);
    for (std::size_t i = 0; i < peers_.size(); ++i)
      if (i != own_ && !peers_[i]->put(0, wire::Kind::listed, out.view()))
        exchange_.live.cut(options_.members[i].node);  // On the next connection it forgets the prices that it has.
  }

  void settle() override {
    if (moves_) moves_->settle();
  }

  void leave() override {
    for (const auto& peer : peers_) peer->on_work({});
    for (const LinkActor& link : std::exchange(links_, {})) {
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
      out.push_back({place.member == kNobody ? "" : options_.members[place.member].node, place.epoch});
    return out;
  }
  std::optional<MoveProgress> moving() const { return moves_ ? moves_->progress() : std::nullopt; }
  void move(ShardId shard, const std::string& to, const std::function<void(const Error&)>& then) {
    const auto it = std::find_if(options_.members.begin(), options_.members.end(),
                                 [&](const Member& member) { return member.node == to; });
    if (shard >= shards_) return then({Errc::invalid_argument, "shard"});
    if (it == options_.members.end()) return then({Errc::invalid_argument, "to"});
    if (!moves_) return then({Errc::shutting_down, "node"});
    if (places_->member_of(shard) == it - options_.members.begin())
      return then({Errc::invalid_argument, "it is there"});
    {
      const std::lock_guard guard(asked_mutex_);
      for (const AskedMove& asked : asked_)
        if (!asked.over && asked.shard == shard) return then({Errc::request_in_progress, "move"});
      if (asked_.size() >= kMovesMax) {
        const auto over = std::find_if(asked_.begin(), asked_.end(), [](const auto& asked) { return asked.over; });
        if (over == asked_.end()) return then({Errc::overloaded, "moves"});
        asked_.erase(over);
      }
      asked_.push_back({shard, to, false, {}});
    }
    moves_->move(shard, static_cast<MemberId>(it - options_.members.begin()),
                 [impl = weak_from_this(), shard, then](const Error& error) {
                   if (const auto self = impl.lock()) self->note_end(shard, error);
                   then(error);
                 });
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
  void note_end(ShardId shard, const Error& error) {
    const std::lock_guard guard(asked_mutex_);
    for (AskedMove& asked : asked_)
      if (!asked.over && asked.shard == shard) asked.over = true, asked.outcome = error;
  }

  /// A peer that may dial us has shown who it is. An old connection of it that is still there is dead, or soon will be:
  /// it is cut, and the peer tries again.
  void admit(SessionPtr session) {
    const auto it = std::find_if(options_.members.begin(), options_.members.end(),
                                 [&](const Member& member) { return member.node == session->node(); });
    const auto from = static_cast<std::size_t>(it - options_.members.begin());
    if (from >= own_) return;  // The earlier member dials.
    if (exchange_.live.cut(session->node())) return;
    exchange_.admit(*system_, static_cast<std::uint16_t>(from + 1), std::move(session));
  }

  const ClusterOptions options_;
  Credentials credentials_;
  MemberId own_ = 0;
  std::uint16_t shards_ = 0;
  std::vector<std::unique_ptr<Peer>> peers_;  ///< By place; the own one is never used.
  std::unique_ptr<Places> places_;
  std::unique_ptr<Moves> moves_;
  mutable std::mutex asked_mutex_;
  std::deque<AskedMove> asked_;
  Exchange exchange_;
  std::unique_ptr<Gate> gate_;
  caf::io::middleman_actor middleman_;
  std::vector<LinkActor> links_;
  caf::actor_system* system_ = nullptr;
  Fabric* fabric_ = nullptr;
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
Result<void> Node::reload(std::string* explanation) { return impl_->reload(explanation); }

}  // namespace kontor

// The machines of coordinator and sites put together over a wire that counts, loses, repeats and reorders: the counts
// of PROTOCOLS.md, two_phase, and the same outcome everywhere.
#include <deque>
#include <optional>

#include "domain/commit/coordinator.hpp"
#include "domain/commit/site.hpp"
#include "tests/domain/values.hpp"
#include "tests/support/property.hpp"

namespace kontor::commit {
namespace {

constexpr ShardId kSelf = 0;
constexpr std::uint64_t kSequence = 1;
constexpr TransactionId kTransaction{kSelf, 1, kSequence};

struct Message {
  enum class What { prepare, vote, decision, acknowledge, inquire } what;
  ShardId site = 0;  ///< The other end, seen from the coordinator.
  bool yes = false;  ///< Of a vote or a decision.
};

/// A remote site: what it promised, what it did.
struct Remote {
  Site site;
  bool refuses = false, buried = false;
  std::optional<bool> outcome;
};

/// One transaction over `n` remote sites.
class Cluster {
 public:
  using What = Message::What;

  explicit Cluster(std::size_t n) : remotes_(n) {}

  std::deque<Message> wire;
  std::size_t messages = 0, forced_before_answer = 0, acknowledged = 0;
  std::optional<bool> answer;
  bool ended = false;

  Remote& remote(ShardId site) { return remotes_.at(site - 1u); }
  std::size_t size() const { return remotes_.size(); }

  void begin() {
    std::uint64_t sites = 1;
    for (ShardId site = 1; site <= size(); ++site) sites |= std::uint64_t{1} << site;
    machine_.begin({sites, 0, {}});
    send_prepare();
    vote(kSelf, true);  // Its own participants share its journal: no message, no force.
  }
  void send_prepare() {
    for (ShardId site = 1; site <= size(); ++site) send({What::prepare, site});
  }
  /// What the coordinator's timer sends again.
  void resend() {
    for (const auto& [unused, sites] : machine_.unacknowledged())
      for (ShardId site = 1; site <= size(); ++site)
        if (sites >> site & 1) send({What::decision, site, true});
    for (ShardId site = 1; site <= size(); ++site)
      if (remote(site).site.in_doubt(kTransaction)) send({What::inquire, site});
  }
  void deliver(const Message& message) {
    switch (message.what) {
      case What::prepare: return prepare(message.site);
      case What::vote: return vote(message.site, message.yes);
      case What::decision: return decide(message.site, message.yes);
      case What::acknowledge:
        ++acknowledged;
        if (machine_.acknowledge(kTransaction, message.site)) ended = true;
        return;
      case What::inquire:
        if (const Status status = machine_.status(kTransaction); status != Status::voting)
          send({What::decision, message.site, status == Status::committed});
        return;
    }
  }
  void run() {
    while (!wire.empty()) {
      const Message message = wire.front();
      wire.pop_front();
      deliver(message);
    }
  }
  bool settled() const { return machine_.unacknowledged().empty(); }

 private:
  void send(const Message& message) {
    wire.push_back(message);
    ++messages;
  }
  void prepare(ShardId at) {
    Remote& r = remote(at);
    if (r.outcome) return;  // Late. The engine sends a prepare once; Site has no word for one that comes after the end.
    if (r.refuses || r.buried) {
      r.site.raise_high_water(kTransaction);
      return send({What::vote, at, false});
    }
    if (!r.site.in_doubt(kTransaction)) ++forced_before_answer;
    r.site.prepared(kTransaction);
    send({What::vote, at, true});
  }
  void vote(ShardId site, bool yes) {
    std::vector<Coordinator::Made> made;
    const std::vector<Refusal> no{{0, Role::inventory, Error{Errc::out_of_stock, ""}, {}}};
    machine_.votes(site, kSequence, 1, yes ? std::span<const Refusal>() : std::span(no), 0, made);
    if (made.empty()) return;
    REQUIRE(made.size() == 1);
    REQUIRE_FALSE(answer);  // Decided once.
    answer = made[0].commit;
    if (made[0].commit) ++forced_before_answer;
    for (ShardId other = 1; other <= size(); ++other)
      if (made[0].commit || other != site) send({What::decision, other, made[0].commit});
  }
  void decide(ShardId at, bool commit) {
    Remote& r = remote(at);
    switch (r.site.learn({kTransaction, commit})) {
      case Site::Lesson::apply:
        REQUIRE_FALSE(r.outcome);  // Applied once.
        r.outcome = commit;
        if (commit) send({What::acknowledge, at});
        return;
      case Site::Lesson::acknowledge: return send({What::acknowledge, at});
      case Site::Lesson::tombstone: r.buried = true; return;
      case Site::Lesson::ignore: return;
    }
  }

  Coordinator machine_{kSelf, 1, kSequence};
  std::vector<Remote> remotes_;
};

}  // namespace

TEST_CASE("two_phase: a commit over n sites costs 4n messages and n + 1 forced batches", "[domain][commit][counts]") {
  const auto n = GENERATE(range<std::size_t>(0, 8));
  Cluster cluster(n);
  cluster.begin();
  cluster.run();
  CHECK(cluster.answer == true);
  CHECK(cluster.messages == 4 * n);
  CHECK(cluster.forced_before_answer == n + 1);
  CHECK(cluster.acknowledged == n);
  CHECK(cluster.ended == (n > 0));  // Alone, there is nothing to forget: one group commit in total.
  CHECK(cluster.settled());
  for (ShardId site = 1; site <= n; ++site) CHECK(cluster.remote(site).outcome == true);
}

TEST_CASE("two_phase: an abort over n sites costs at most 3n messages and no force", "[domain][commit][counts]") {
  const auto n = GENERATE(range<std::size_t>(1, 8));
  Cluster cluster(n);
  const auto refuser = static_cast<ShardId>(GENERATE_COPY(range<std::size_t>(1, n + 1)));
  cluster.remote(refuser).refuses = true;
  cluster.begin();
  cluster.run();
  CHECK(cluster.answer == false);
  CHECK(cluster.messages == 3 * n - 1);  // To the one that refused nothing is sent.
  CHECK(cluster.forced_before_answer == n - 1);
  CHECK(cluster.acknowledged == 0);
  CHECK(cluster.settled());
  for (ShardId site = 1; site <= n; ++site) {
    CHECK_FALSE(cluster.remote(site).site.in_doubt(kTransaction));
    CHECK(cluster.remote(site).outcome.value_or(false) == false);
  }
}

TEST_CASE("two_phase: an abort overtakes a prepare", "[domain][commit]") {
  Cluster cluster(2);
  cluster.remote(1).refuses = true;
  cluster.begin();
  cluster.deliver({Message::What::prepare, 1});
  cluster.deliver({Message::What::vote, 1, false});
  REQUIRE(cluster.answer == false);
  cluster.deliver({Message::What::decision, 2, false});
  CHECK(cluster.remote(2).buried);
  cluster.deliver({Message::What::prepare, 2});
  CHECK_FALSE(cluster.remote(2).site.in_doubt(kTransaction));
}

TEST_CASE("two_phase: lost, repeated and reordered messages lead to one outcome", "[domain][commit]") {
  tests::property("a wire that does what it wants", 400, [] {
    const auto n = *rc::gen::inRange<std::size_t>(1, 5);
    Cluster cluster(n);
    for (ShardId site = 1; site <= n; ++site) cluster.remote(site).refuses = *rc::gen::inRange(0, 8) == 0;
    cluster.begin();
    const auto steps = *rc::gen::container<std::vector<std::pair<unsigned, unsigned>>>(
        rc::gen::pair(rc::gen::inRange(0u, 20u), rc::gen::arbitrary<unsigned>()));
    for (const auto& [what, which] : steps) {
      if (cluster.wire.empty()) cluster.answer ? cluster.resend() : cluster.send_prepare();
      if (cluster.wire.empty()) break;
      const auto at = cluster.wire.begin() + static_cast<std::ptrdiff_t>(which % cluster.wire.size());
      const Message message = *at;
      if (what >= 3) cluster.wire.erase(at);                 // Otherwise it will come again.
      if (what != 3 && what != 4) cluster.deliver(message);  // Those are lost.
    }
    for (int round = 0; round < 10; ++round) {  // In the end every message arrives.
      cluster.run();
      cluster.answer ? cluster.resend() : cluster.send_prepare();
    }
    cluster.run();
    RC_ASSERT(cluster.answer.has_value());
    RC_ASSERT(cluster.settled());
    bool refused = false;
    for (ShardId site = 1; site <= n; ++site) {
      const Remote& r = cluster.remote(site);
      refused = refused || r.refuses;
      RC_ASSERT(!r.site.in_doubt(kTransaction));
      RC_ASSERT(r.outcome.value_or(false) == *cluster.answer);
    }
    RC_ASSERT(*cluster.answer == !refused);
  });
}

}  // namespace kontor::commit

#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "actors/cluster/node.hpp"
#include "cmd/kontor/cluster/certificates.hpp"
#include "domain/placement.hpp"
#include "persistence/directory_lock.hpp"
#include "persistence/verify.hpp"
#include "tests/cluster/ports.hpp"
#include "tests/support/engine_fixture.hpp"

namespace kontor::testing {

/// A cluster of nodes in this process, each with its own engine, directory, port and certificate.
class Neighbourhood {
 public:
  /// `shards`: of them all; 0: one for each.
  explicit Neighbourhood(std::size_t count, std::uint16_t shards = 0)
      : shards_(shards), founders_(count), configured_(count) {
    std::string why;
    REQUIRE(cmd::make_authority(certificates(), &why));
    for (std::size_t i = 0; i < count; ++i) {
      members_.push_back({"node-" + std::to_string(i), "127.0.0.1", free_port()});
      REQUIRE(cmd::make_node_certificate(certificates(), members_[i].node, &why));
    }
    places_.resize(count);
    for (std::size_t i = 0; i < count; ++i) start(i);
  }
  ~Neighbourhood() {
    for (std::size_t i = 0; i < places_.size(); ++i) stop(i);
  }
  Neighbourhood(const Neighbourhood&) = delete;
  Neighbourhood& operator=(const Neighbourhood&) = delete;

  std::filesystem::path certificates() const { return dir_.path() / "certificates"; }
  std::filesystem::path dir(std::size_t i) const { return dir_.path() / members_[i].node; }
  const std::vector<Member>& members() const { return members_; }
  Engine& engine(std::size_t i) { return *places_[i].engine; }
  Node& node(std::size_t i) { return *places_[i].node; }
  std::uint16_t size() const { return static_cast<std::uint16_t>(members_.size()); }

  ClusterOptions options(std::size_t i) {
    ClusterOptions out;
    out.node = members_[i].node, out.shards = shards_;
    const std::size_t named = std::max(configured_, i + 1);
    out.members.assign(members_.begin(), members_.begin() + static_cast<std::ptrdiff_t>(named));
    out.joins = i >= founders_;
    const auto files = cmd::node_files(certificates(), out.node);
    out.certificate = files.certificate, out.key = files.key;
    out.authority = cmd::authority_files(certificates()).certificate;
    out.on_event = [this, who = out.node](const std::string& what) {
      const std::lock_guard guard(mutex_);
      events_.push_back(who + ": " + what);
    };
    return out;
  }

  void start(std::size_t i) {
    std::string why;
    auto node = Node::make(options(i), &why);
    INFO(why);
    REQUIRE(node);
    places_[i].node = *node;
    EngineOptions engine;
    engine.dir = dir(i);
    engine.cluster = (*node)->cluster();
    engine.on_fatal = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()), std::abort(); };
    auto opened = Engine::open(engine, &why);
    INFO(why);
    REQUIRE(opened);
    places_[i].engine = std::move(*opened);
  }
  /// One node more, which joins; the others are restarted one after the other, so that they know of it.
  void grow() {
    const std::size_t newest = join();
    configured_ = members_.size();
    for (std::size_t i = 0; i < newest; ++i) stop(i), start(i);
  }
  /// One node more, which nobody knows of yet: its number.
  std::size_t join() {
    const std::size_t newest = members_.size();
    std::string why;
    members_.push_back({"node-" + std::to_string(newest), "127.0.0.1", free_port()});
    REQUIRE(cmd::make_node_certificate(certificates(), members_[newest].node, &why));
    places_.resize(members_.size());
    start(newest);
    return newest;
  }
  void stop(std::size_t i) { places_[i].engine.reset(), places_[i].node.reset(); }

  /// Every running node sees every other running one.
  bool connected() {
    std::size_t running = 0;
    for (const Place& place : places_) running += place.engine ? 1U : 0U;
    return eventually([&] {
      for (const Place& place : places_) {
        if (!place.engine) continue;
        std::size_t seen = 0;
        for (const PeerStatus& peer : place.node->peers()) seen += peer.connected ? 1U : 0U;
        if (seen + 1 != running) return false;
      }
      return true;
    });
  }

  Outcome run(std::size_t at, std::string_view with_key, Operation operation) {
    return engine(at).submit({key(with_key), std::move(operation), 0, {}}).get();
  }
  TransactionId done(std::size_t at, std::string_view with_key, Operation operation) {
    const Outcome outcome = run(at, with_key, std::move(operation));
    CAPTURE(to_string(outcome.verdict), to_string(outcome.error.code), outcome.error.detail, events());
    REQUIRE(outcome.verdict == Verdict::committed);
    return outcome.transaction;
  }
  std::string events() {
    const std::lock_guard guard(mutex_);
    std::string out;
    for (const std::string& event : events_) out += event + "\n";
    return out;
  }
  /// Stops all; nothing is lost, doubled or half done in the whole cluster.
  void audit_is_clean() {
    std::vector<std::filesystem::path> dirs;
    for (std::size_t i = 0; i < places_.size(); ++i) stop(i), dirs.push_back(dir(i));
    std::string why;
    const auto report = persistence::audit(dirs, &why);
    INFO(why);
    REQUIRE(report);
    for (const std::string& fault : report->faults) FAIL_CHECK(fault);
    for (const auto& dir : dirs) {
      const auto shards = persistence::shards_in(dir);  // Not all, and with gaps between them.
      const auto verified = persistence::verify(dir, &why);
      CAPTURE(dir, why);
      REQUIRE(verified.code() == (shards.empty() ? Errc::not_found : Errc::none));
      if (verified) CHECK((verified->sound() && verified->shards == shards.size()));
    }
  }

 private:
  const std::uint16_t shards_;
  const std::size_t founders_;
  std::size_t configured_;  ///< So many members are named by every node's configuration.
  struct Place {
    std::shared_ptr<Node> node;
    std::unique_ptr<Engine> engine;
  };
  TempDir dir_;
  std::vector<Member> members_;
  std::vector<Place> places_;
  std::mutex mutex_;
  std::vector<std::string> events_;
};

}  // namespace kontor::testing

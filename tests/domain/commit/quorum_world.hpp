#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <vector>

#include "domain/commit/quorum.hpp"

namespace kontor::tests {

/// Some sites, one transaction, and a network and disks that do what the test says: the smallest world in which the
/// machine of domain/commit/quorum.hpp can be wrong. Throws std::logic_error when it is.
class QuorumWorld {
 public:
  using Notice = commit::Notice;
  struct Options {
    std::uint16_t sites = 3;
    std::uint64_t voters = 0b011;  ///< The coordinator is site 0, and always votes.
    std::uint64_t refusing = 0;    ///< Of the voters.
    commit::Protocol protocol = commit::Protocol::three_phase;
  };

  explicit QuorumWorld(const Options& options) : options_(options), sites_(options.sites) {
    all_ = commit::with_witnesses(options.voters, 0, options.sites);
    for (ShardId id = 0; id < options.sites; ++id) open(id);
    for (ShardId id = 0; id < options.sites; ++id)
      if (options.voters >> id & 1) wire_.push_back({0, id, {}, Wire::prepare});
  }

  /// Delivers one of the letters under way; `keep` leaves a copy. False: there is none that can arrive.
  bool deliver(std::size_t pick, bool keep = false) {
    std::vector<std::size_t> able;
    for (std::size_t i = 0; i < wire_.size(); ++i)
      if (sites_[wire_[i].to].machine && !cut(wire_[i].from, wire_[i].to)) able.push_back(i);
    if (able.empty()) return false;
    const std::size_t at = able[pick % able.size()];
    const Wire wire = wire_[at];
    if (!keep) wire_.erase(wire_.begin() + static_cast<std::ptrdiff_t>(at));
    ++delivered;
    arrive(wire);
    return true;
  }
  void lose(std::size_t pick) {
    if (!wire_.empty()) wire_.erase(wire_.begin() + static_cast<std::ptrdiff_t>(pick % wire_.size()));
  }
  /// The oldest unwritten step of a site becomes durable.
  bool sync(ShardId id) {
    Site& site = sites_[id];
    if (!site.machine || site.queue.empty()) return false;
    const Step step = std::move(site.queue.front());
    site.queue.pop_front();
    write(id, step);
    post(id, step.letters);
    return true;
  }
  /// Written, but nobody heard of it: the crash came in between.
  void sync_and_crash(ShardId id) {
    Site& site = sites_[id];
    if (!site.machine) return;
    if (!site.queue.empty()) write(id, site.queue.front());
    crash(id);
  }
  void crash(ShardId id) {
    sites_[id].machine.reset();
    sites_[id].queue.clear();
    sites_[id].votes = 0;
    if (id == 0) coordinating_ = false;
  }
  void open(ShardId id) {
    Site& site = sites_[id];
    if (site.machine) return;
    site.machine = std::make_unique<commit::Quorum>(id, [this, id](const TransactionId&) { return known(id); });
    if (site.stance) site.machine->restore(transaction(), *site.stance);
  }
  void tick(ShardId id) {
    commit::Effects effects;
    if (!sites_[id].machine) return;
    sites_[id].machine->tick(effects);
    if (id == 0 && coordinating_)  // Unanswered requests are sent again.
      for (ShardId to = 0; to < options_.sites; ++to)
        if ((options_.voters >> to & 1) && !(sites_[0].votes >> to & 1)) wire_.push_back({0, to, {}, Wire::prepare});
    take(id, std::move(effects));
  }
  void suspect(ShardId id) {
    commit::Effects effects;
    if (!sites_[id].machine || (id == 0 && coordinating_)) return;
    sites_[id].machine->suspect(transaction(), effects);
    take(id, std::move(effects));
  }
  /// Only letters between sites of the same set arrive.
  void partition(std::uint64_t one_side) { side_ = one_side; }
  void heal() { side_ = 0; }
  /// Runs without faults until nothing happens any more, at most `ticks`.
  void settle(int ticks, std::uint64_t alive = ~std::uint64_t{0}) {
    for (int i = 0; i < ticks; ++i) {
      for (int turns = 0; turns < 10'000; ++turns) {
        bool moved = false;
        for (ShardId id = 0; id < options_.sites; ++id) moved = sync(id) || moved;
        if (!deliver(0) && !moved) break;
      }
      for (ShardId id = 0; id < options_.sites; ++id)
        if (alive >> id & 1) tick(id);
    }
  }

  static TransactionId transaction() { return {0, 1, 1}; }
  const commit::Quorum* machine(ShardId id) const { return sites_[id].machine.get(); }
  std::optional<bool> outcome(ShardId id) const { return sites_[id].outcome; }
  bool holds(ShardId id) const { return sites_[id].voted && !sites_[id].outcome; }
  bool queued(ShardId id) const { return !sites_[id].queue.empty(); }
  std::size_t under_way() const { return wire_.size(); }
  std::uint64_t all() const { return all_; }

  std::size_t delivered = 0;                        ///< Messages, prepares and votes included.
  std::map<Notice::Kind, std::size_t> sent;         ///< Between different sites.
  std::size_t prepares = 0, votes = 0, forces = 0;  ///< Likewise; forces are steps with something to write.

 private:
  struct Wire {
    ShardId from = 0, to = 0;
    Notice notice;
    enum What { notice_, prepare, yes, no, abort } what = notice_;
  };
  struct Step {
    std::vector<std::pair<TransactionId, commit::Stance>> forced;
    std::vector<commit::Decision> decided;
    bool forgotten = false;
    bool vote = false;
    std::vector<Wire> letters;
  };
  struct Site {
    std::unique_ptr<commit::Quorum> machine;
    std::deque<Step> queue;
    std::uint64_t votes = 0;  ///< At the coordinator, in memory.
    // On disk:
    std::optional<commit::Stance> stance;
    std::optional<bool> outcome;
    bool voted = false, over = false;
  };

  bool cut(ShardId from, ShardId to) const { return side_ != 0 && (side_ >> from & 1) != (side_ >> to & 1); }

  commit::Known known(ShardId id) const {
    if (id == 0 && coordinating_) return commit::Known::voting;
    // A coordinator remembers its transactions' numbers; a voter the highest that it prepared. A witness nothing.
    if (id == 0 || sites_[id].voted || sites_[id].over) return commit::Known::over;
    return commit::Known::never;
  }
  void arrive(const Wire& wire) {
    Site& site = sites_[wire.to];
    commit::Effects effects;
    switch (wire.what) {
      case Wire::prepare: return on_prepare(wire.to);
      case Wire::yes: return on_site_vote(wire.from, true);
      case Wire::no: return on_site_vote(wire.from, false);
      case Wire::abort:
        if (site.outcome.value_or(false)) throw std::logic_error("abort after commit");
        site.machine->drop(transaction());
        site.over = true, site.stance.reset(), site.queue.clear();  // As if in one step: nothing else is at stake.
        if (site.voted) site.outcome = false;
        return;
      case Wire::notice_: break;
    }
    site.machine->receive(wire.from, wire.notice, effects);
    take(wire.to, std::move(effects));
  }
  void on_prepare(ShardId id) {
    Site& site = sites_[id];
    if (id == 0 && !coordinating_) return;
    Step step;
    if (options_.refusing >> id & 1) {
      site.over = true;
      step.letters.push_back({id, 0, {}, Wire::no});
    } else if (site.over || (site.voted && !site.machine->knows(transaction()))) {
      step.letters.push_back({id, 0, {}, Wire::no});  // At or below the high water, and not open.
    } else {
      commit::Effects effects;
      if (!site.machine->enlist(transaction(), options_.protocol, all_, options_.voters, effects)) {
        step.letters.push_back({id, 0, {}, Wire::no});
      } else {
        step.vote = true;
        step.letters.push_back({id, 0, {}, Wire::yes});
      }
      add(id, step, std::move(effects));
    }
    push(id, std::move(step));
  }
  void on_site_vote(ShardId from, bool yes) {
    if (!coordinating_) return;
    Site& site = sites_[0];
    if (!yes) {
      coordinating_ = false;
      commit::Effects effects;
      site.machine->abandon(transaction(), effects);
      site.queue.clear(), site.stance.reset();
      take(0, std::move(effects));
      if (site.voted) site.outcome = false;
      for (ShardId to = 1; to < options_.sites; ++to)
        if (options_.voters >> to & 1) wire_.push_back({0, to, {}, Wire::abort});
      return;
    }
    site.votes |= commit::site_bit(from);
    if (site.votes != options_.voters) return;
    coordinating_ = false;
    commit::Effects effects;
    site.machine->propose(transaction(), effects);
    take(0, std::move(effects));
  }
  void add(ShardId id, Step& step, commit::Effects effects) {
    step.forced = std::move(effects.forced);
    step.decided = std::move(effects.decided);
    step.forgotten = !effects.forgotten.empty();
    for (const commit::Letter& letter : effects.after) step.letters.push_back({id, letter.to, letter.notice});
  }
  void take(ShardId id, commit::Effects effects) {
    if (id == 0 && !effects.decided.empty()) coordinating_ = false;  // An election came first.
    if (!effects.now.empty()) {
      Step first;
      for (const commit::Letter& letter : effects.now) first.letters.push_back({id, letter.to, letter.notice});
      push(id, std::move(first));
    }
    Step step;
    add(id, step, std::move(effects));
    push(id, std::move(step));
  }
  void push(ShardId id, Step step) {
    Site& site = sites_[id];
    if (step.forced.empty() && step.decided.empty() && !step.forgotten && !step.vote && site.queue.empty())
      return post(id, step.letters);
    site.queue.push_back(std::move(step));
  }
  void write(ShardId id, const Step& step) {
    Site& site = sites_[id];
    if (!step.forced.empty() || !step.decided.empty() || step.vote) ++forces;
    if (step.vote) site.voted = true;
    for (const auto& [unused, stance] : step.forced) site.stance = stance;
    for (const commit::Decision& decision : step.decided) {
      if (site.outcome && *site.outcome != decision.commit) throw std::logic_error("a site changed its mind");
      site.outcome = decision.commit;
      if (site.stance) site.stance->phase = decision.commit ? commit::Phase::committed : commit::Phase::aborted;
      if (decision.commit && options_.refusing != 0) throw std::logic_error("committed what was refused");
    }
    if (step.forgotten) site.stance.reset();
    for (ShardId other = 0; other < options_.sites; ++other)
      if (site.outcome && sites_[other].outcome && *site.outcome != *sites_[other].outcome)
        throw std::logic_error("split outcome");
  }
  void post(ShardId id, const std::vector<Wire>& letters) {
    for (const Wire& letter : letters) {
      wire_.push_back(letter);
      if (letter.to == id) continue;
      if (letter.what == Wire::notice_)
        ++sent[letter.notice.kind];
      else
        ++votes;
    }
  }

  Options options_;
  std::uint64_t all_ = 0;
  std::vector<Site> sites_;
  std::vector<Wire> wire_;
  std::uint64_t side_ = 0;
  bool coordinating_ = true;
};

}  // namespace kontor::tests

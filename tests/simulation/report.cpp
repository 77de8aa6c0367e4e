#include "tests/simulation/report.hpp"

#include <cstdio>
#include <utility>
#include <vector>

namespace kontor::sim {
namespace {

using Rows = std::vector<std::pair<std::string, std::uint64_t>>;

Rows rows(const Figures& figures) {
  const Counters& c = figures.counters;
  // Of processor time, so that what else the machine does is left out; the wall clock's is beside it.
  const auto per = [&](std::uint64_t count, double seconds) {
    const double all = figures.cpu_seconds;
    return all > 0 ? static_cast<std::uint64_t>(static_cast<double>(count) * seconds / all) : 0;
  };
  return {{"seeds", c.seeds},
          {"failed", figures.failed},
          {"checked_twice", figures.checked_twice},
          {"wall_ms", static_cast<std::uint64_t>(figures.seconds * 1'000)},
          {"cpu_ms", static_cast<std::uint64_t>(figures.cpu_seconds * 1'000)},
          {"seeds_per_minute", per(c.seeds, 60)},
          {"transactions_per_second", per(c.committed + c.aborted, 1)},
          {"checkouts_decided_per_second", per(c.checkouts_decided, 1)},
          {"checkouts_committed_per_second", per(c.checkouts, 1)},
          {"requests", c.requests},
          {"committed", c.committed},
          {"checkouts_decided", c.checkouts_decided},
          {"checkouts_committed", c.checkouts},
          {"reservations", c.reserved},
          {"reservations_redeemed", c.redeemed},
          {"reservations_released", c.released},
          {"reservations_expired", c.expired},
          {"keys_again", c.keys_again},
          {"answered_aborted", c.aborted},
          {"answers", c.answers},
          {"answers_replayed", c.replayed},
          {"reads", c.reads},
          {"messages_between_shards", c.messages},
          {"actor_turns", c.steps},
          {"commits_to_disk", c.commits},
          {"records", c.records},
          {"crashes", c.crashes},
          {"recoveries", c.recoveries},
          {"checkpoints", c.checkpoints},
          {"moves_begun", c.moves_begun},
          {"moves_decided", c.moves_decided},
          {"moves_done", c.moves_done},
          {"moves_given_up", c.moves_given_up},
          {"stores_held_against_replay", c.mirrored},
          {"audits", c.audits},
          {"virtual_ms", c.virtual_ms}};
}

Rows fault_rows(const Figures& figures) {
  Rows out;
  for (std::size_t i = 0; i < kFaults; ++i)
    out.emplace_back(std::string(to_string(static_cast<Fault>(i))), figures.counters.faults[i]);
  return out;
}

std::string lines(const Rows& rows) {
  std::string out;
  for (const auto& [name, value] : rows) {
    char text[96];
    std::snprintf(text, sizeof text, "  %-28s %14llu\n", name.c_str(), static_cast<unsigned long long>(value));
    out += text;
  }
  return out;
}

std::string members(const Rows& rows) {
  std::string out;
  for (const auto& [name, value] : rows) out += (out.empty() ? "\"" : ", \"") + name + "\": " + std::to_string(value);
  return out;
}

}  // namespace

std::string as_text(const Figures& figures) { return lines(rows(figures)) + "faults\n" + lines(fault_rows(figures)); }

std::string as_json(const Figures& figures) {
  return "{" + members(rows(figures)) + ", \"faults\": {" + members(fault_rows(figures)) + "}}\n";
}

}  // namespace kontor::sim

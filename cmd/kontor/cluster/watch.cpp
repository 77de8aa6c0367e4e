#include "cmd/kontor/cluster/watch.hpp"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <thread>
#include <vector>

#include <boost/json.hpp>

#include "cmd/kontor/client/url.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/terminal.hpp"

namespace kontor::cmd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLookEvery{1};
constexpr int kLooksPerLine = 2;    // Where no terminal shows them.
constexpr double kTimeoutMaxS = 1;  // A node that is frozen must not hold up what is shown of the others.
constexpr std::string_view kCommitted = "kontor_outcomes_total{outcome=\"committed\"}";

/// A node as the last look showed it.
struct Seen {
  std::string name;  ///< As it was given, or its URL, until it has said what it is called.
  client::Caller caller;
  bool up = false;
  std::size_t links = 0, peers = 0;
  double round_trip_us = 0;  ///< To the slowest peer.
  std::int64_t in_doubt = 0;
  double committed = -1;  ///< Below 0: not known.
  double per_s = 0;
  Clock::time_point at;
};

/// A figure of the metrics' text; below 0: it is not there.
double figure_in(std::string_view text, std::string_view name) {
  const auto at = text.find(std::string("\n") + std::string(name) + " ");
  double value = -1;
  if (at != text.npos) std::from_chars(text.data() + at + name.size() + 2, text.data() + text.size(), value);
  return value;
}

void look_at_links(Seen& node, const boost::json::object& status) {
  if (const auto* name = status.if_contains("node"); name && name->is_string()) node.name = name->as_string();
  if (const auto* doubt = status.if_contains("in_doubt"); doubt && doubt->is_int64()) node.in_doubt = doubt->as_int64();
  const auto* peers = status.if_contains("peers");
  node.links = node.peers = 0, node.round_trip_us = 0;
  for (const auto& peer : peers && peers->is_array() ? peers->as_array() : boost::json::array()) {
    ++node.peers;
    if (!peer.at("connected").as_bool()) continue;
    ++node.links;
    node.round_trip_us = std::max(node.round_trip_us, peer.at("round_trip_us").to_number<double>());
  }
}

void look(Seen& node) {
  const client::Reply status = node.caller.get("/v1/cluster");
  const auto object = status.object();
  node.up = status.status == 200 && object;
  const auto now = Clock::now();
  const double before = std::exchange(node.committed, -1);
  node.per_s = 0;
  if (!node.up) return;
  look_at_links(node, *object);
  node.committed = figure_in(node.caller.get("/metrics").body, kCommitted);
  const double span_s = std::chrono::duration<double>(now - node.at).count();
  node.at = now;
  // A node that was started again counts from the beginning.
  if (before >= 0 && node.committed >= before && span_s > 0) node.per_s = (node.committed - before) / span_s;
}

std::string count(double value) { return grouped(static_cast<std::uint64_t>(std::max(value, 0.0))); }

double total(const std::vector<Seen>& nodes) {
  double sum = 0;
  for (const Seen& node : nodes) sum += node.per_s;
  return sum;
}

/// The table, and how many lines it has.
std::string table_of(const std::vector<Seen>& nodes, bool colour, std::size_t& lines) {
  Table table({Table::Align::left, Table::Align::left, Table::Align::right, Table::Align::right, Table::Align::right,
               Table::Align::right});
  table.row({{"node", Tone::strong},
             "",
             {"links", Tone::strong},
             {"round trip, ms", Tone::strong},
             {"in doubt", Tone::strong},
             {"committed/s", Tone::strong}});
  for (const Seen& node : nodes) {
    if (!node.up) {
      table.row({node.name, {"down", Tone::bad}, "", "", "", ""});
      continue;
    }
    table.row({node.name,
               {"up", Tone::good},
               {std::to_string(node.links) + " of " + std::to_string(node.peers),
                node.links == node.peers ? Tone::plain : Tone::bad},
               decimal(node.round_trip_us / 1e3, 2),
               grouped(static_cast<std::uint64_t>(node.in_doubt)),
               count(node.per_s)});
  }
  table.row({"all", "", "", "", "", {count(total(nodes)), Tone::strong}});
  std::string text = table.text(colour);
  lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  return text;
}

std::string line_of(const std::vector<Seen>& nodes) {
  std::string out = count(total(nodes)) + "/s";
  for (const Seen& node : nodes) {
    out += "; " + node.name;
    if (!node.up) {
      out += " down";
      continue;
    }
    out += ": links " + std::to_string(node.links) + "/" + std::to_string(node.peers) + ", " +
           decimal(node.round_trip_us / 1e3, 2) + " ms, in doubt " + std::to_string(node.in_doubt) + ", " +
           count(node.per_s) + "/s";
  }
  return out + "\n";
}

/// None: an option cannot be used.
std::vector<Seen> nodes_of(const WatchOptions& options, std::string& why) {
  std::vector<Seen> nodes;
  for (const std::string& one : client::listed(options.call.url)) {
    client::CallOptions call = options.call;
    const auto equals = one.find("=http");  // NAME=URL: to be called so before it has said its name.
    const std::string name = one.substr(0, equals == one.npos ? 0 : equals);
    call.url = one.substr(name.empty() ? 0 : equals + 1);
    call.retries = 0, call.timeout_s = std::min(call.timeout_s, kTimeoutMaxS);
    auto caller = client::Caller::make(call, why);
    if (!caller) return {};
    nodes.push_back({name.empty() ? call.url : name, std::move(*caller)});
  }
  return nodes;
}

}  // namespace

int watch_cluster(const WatchOptions& options, const std::atomic<bool>& stop) {
  std::string why;
  std::vector<Seen> nodes = nodes_of(options, why);
  if (nodes.empty()) {
    std::cerr << "kontor cluster status: " << (why.empty() ? "--url names no node" : why) << '\n';
    return kExitUsage;
  }
  const bool terminal = is_terminal(stdout);
  const auto start = Clock::now();
  std::size_t lines = 0;
  for (int looks = 0; !stop; ++looks) {
    for (Seen& node : nodes) look(node);
    if (terminal) {
      if (lines > 0) std::cout << "\033[" << lines << "A\033[J";  // Back to the table's first line, and away with it.
      std::cout << table_of(nodes, wants_colour(stdout), lines) << std::flush;
    } else if (looks % kLooksPerLine == 1) {
      std::cout << line_of(nodes) << std::flush;
    }
    const auto next = start + (looks + 1) * kLookEvery;
    const auto end = options.duration.count() > 0 ? start + options.duration : Clock::time_point::max();
    if (next >= end) return kExitOk;
    while (!stop && Clock::now() < next) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return kExitInterrupted;
}

}  // namespace kontor::cmd

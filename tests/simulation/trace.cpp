#include "tests/simulation/trace.hpp"

#include <algorithm>
#include <cstdio>

namespace kontor::sim {
namespace {

std::string place(int where) { return where == Trace::kClient ? "client" : "shard " + std::to_string(where); }

std::string time_text(std::int64_t at_us) {
  char text[32];
  std::snprintf(text, sizeof text, "%10.3f ms  ", static_cast<double>(at_us) / 1'000);
  return text;
}

constexpr std::size_t kColumn = 18;
std::size_t column(int where) { return static_cast<std::size_t>(where + 1) * kColumn + 4; }

std::string arrow(const Trace::Event& event, std::size_t width) {
  std::string line(width, ' ');
  for (std::size_t at = 4; at < width; at += kColumn) line[at] = '|';
  const std::size_t from = column(event.from), to = column(event.to);
  const auto [left, right] = std::minmax(from, to);
  for (std::size_t at = left + 1; at < right; ++at) line[at] = '-';
  line[from] = '*', line[to] = from < to ? '>' : '<';
  return line;
}

std::string mark(const Trace::Event& event, std::size_t width) {
  std::string line(width, ' ');
  for (std::size_t at = 4; at < width; at += kColumn) line[at] = '|';
  if (event.from != Trace::kNowhere) line[column(event.from)] = '#';
  return line;
}

}  // namespace

std::string as_text(const Trace& trace) {
  std::string out;
  for (const Trace::Event& event : trace.events()) {
    out += time_text(event.at_us);
    if (event.from != Trace::kNowhere) out += place(event.from);
    if (event.to != Trace::kNowhere) out += " -> " + place(event.to);
    out += "  " + event.what + "\n";
  }
  return out;
}

std::string as_diagram(const Trace& trace, std::uint16_t shards, std::size_t most) {
  const std::size_t width = column(shards - 1) + 4;
  std::string head(width, ' ');
  head.replace(2, 6, "client");
  for (int shard = 0; shard < shards; ++shard) head.replace(column(shard) - 3, 7, "shard " + std::to_string(shard));
  std::string out = std::string(time_text(0).size(), ' ') + head + "\n";
  const auto& events = trace.events();
  for (std::size_t i = events.size() > most ? events.size() - most : 0; i < events.size(); ++i) {
    const bool crosses = events[i].to != Trace::kNowhere && events[i].from != Trace::kNowhere;
    out += time_text(events[i].at_us) + (crosses ? arrow(events[i], width) : mark(events[i], width)) + "  " +
           events[i].what + "\n";
  }
  return out;
}

}  // namespace kontor::sim

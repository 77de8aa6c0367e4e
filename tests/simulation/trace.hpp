#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace kontor::sim {

/// What happened in a run, event by event: always as a hash, and as words when asked for.
class Trace {
 public:
  struct Event {
    std::int64_t at_us = 0;
    int from = kNowhere, to = kNowhere;  ///< Shards, or kClient.
    std::string what;
  };
  static constexpr int kNowhere = -2, kClient = -1;

  explicit Trace(bool keep = false) : keep_(keep) {}
  bool keeps() const { return keep_; }

  /// `words()` is called only when the trace is kept.
  template <class Words>
  void add(std::int64_t at_ns, std::string_view kind, int from, int to, std::uint64_t number, const Words& words) {
    mix(static_cast<std::uint64_t>(at_ns));
    std::uint64_t first_letters = 0;
    std::memcpy(&first_letters, kind.data(), std::min(kind.size(), sizeof first_letters));
    mix(first_letters);
    mix(static_cast<std::uint64_t>(from) << 32 ^ static_cast<std::uint32_t>(to));
    mix(number);
    if (keep_) events_.push_back({at_ns / 1'000, from, to, std::string(kind) + words()});
  }
  void add(std::int64_t at_ns, std::string_view kind, int from, int to, std::uint64_t number) {
    add(at_ns, kind, from, to, number, [] { return std::string(); });
  }
  void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3u + (hash_ >> 47); }

  std::uint64_t hash() const { return hash_; }
  const std::vector<Event>& events() const { return events_; }

 private:
  bool keep_;
  std::uint64_t hash_ = 0xcbf29ce484222325u;
  std::vector<Event> events_;
};

/// One event a line.
std::string as_text(const Trace& trace);
/// The last `most` events as a message sequence diagram, one column a shard.
std::string as_diagram(const Trace& trace, std::uint16_t shards, std::size_t most);

}  // namespace kontor::sim

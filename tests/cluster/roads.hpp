#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace kontor::tests {

/// The network between the nodes of a test: a TCP proxy for each pair, which can be slow, silent, deaf in one
/// direction, or cut its connections. What a silent road has taken in it delivers when it heals, late: as a network
/// does whose packets are sent again. Any thread.
class Roads {
 public:
  Roads();
  ~Roads();
  Roads(const Roads&) = delete;
  Roads& operator=(const Roads&) = delete;

  /// On which port of 127.0.0.1 `dialler` finds the node that listens on `host` and `port`. `network`: where the
  /// dialler is, if it is in a network namespace of its own; the road begins there.
  std::uint16_t between(std::size_t dialler, std::size_t listener, const std::string& host, std::uint16_t port,
                        std::optional<int> network);

  /// Nothing arrives any more, in either direction, on old connections and new ones.
  void silence(std::size_t a, std::size_t b);
  /// Nothing that `from` says arrives at `to`; the other way nothing is amiss.
  void silence_one_way(std::size_t from, std::size_t to);
  /// Everything arrives so much later, in each direction.
  void delay(std::chrono::milliseconds by);
  /// All connections of the pair end at once; new ones are taken.
  void cut(std::size_t a, std::size_t b);
  /// All roads are as new. What was held back is on its way.
  void heal();

  /// Bytes that have arrived at either end, over all roads.
  std::uint64_t carried() const;

 private:
  class Road;
  struct Network;
  Road& road(std::size_t a, std::size_t b) const;

  std::unique_ptr<Network> network_;
  std::map<std::pair<std::size_t, std::size_t>, std::unique_ptr<Road>> roads_;  ///< By dialler and listener.
  std::thread thread_;
};

}  // namespace kontor::tests

#pragma once
#include <cstdint>

namespace kontor::sim {

/// A stream of numbers from a seed, the same with every compiler (splitmix64, Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  /// A stream of its own for one purpose, so that more draws for one thing do not change another.
  Random(std::uint64_t seed, std::uint64_t purpose) : state_(seed ^ (purpose * 0xd1342543de82ef95u)) { next(); }

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint32_t below(std::uint32_t count) {
    return static_cast<std::uint32_t>(((next() >> 32) * std::uint64_t{count}) >> 32);
  }
  std::size_t index(std::size_t count) { return below(static_cast<std::uint32_t>(count)); }
  /// From `least` to `most`, both possible.
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(most - least + 1));
  }
  bool chance(unsigned per_mille) { return below(1'000) < per_mille; }

 private:
  std::uint64_t state_;
};

}  // namespace kontor::sim

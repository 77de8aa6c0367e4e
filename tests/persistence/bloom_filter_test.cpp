#include "persistence/bloom_filter.hpp"

#include <random>

#include "tests/support/catch.hpp"

using namespace kontor::persistence;

TEST_CASE("bloom_filter: no false no, and few a false yes when full", "[persistence][bloom_filter]") {
  constexpr std::size_t kKeys = 1u << 20;
  std::mt19937_64 random(1);
  BloomFilter filter(kKeys);
  REQUIRE(filter.capacity() == kKeys);
  std::vector<std::uint64_t> marked(kKeys);
  for (std::uint64_t& hash : marked) filter.mark(hash = random());
  CHECK(std::all_of(marked.begin(), marked.end(), [&](std::uint64_t hash) { return filter.maybe(hash); }));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kKeys; ++i) wrong += filter.maybe(random());
  CAPTURE(static_cast<double>(wrong) / kKeys);
  CHECK(wrong < kKeys / 500);  // 0.2 %.
}

TEST_CASE("bloom_filter: a chain grows by doubling and forgets nothing", "[persistence][bloom_filter]") {
  std::mt19937_64 random(2);
  BloomFilterChain chain(64);
  std::vector<std::uint64_t> marked(64 * 30);
  for (std::uint64_t& hash : marked) {
    chain.mark(hash = random());
    chain.mark(hash);  // Again: counts once.
  }
  CHECK(std::all_of(marked.begin(), marked.end(), [&](std::uint64_t hash) { return chain.maybe(hash); }));
  CHECK(chain.filters() == 5);  // 64 + 128 + ... + 1024.
  std::size_t wrong = 0;
  for (int i = 0; i < 100'000; ++i) wrong += chain.maybe(random());
  CHECK(wrong < 1000);
}

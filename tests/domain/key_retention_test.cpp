#include "domain/key_retention.hpp"

#include <map>
#include <random>

#include "domain/limits.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kS = 1'000'000'000;

/// What the machine makes of one look, stored at once if it wants to be.
Position look(KeyRetention& keys, std::int64_t ran_ns, Position decided_before) {
  keys.look(ran_ns, decided_before);
  return keys.store().forgotten_before;
}

}  // namespace

TEST_CASE("key_retention: what is as old as the retention is forgotten, what is younger is not", "[domain][keys]") {
  KeyRetention keys(100s, {});
  CHECK(look(keys, 0, 1) == 0);
  CHECK(look(keys, 10 * kS, 5) == 0);  // 1 to 4 are decided: at ten seconds at the latest.
  CHECK(look(keys, 99 * kS, 9) == 0);
  CHECK(look(keys, 110 * kS - 1, 9) == 1);
  CHECK(look(keys, 110 * kS, 9) == 5);
  CHECK(look(keys, 199 * kS - 1, 9) == 5);
  CHECK(look(keys, 199 * kS, 9) == 9);
  CHECK(look(keys, 900 * kS, 9) == 9);  // Nothing new: nothing to forget.
}

TEST_CASE("key_retention: 0 is for ever, and stores nothing", "[domain][keys]") {
  KeyRetention keys(0s, {7 * kS, 3, {{5 * kS, 8}}});
  CHECK_FALSE(keys.look(0, 9));
  CHECK_FALSE(keys.look(std::int64_t{1} << 61, 1'000));
  CHECK(keys.store() == KeyAges{7 * kS, 3, {{5 * kS, 8}}});  // What is forgotten stays forgotten.
}

TEST_CASE("key_retention: what is in doubt holds up what came after it, and is young when it ends", "[domain][keys]") {
  KeyRetention keys(100s, {});
  look(keys, 0, 5);
  for (std::int64_t s = 1; s < 1'000; ++s) CHECK(look(keys, s * kS, 5) <= 5);
  CHECK(look(keys, 1'000 * kS, 900) == 5);  // It has ended.
  CHECK(look(keys, 1'099 * kS, 950) == 5);
  CHECK(look(keys, 1'100 * kS, 950) == 900);
}

TEST_CASE("key_retention: time counts only while the shard runs, over its lives", "[domain][keys]") {
  KeyRetention first(100s, {});
  look(first, 0, 1);
  look(first, 60 * kS, 5);
  const KeyAges stored = first.store();
  CHECK(stored.age_ns == 60 * kS);
  KeyRetention second(100s, stored);
  CHECK(look(second, 0, 7) == 0);  // 5 and 6 were written behind what was stored last.
  CHECK(look(second, 100 * kS - 1, 7) == 1);
  CHECK(look(second, 100 * kS, 7) == 7);
}

TEST_CASE("key_retention: another retention in the next life", "[domain][keys]") {
  KeyAges stored{500 * kS, 10, {{420 * kS, 20}, {460 * kS, 30}}};
  SECTION("shorter: more is forgotten at once") {
    KeyRetention keys(50s, stored);
    CHECK(look(keys, 0, 40) == 20);
    CHECK(look(keys, 10 * kS, 40) == 30);
  }
  SECTION("longer: what is forgotten stays forgotten, the rest stays longer") {
    KeyRetention keys(1'000s, stored);
    CHECK(look(keys, 919 * kS, 40) == 10);
    CHECK(look(keys, 920 * kS, 40) == 20);
  }
}

TEST_CASE("key_retention: it wants to be stored when it marks or forgets, and once a minute of work",
          "[domain][keys]") {
  KeyRetention keys(6'400s, {});
  CHECK(keys.look(0, 1));
  CHECK(keys.look(1, 2));  // Until somebody does.
  keys.store();
  CHECK_FALSE(keys.look(2, 2));
  constexpr std::int64_t kEveryNs = std::chrono::nanoseconds(kKeyAgesStoredEvery).count();
  CHECK_FALSE(keys.look(kEveryNs - kS, 3));  // The newest mark moves on.
  CHECK(keys.look(kEveryNs + kS, 4));
  CHECK(keys.store().age_ns == 61 * kS);
  CHECK_FALSE(keys.look(62 * kS, 4));
  CHECK(keys.look(130 * kS, 5));  // A new one.
  keys.store();
  CHECK(keys.look(6'401 * kS, 5));  // Something is forgotten.
}

TEST_CASE("key_retention: never early, at most a 64th late, in bounded memory", "[domain][keys]") {
  const std::uint64_t seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u);
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  constexpr std::int64_t kRetentionNs = 10'000, kApartNs = kRetentionNs / kKeyMarksPerRetention + 1;
  auto keys = std::make_unique<KeyRetention>(std::chrono::nanoseconds(kRetentionNs), KeyAges{});
  std::multimap<std::int64_t, Position> effects;  // By when they were seen: true time in which the shard has run.
  std::int64_t true_ns = 0, begun_ns = 0;
  Position next = 1, forgotten = 0;
  KeyAges stored;
  const auto checked = [&] {
    if (keys->look(true_ns - begun_ns, next)) stored = keys->store();
    REQUIRE(stored.forgotten_before >= forgotten);
    forgotten = stored.forgotten_before;
    REQUIRE(stored.marks.size() <= 2 * kKeyMarksPerRetention + 2);
    for (const auto& [seen_ns, position] : effects)
      if (true_ns - seen_ns < kRetentionNs && position < forgotten) FAIL(position << " is forgotten early");
  };
  checked();
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t pause = random() % 100;
    true_ns += pause == 0 ? static_cast<std::int64_t>(random() % 4'000) : static_cast<std::int64_t>(random() % 30);
    checked();
    effects.emplace(true_ns, next++);
    checked();
    if (random() % 500 == 0) {  // A crash: what was not stored is lost.
      keys = std::make_unique<KeyRetention>(std::chrono::nanoseconds(kRetentionNs), stored);
      begun_ns = true_ns;
      effects.erase(effects.begin(), effects.lower_bound(true_ns - kRetentionNs));
      keys->look(0, next);
    } else if (begun_ns == 0) {  // No crash so far: nothing of the age was lost.
      while (!effects.empty() && effects.begin()->second < forgotten) effects.erase(effects.begin());
      if (!effects.empty()) REQUIRE(true_ns - effects.begin()->first <= kRetentionNs + 2 * kApartNs + 60);
    }
  }
  CHECK(forgotten > next / 2);
}

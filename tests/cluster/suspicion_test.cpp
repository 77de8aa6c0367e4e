// The accrual failure detector: what it says of silences, on any road.
#include "actors/cluster/suspicion.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "actors/cluster/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/property.hpp"

namespace kontor::actors {
namespace {

using Time = Suspicion::Time;
using std::chrono::milliseconds;

/// Heard after each of these silences, in microseconds. `end`: when last.
Suspicion after(const std::vector<int>& silences_us, Time& end) {
  Suspicion suspicion;
  end = Time(5'000'000);
  suspicion.begin(end);
  for (const int silence : silences_us) suspicion.heard(end += Time(silence));
  return suspicion;
}

/// The least silence, in whole milliseconds, after which it is suspected; up to ten seconds.
int suspected_after_ms(const Suspicion& suspicion, Time end) {
  for (int ms = 0; ms < 10'000; ++ms)
    if (suspicion.phi(end + milliseconds(ms)) >= kPhiGone) return ms;
  return 10'000;
}

const auto any_silences = [] { return rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 2'000'000)); };

}  // namespace

TEST_CASE("suspicion: it follows the normal distribution", "[cluster][link]") {
  Time end{};
  const Suspicion suspicion = after(std::vector<int>(100, 200'000), end);  // Even beats: the least deviation, 100 ms.
  CHECK(suspicion.phi(end + milliseconds(200)) == Approx(0.30103).epsilon(1e-4));  // The mean: one in two is longer.
  CHECK(suspicion.phi(end + milliseconds(300)) == Approx(0.79955).epsilon(1e-4));  // One deviation: 15.87 %.
  CHECK(suspicion.phi(end + milliseconds(500)) == Approx(2.86970).epsilon(1e-4));  // Three: 0.135 %.
  CHECK(suspected_after_ms(suspicion, end) == 762);                                // 5.612 deviations: 10^-8.
}

TEST_CASE("suspicion: a road with long pauses gets more patience", "[cluster][link]") {
  std::vector<int> even(200, 150'000), uneven = even;
  for (std::size_t i = 0; i < uneven.size(); i += 10) uneven[i] = 900'000;
  Time end{}, other_end{};
  const Suspicion calm = after(even, end), rough = after(uneven, other_end);
  CHECK(suspected_after_ms(calm, end) < 800);
  CHECK(suspected_after_ms(rough, other_end) > 1'400);
}

TEST_CASE("suspicion: it forgets what the road was like long ago, and all at a new connection", "[cluster][link]") {
  std::vector<int> silences(300, 900'000);
  silences.insert(silences.end(), Suspicion::kSilencesKept, 150'000);
  Time end{};
  Suspicion suspicion = after(silences, end);
  CHECK(suspicion.silences() == Suspicion::kSilencesKept);
  CHECK(suspected_after_ms(suspicion, end) == 712);
  suspicion.begin(end);
  CHECK(suspicion.silences() == 0);
  CHECK(suspicion.phi(end + milliseconds(5'000)) == 0);
}

TEST_CASE("suspicion: a peer that talks all the time is not suspected for a breath", "[cluster][link]") {
  Time end{};
  const Suspicion busy = after(std::vector<int>(100'000, 20), end);  // 50,000 messages a second.
  CHECK(busy.silences() == 20);                                      // Two seconds.
  CHECK(busy.phi(end + milliseconds(100)) < 1);
  CHECK(suspected_after_ms(busy, end) > 600);
}

TEST_CASE("suspicion: while nothing is heard it never falls, and is a number", "[cluster][link]") {
  tests::property("suspicion never falls, and is a number", 100, [] {
    Time end{};
    const Suspicion suspicion = after(*any_silences(), end);
    double before = 0;
    for (Time now = end; now < end + Time(20'000'000); now += Time(250'000)) {
      const double phi = suspicion.phi(now);
      RC_ASSERT(std::isfinite(phi));
      RC_ASSERT(phi >= before);
      RC_ASSERT(phi <= Suspicion::kPhiMax);
      before = phi;
    }
    if (suspicion.silences() >= Suspicion::kSilencesMin) RC_ASSERT(before > 1);
  });
}

TEST_CASE("suspicion: what is heard ends it", "[cluster][link]") {
  tests::property("what is heard ends a suspicion", 100, [] {
    Time end{};
    Suspicion suspicion = after(*any_silences(), end);
    const Time later = end + Time(*rc::gen::inRange(0, 30'000'000));
    suspicion.heard(later);
    RC_ASSERT(suspicion.phi(later) == 0);
    suspicion.heard(end);  // A clock that was read earlier changes nothing.
    RC_ASSERT(suspicion.phi(later) == 0);
  });
}

TEST_CASE("suspicion: wrong ones are as rare as it says", "[cluster][link]") {
  std::mt19937 random(11);
  std::normal_distribution<double> silence(400'000, 120'000);
  Suspicion suspicion;
  Time now{0};
  suspicion.begin(now);
  int wrong = 0;
  constexpr int kBeats = 200'000;
  for (int i = 0; i < kBeats; ++i) {
    now += Time(std::max(100'000, static_cast<int>(silence(random))));
    if (suspicion.phi(now) >= 2) ++wrong;  // Just before it is heard. Phi 2: one in a hundred.
    suspicion.heard(now);
  }
  CHECK(wrong > kBeats / 100 / 2);
  CHECK(wrong < kBeats / 100 * 2);
}

}  // namespace kontor::actors

// SIGKILL at random points, again and again on the same directory: what was answered is there, nothing is half there.
#include <chrono>
#include <random>
#include <thread>

#include "cmd/kontor/child.hpp"
#include "tests/faults/answered.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::testing {
namespace {

using namespace std::chrono_literals;
using cmd::Child;

constexpr int kCycles = 25;  // For each number of shards: 50 in all.

Child start_shop(const std::filesystem::path& dir, int shards) {
  auto child = Child::start(KONTOR_ENGINE_CHILD, {dir.string(), std::to_string(shards), "100000000", "64"});
  REQUIRE(child);
  return std::move(*child);
}

/// Reads what the child still has in its pipe after its death.
void drain(Child& child, std::vector<AnsweredCheckout>& answered) {
  while (auto line = child.line(5s)) read_answered(*line, answered);
}

}  // namespace

TEST_CASE("engine: fifty times killed under load, every answered checkout is there", "[faults]") {
  const int shards = GENERATE(1, 3);
  const TempDir dir;
  std::mt19937 random(static_cast<unsigned>(shards));
  std::vector<AnsweredCheckout> answered;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    CAPTURE(shards, cycle);
    Child child = start_shop(dir.path(), shards);
    if (cycle % 3 == 2) {  // In recovery, or just after: before anything was said.
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
    } else {
      const std::size_t until = answered.size() + 1 + random() % 400;
      while (answered.size() < until) {
        const auto line = child.line(60s);
        REQUIRE(line);
        read_answered(*line, answered);
      }
    }
    child.kill();
    drain(child, answered);
    child.wait();
    if (answered.empty()) continue;
    check_directory(dir.path(), answered);
  }
  CHECK(answered.size() > 1'000);
}

}  // namespace kontor::testing

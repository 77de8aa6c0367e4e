// Every write of a short run of the whole engine fails once: the process stops with a clear message and nothing that it
// answered was wrong.
#include <fstream>

#include "cmd/kontor/child.hpp"
#include "tests/faults/answered.hpp"
#include "tests/support/engine_child.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::testing {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

struct Fault {
  const char* name;
  std::vector<std::string> environment;
};

struct Ended {
  int exit_code = 0;
  long calls = 0;
  std::vector<AnsweredCheckout> answered;
  std::size_t refused = 0;  ///< With storage_full: room could not be reserved ahead.
  std::string output;       ///< What was not an answer, standard error included.
};

Ended run(const std::filesystem::path& dir, const Fault& fault, long nth, int shards) {
  const std::string count_file = dir.string() + ".count";
  std::string command = "KONTOR_FAULT_NTH=" + std::to_string(nth) + " KONTOR_FAULT_COUNT_FILE=" + count_file;
  for (const std::string& word : fault.environment) command += " " + word;
  const char* asan = std::getenv("ASAN_OPTIONS");
  command += " ASAN_OPTIONS=verify_asan_link_order=0" + (asan == nullptr ? "" : ":" + std::string(asan));
  command = "exec env " + command + " LD_PRELOAD=" + KONTOR_FAULT_INTERPOSER + " " + KONTOR_ENGINE_CHILD + " " +
            dir.string() + " " + std::to_string(shards) + " 40 4 2>&1";
  auto child = cmd::Child::start("/bin/sh", {"-c", command});
  REQUIRE(child);
  Ended ended;
  while (auto line = child->line(60s)) {
    if (read_answered(*line, ended.answered)) continue;
    if (line->starts_with("aborted ") && line->ends_with(" storage_full")) {
      ++ended.refused;
    } else {
      ended.output += *line + "\n";
    }
  }
  ended.exit_code = child->wait();
  std::ifstream(count_file) >> ended.calls;
  std::filesystem::remove(count_file);
  return ended;
}

/// All writes are tried with one shard, every seventh with three, which write three times as often.
long step_of(int shards) { return shards == 1 ? 1 : 7; }

}  // namespace

TEST_CASE("engine: whichever write fails, it stops, says so, and no answer was wrong", "[faults]") {
  const int shards = GENERATE(1, 3);
  const auto fault = GENERATE(values<Fault>({
      {"EIO", {"KONTOR_FAULT_ERRNO=EIO"}},
      {"ENOSPC", {"KONTOR_FAULT_ERRNO=ENOSPC"}},
      {"EIO after effect", {"KONTOR_FAULT_ERRNO=EIO", "KONTOR_FAULT_AFTER_EFFECT=1"}},
  }));
  long stopped = 0;
  for (long nth = 1;; nth += step_of(shards)) {
    const TempDir dir;
    const std::filesystem::path shop = dir.path() / "shop";
    const Ended ended = run(shop, fault, nth, shards);
    CAPTURE(shards, fault.name, nth, ended.exit_code);
    INFO(ended.output);
    REQUIRE(ended.calls > 0);
    switch (ended.exit_code) {
      case 0: CHECK(ended.answered.size() + ended.refused == 40); break;  // No harm, or no room ahead for a moment.
      case kEngineFatalExit:
        ++stopped;
        CHECK_THAT(ended.output, Contains("journal failed") && Contains("data.mdb"));
        break;
      case kEngineChildRefusedExit: CHECK_THAT(ended.output, Contains("refused") && Contains("data.mdb")); break;
      default: FAIL("unexpected end");
    }
    if (!ended.answered.empty()) check_directory(shop, ended.answered);
    if (ended.calls < nth) break;
    REQUIRE(nth < 2'000);
  }
  CHECK(stopped >= 10);
}

}  // namespace kontor::testing

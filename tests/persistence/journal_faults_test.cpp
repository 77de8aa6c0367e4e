// Every write of a short run fails once, in every way: what was announced must be there, and the store must open.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "persistence/store.hpp"
#include "tests/persistence/lmdb_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/journal_child.hpp"

namespace kontor::persistence {
namespace {

using namespace testing;
using Catch::Matchers::Contains;

constexpr Position kRecords = 14;

struct Fault {
  const char* name;
  std::vector<std::string> environment;
  const char* error;  ///< What the message must say.
};

struct Outcome {
  int exit_code = -1;  ///< Negative: ended by a signal.
  Position announced = 0;
  bool full = false;
  std::string message;  ///< Of the journal's failure or of the refusal to open.
  long calls = 0;       ///< Writes that were counted.
};

std::string environment_of(const Fault& fault, long nth, const std::filesystem::path& count_file) {
  std::string words = "KONTOR_FAULT_NTH=" + std::to_string(nth) + " KONTOR_FAULT_COUNT_FILE=" + count_file.string();
  for (const std::string& word : fault.environment) words += " " + word;
  // A preloaded library comes before the sanitizer's, which is then only a warning to it.
  const char* asan = std::getenv("ASAN_OPTIONS");
  words += " ASAN_OPTIONS=verify_asan_link_order=0" + (asan == nullptr ? "" : ":" + std::string(asan));
  return words + " LD_PRELOAD=" KONTOR_FAULT_INTERPOSER;
}

Outcome run_child(const std::filesystem::path& dir, const Fault& fault, long nth) {
  const std::filesystem::path count_file = dir.string() + ".count";
  const std::string command = "exec env " + environment_of(fault, nth, count_file) + " " KONTOR_JOURNAL_CHILD " " +
                              dir.string() + " " + std::to_string(kRecords);
  Outcome outcome;
  std::FILE* out = ::popen(command.c_str(), "re");
  REQUIRE(out != nullptr);
  char line[4'096];
  while (std::fgets(line, sizeof line, out) != nullptr) {
    const std::string text(line);
    if (text.starts_with("durable ")) outcome.announced = std::stoull(text.substr(8));
    if (text.starts_with("failed ") || text.starts_with("refused ")) outcome.message = text;
    outcome.full = outcome.full || text == "full\n";
  }
  const int status = ::pclose(out);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::ifstream(count_file) >> outcome.calls;
  std::filesystem::remove(count_file);
  return outcome;
}

/// Without faults: opens the store and looks for every record that was announced.
void check_store(const std::filesystem::path& dir, Position announced) {
  std::string why;
  const auto store = Store::open({dir, 16u << 20}, &why);
  INFO(why);
  REQUIRE(store);
  const Store::Reader reader(**store);
  for (Position p = child_truncates_before(kRecords); p <= announced; ++p) {
    const auto record = reader.get(child_stream(p), p);
    INFO("position " << p << " of " << announced);
    REQUIRE(record);
    CHECK(record->payload == child_payload(p));
    CHECK(record->header.written_at_ns == static_cast<std::int64_t>(p));
  }
  for (std::size_t s = 0; s < kStreams; ++s)  // What was not announced may be there, but whole.
    CHECK(reader.scan(static_cast<Stream>(s), 0,
                      [](const Record& record) { return record.payload == child_payload(record.header.key); }));
}

void check_outcome(const Outcome& outcome, const Fault& fault, const std::filesystem::path& dir) {
  switch (outcome.exit_code) {
    case 0: CHECK(outcome.announced == kRecords); return;  // The file could not be grown ahead: no harm yet.
    case kChildFailedExit:
    case kChildRefusedExit:
      CHECK_THAT(outcome.message, Contains((dir / "data.mdb").string()) && Contains(fault.error));
      return;
    default: FAIL("exit code " << outcome.exit_code << ": " << outcome.message);
  }
}

}  // namespace

TEST_CASE("journal: whichever write fails, what was announced is kept and the store opens", "[persistence][journal]") {
  const auto fault = GENERATE(values<Fault>({
      {"EIO", {"KONTOR_FAULT_ERRNO=EIO"}, "Input/output error"},
      {"EIO after effect", {"KONTOR_FAULT_ERRNO=EIO", "KONTOR_FAULT_AFTER_EFFECT=1"}, "Input/output error"},
      {"ENOSPC", {"KONTOR_FAULT_ERRNO=ENOSPC"}, "No space left on device"},
      {"ENOSPC after effect", {"KONTOR_FAULT_ERRNO=ENOSPC", "KONTOR_FAULT_AFTER_EFFECT=1"}, "No space left on device"},
      {"short write", {"KONTOR_FAULT_SHORT=1"}, ""},
      {"EIO from then on", {"KONTOR_FAULT_ERRNO=EIO", "KONTOR_FAULT_STICKY=1"}, "Input/output error"},
      {"full from then on", {"KONTOR_FAULT_ERRNO=ENOSPC", "KONTOR_FAULT_STICKY=1"}, "No space left on device"},
  }));
  long failed = 0, refused = 0, harmless = 0;  // The last run has no fault.
  for (long nth = 1;; ++nth) {
    const TempDir dir;
    const Outcome outcome = run_child(dir.path() / "shard", fault, nth);
    INFO(fault.name << ", call " << nth << ": " << outcome.message);
    REQUIRE(outcome.calls > 0);
    check_outcome(outcome, fault, dir.path() / "shard");
    check_store(dir.path() / "shard", outcome.announced);
    failed += outcome.exit_code == kChildFailedExit;
    refused += outcome.exit_code == kChildRefusedExit;
    harmless += outcome.exit_code == 0;
    if (outcome.calls < nth) break;  // The fault was never reached: the run is covered.
    REQUIRE(nth < 1'000);
  }
  CHECK(refused >= 2);  // While the store was made.
  CHECK(failed >= 20);
  CHECK(harmless >= 1);
}

TEST_CASE("journal: a disk without room ahead refuses new work, and what was let in is written",
          "[persistence][journal]") {
  const Fault fault{"full",
                    {"KONTOR_FAULT_ERRNO=ENOSPC", "KONTOR_FAULT_ONLY=fallocate", "KONTOR_FAULT_STICKY=1"},
                    "No space left on device"};
  const TempDir dir;
  const Outcome outcome = run_child(dir.path() / "shard", fault, 1);
  CHECK(outcome.full);
  CHECK(outcome.exit_code == 0);
  check_store(dir.path() / "shard", kRecords);
}

}  // namespace kontor::persistence

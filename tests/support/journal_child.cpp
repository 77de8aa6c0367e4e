// Started by tests under fault_interposer: appends RECORDS records to a new store in DIR.
//   journal_child DIR RECORDS
// Prints "durable P" when after_durable says so, "failed ..." with the journal's explanation, "refused ..." when the
// store does not open, and "full" when new work would be refused. It is killed by its own failure, as the engine is.
#include "tests/support/journal_child.hpp"

#include <algorithm>
#include <cstdlib>
#include <future>
#include <iostream>
#include <string>

#include <unistd.h>

#include "persistence/journal.hpp"

namespace {

using namespace kontor;
using namespace kontor::persistence;

/// One write, so that a line is in the pipe before the process can end.
void say(std::string line) {
  line += '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ::_exit(1);
}

/// Three records a commit, always the same: each group is queued by the action that waits for the one before, on the
/// writer thread, so that the N-th write of a run is the same one every time.
class Run {
 public:
  Run(Journal& journal, Position records) : journal_(journal), records_(records) {}

  void queue_group() {
    const Position last = std::min(queued_ + 3, records_);
    while (queued_ < last) queue_record(++queued_);
    if (journal_.storage_full()) say("full");
    journal_.after_durable([this, last] {
      say("durable " + std::to_string(last));
      if (last < records_) return queue_group();
      done_.set_value();
    });
  }
  void wait() { done_.get_future().wait(); }

 private:
  void queue_record(Position p) {
    const auto written_at_ns = static_cast<std::int64_t>(p);
    journal_.append(testing::child_stream(p), RecordKind::order_prepared, testing::child_payload(p), written_at_ns);
    journal_.put(Table::accounts, "block " + std::to_string(p % 5), RecordKind::account_block, std::string(6'000, 'b'));
    if (p != records_ / 2) return;
    for (std::size_t s = 0; s < kStreams; ++s)
      journal_.truncate(static_cast<Stream>(s), testing::child_truncates_before(records_));
  }

  Journal& journal_;
  const Position records_;
  Position queued_ = 0;
  std::promise<void> done_;
};

int run(const char* dir, Position records) {
  std::string why;
  auto store = Store::open({dir, 16u << 20}, &why);
  if (!store) return say("refused " + why), testing::kChildRefusedExit;
  JournalOptions options;
  options.reserve_bytes = 256u << 10;
  options.on_failure = [](const std::string& explanation) {
    say("failed " + explanation);
    ::_exit(testing::kChildFailedExit);
  };
  Journal journal(**store, 1, std::move(options));
  Run run(journal, records);
  run.queue_group();
  journal.start();
  run.wait();
  journal.stop();
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: journal_child DIR RECORDS\n", EXIT_FAILURE;
  return run(argv[1], std::strtoull(argv[2], nullptr, 10));
}

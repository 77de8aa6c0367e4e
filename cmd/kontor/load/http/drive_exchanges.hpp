#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cmd/kontor/load/driver.hpp"
#include "cmd/kontor/load/histogram.hpp"
#include "cmd/kontor/load/http/connections.hpp"
#include "cmd/kontor/load/http/request_text.hpp"
#include "cmd/kontor/load/workload.hpp"

namespace kontor::cmd {

/// What became of the checkouts that a server was asked for. Each of them is counted once.
struct HttpTally {
  std::uint64_t committed = 0;                                ///< A status of 201 with a receipt, and nothing else.
  std::uint64_t unknown = 0;                                  ///< 202, or the answer was lost.
  std::map<std::string, std::uint64_t, std::less<>> refused;  ///< By the problem's code.
  Histogram latency;  ///< Of committed checkouts, in nanoseconds; in a batch, of the whole batch.
  std::uint64_t requests = 0;
  double elapsed_s = 0;  ///< From the first request to the last answer.

  std::uint64_t refused_total() const;
  std::uint64_t answered() const { return committed + unknown + refused_total(); }
};

/// Checkouts over all connections for a time, each connection asking for the next when the last is answered.
class DriveExchanges final : public Exchanges {
 public:
  DriveExchanges(const Workload& workload, const DriveOptions& options, RequestText& text, std::size_t connections,
                 const std::atomic<bool>& stop);

  bool next(std::size_t slot, std::string& out) override;
  void answered(std::size_t slot, unsigned status, std::string_view body) override;
  void lost(std::size_t slot) override;

  /// Until now.
  const HttpTally& tally() const { return tally_; }
  double seconds_since_start() const;
  /// At the end.
  HttpTally take();

 private:
  using Clock = std::chrono::steady_clock;
  struct Asked {
    std::size_t checkouts = 0;
    Clock::time_point at;
  };

  void count(unsigned status, std::string_view text, std::uint64_t& committed);
  std::size_t count_batch(std::string_view body, std::uint64_t& committed);

  const Workload& workload_;
  const DriveOptions& options_;
  RequestText& text_;
  const std::atomic<bool>& stop_;
  Request request_;
  std::vector<Asked> asked_;  ///< By connection.
  std::uint64_t next_ = 0;
  Clock::time_point start_, last_answer_;
  HttpTally tally_;
};

}  // namespace kontor::cmd

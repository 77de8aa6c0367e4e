#include "cmd/kontor/load/http/drive_exchanges.hpp"

#include <algorithm>
#include <charconv>

#include "cmd/kontor/load/http/seed_exchanges.hpp"

namespace kontor::cmd {
namespace {

constexpr std::string_view kReceipt = R"("outcome":"committed")";
constexpr std::string_view kStatus = R"("status":)";

/// Of a batch's line: what the single checkout would have been answered with. 0: the line has none.
unsigned status_in(std::string_view line) {
  unsigned status = 0;
  if (const auto at = line.find(kStatus); at != line.npos)
    std::from_chars(line.data() + at + kStatus.size(), line.data() + line.size(), status);
  return status;
}

}  // namespace

std::uint64_t HttpTally::refused_total() const {
  std::uint64_t sum = 0;
  for (const auto& [code, count] : refused) sum += count;
  return sum;
}

DriveExchanges::DriveExchanges(const Workload& workload, const DriveOptions& options, RequestText& text,
                               std::size_t connections, const std::atomic<bool>& stop)
    : workload_(workload), options_(options), text_(text), stop_(stop), asked_(connections) {
  start_ = last_answer_ = Clock::now();
}

double DriveExchanges::seconds_since_start() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

HttpTally DriveExchanges::take() {
  tally_.elapsed_s = std::chrono::duration<double>(last_answer_ - start_).count();
  return std::move(tally_);
}

bool DriveExchanges::next(std::size_t slot, std::string& out) {
  const auto now = Clock::now();
  if (now >= start_ + options_.duration || stop_.load(std::memory_order_relaxed)) return false;
  std::uint64_t size = std::max<std::size_t>(options_.batch_max, 1);
  if (options_.checkouts_max > 0) size = std::min(size, options_.checkouts_max - next_);
  if (size == 0) return false;
  for (std::uint64_t i = 0; i < size; ++i) {
    workload_.checkout(next_++, request_);
    if (options_.batch_max > 0) text_.add_to_batch(request_);
  }
  if (options_.batch_max > 0)
    text_.batch(out);
  else
    text_.checkout(request_, out);
  asked_[slot] = {size, now};
  ++tally_.requests;
  return true;
}

void DriveExchanges::answered(std::size_t slot, unsigned status, std::string_view body) {
  last_answer_ = Clock::now();
  const Asked& asked = asked_[slot];
  std::uint64_t committed = 0;
  if (options_.batch_max == 0) {
    count(status, body, committed);
  } else {
    const std::size_t told = status == 200 ? count_batch(body, committed) : 0;
    // A batch that is refused as a whole, or a line without an answer of its own.
    for (std::size_t i = told; i < asked.checkouts; ++i) count(status == 200 ? 0 : status, body, committed);
  }
  tally_.committed += committed;
  tally_.latency.record(static_cast<std::uint64_t>((last_answer_ - asked.at).count()), committed);
}

std::size_t DriveExchanges::count_batch(std::string_view body, std::uint64_t& committed) {
  std::size_t lines = 0;
  for (; !body.empty(); ++lines) {
    const std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(line.size() + 1, body.size()));
    count(status_in(line), line, committed);
  }
  return lines;
}

void DriveExchanges::count(unsigned status, std::string_view text, std::uint64_t& committed) {
  if (status == 201 && text.find(kReceipt) != text.npos) {
    ++committed;
    return;
  }
  if (status == 202 || status == 0) {
    ++tally_.unknown;
    return;
  }
  std::string_view code = text_member(text, "code");
  if (code.empty()) code = "no_problem_given";
  const auto found = tally_.refused.find(code);
  if (found != tally_.refused.end())
    ++found->second;
  else
    tally_.refused.emplace(code, 1);
}

void DriveExchanges::lost(std::size_t slot) { tally_.unknown += asked_[slot].checkouts; }

}  // namespace kontor::cmd

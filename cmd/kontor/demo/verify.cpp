#include "cmd/kontor/demo/verify.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace kontor::cmd {
namespace {

constexpr std::size_t kSubmitMax = 1'024;
constexpr std::size_t kInFlightMax = 16'384;
constexpr std::chrono::milliseconds kProgressEvery{100};

std::string difference(const Workload& workload, const Answered& answered, const Outcome& outcome) {
  std::string came = std::string(to_string(outcome.verdict));
  if (outcome.error.code != Errc::none) came += " " + std::string(to_string(outcome.error.code));
  if (outcome.transaction)
    came += " " + transaction_text(outcome.transaction) + (outcome.replayed ? " replayed" : " anew");
  return workload.key(answered.number).str() + " was answered as " + transaction_text(answered.transaction()) +
         ", now: " + came;
}

}  // namespace

Verification verify_answered(const Workload& workload, std::span<const Answered> answered, const Driver::Submit& submit,
                             const std::function<void(std::uint64_t)>& on_progress) {
  Verification result;
  std::mutex mutex;
  std::condition_variable changed;
  const auto take = [&](std::size_t first, std::span<const Outcome> outcomes) {
    const std::lock_guard lock(mutex);
    for (const Outcome& outcome : outcomes) {
      const Answered& expected = answered[first + outcome.index];
      const bool same =
          outcome.verdict == Verdict::committed && outcome.replayed && outcome.transaction == expected.transaction();
      same ? ++result.found : ++result.lost;
      if (!same && result.first_lost.empty()) result.first_lost = difference(workload, expected, outcome);
    }
    changed.notify_one();
  };

  std::vector<Request> requests(std::min(kSubmitMax, answered.size()));
  while (result.asked < answered.size()) {
    const std::size_t first = result.asked;
    const std::size_t size = std::min(kSubmitMax, answered.size() - first);
    for (std::size_t i = 0; i < size; ++i) workload.checkout(answered[first + i].number, requests[i]);
    submit({requests.data(), size}, [&take, first](auto outcomes) { take(first, outcomes); });
    std::unique_lock lock(mutex);
    result.asked += size;
    const std::size_t allowed = result.asked < answered.size() ? kInFlightMax : 0;
    while (result.asked - result.found - result.lost > allowed) {
      changed.wait_for(lock, kProgressEvery);
      on_progress(result.found + result.lost);
    }
  }
  return result;
}

std::vector<Answered> chosen_for_verification(std::span<const Answered> all, std::size_t count) {
  if (all.size() <= count) return {all.begin(), all.end()};
  const std::size_t newest = count / 2, spread = count - newest, older = all.size() - newest;
  std::vector<Answered> chosen;
  chosen.reserve(count);
  for (std::size_t i = 0; i < spread; ++i) chosen.push_back(all[i * older / spread]);
  chosen.insert(chosen.end(), all.end() - static_cast<std::ptrdiff_t>(newest), all.end());
  return chosen;
}

}  // namespace kontor::cmd

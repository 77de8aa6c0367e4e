#include "cmd/kontor/load/seeding.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace kontor::cmd {
namespace {

/// Far below what an engine admits, far above what keeps it busy.
constexpr std::size_t kInFlightMax = 32'768;
constexpr std::size_t kSubmitMax = 4'096;
constexpr std::chrono::milliseconds kRetryAfter{20};

/// All customers together get this in each run: much more than a run can spend, and thousands of runs stay far from
/// the largest balance.
constexpr Minor kMoneyPerRun = kAmountMinorMax;
constexpr Units kStockPerRun = kQuantityUnitsMax;
constexpr std::size_t kStockLines = 500;

IdempotencyKey key_of(std::string_view what, std::string_view whom) {
  return IdempotencyKey::unchecked(std::string(what) + "-" + std::string(whom));
}

/// Submits `total` requests, a bounded number at a time, until each had its effect, now or earlier.
class Phase {
 public:
  using Make = std::function<Request(std::size_t)>;

  Phase(const Driver::Submit& submit, std::size_t total, Make make)
      : submit_(submit), total_(total), make_(std::move(make)) {}

  Result<void> run(const std::function<void(std::size_t done)>& on_progress, std::string& explanation) {
    std::vector<std::size_t> batch;
    std::vector<Request> requests;
    while (next_batch(batch, on_progress)) {
      requests.clear();
      for (const std::size_t i : batch) requests.push_back(make_(i));
      submit_(requests, [this, batch](auto outcomes) { take(batch, outcomes); });
    }
    if (failure_.code == Errc::none) return {};
    const Request refused = make_(failed_);
    explanation = "cannot seed: " + std::string(to_string(kind_of(refused.operation))) + " with key " +
                  refused.key.str() + " was refused: " + std::string(to_string(failure_.code));
    return failure_;
  }

 private:
  /// Waits for room. False: all are answered, or one failed and nothing is in flight any more.
  bool next_batch(std::vector<std::size_t>& batch, const std::function<void(std::size_t)>& on_progress) {
    std::unique_lock lock(mutex_);
    for (;;) {
      const bool failed = failure_.code != Errc::none;
      if (in_flight_ == 0 && (failed || done_ == total_)) return false;
      const std::size_t room = kInFlightMax - in_flight_;
      const std::size_t left = retry_.size() + (total_ - next_);
      if (!failed && left > 0 && room >= std::min(left, kSubmitMax)) break;
      changed_.wait_for(lock, kRetryAfter);
      on_progress(done_);
    }
    batch.clear();
    while (!retry_.empty() && batch.size() < kSubmitMax) batch.push_back(retry_.back()), retry_.pop_back();
    while (next_ < total_ && batch.size() < kSubmitMax) batch.push_back(next_++);
    in_flight_ += batch.size();
    return true;
  }

  void take(const std::vector<std::size_t>& batch, std::span<const Outcome> outcomes) {
    const std::lock_guard lock(mutex_);
    for (const Outcome& outcome : outcomes) {
      const Advice what = advice(outcome.error.code);
      const bool again = what == Advice::retry_same_request || what == Advice::ask_for_outcome;
      if (outcome.verdict == Verdict::committed || outcome.error.code == Errc::already_exists)
        ++done_;
      else if (again && outcome.error.code != Errc::storage_full && outcome.error.code != Errc::shutting_down)
        retry_.push_back(batch[outcome.index]);
      else
        failure_ = outcome.error, failed_ = batch[outcome.index];
    }
    in_flight_ -= outcomes.size();
    changed_.notify_one();
  }

  const Driver::Submit& submit_;
  const std::size_t total_;
  const Make make_;
  std::mutex mutex_;  // Guards the rest.
  std::condition_variable changed_;
  std::vector<std::size_t> retry_;
  std::size_t next_ = 0, in_flight_ = 0, done_ = 0, failed_ = 0;
  Error failure_;
};

/// Opening and defining: the same key in every run, so that only the first has an effect.
Request creation(const Workload& load, std::size_t i) {
  const auto open = [](const AccountId& id, AccountKind kind) {
    return Request{key_of("open", id.view()), OpenAccount{id, Workload::currency(), kind, 0}};
  };
  if (i == 0) return open(load.bank(), AccountKind::external);
  i -= 1;
  if (i < load.merchants().size()) return open(load.merchants()[i], AccountKind::wallet);
  i -= load.merchants().size();
  if (i < load.customers().size()) return open(load.customers()[i], AccountKind::wallet);
  i -= load.customers().size();
  const Sku& sku = load.skus()[i];
  return {key_of("define", sku.view()), DefineProduct{sku, {Workload::price(i), Workload::currency()}}};
}

/// Money for one wallet. The poor get theirs once for all runs.
Request deposit(const Workload& load, std::size_t i) {
  const AccountId& customer = load.customers()[i];
  const auto share = kMoneyPerRun / static_cast<Minor>(load.customers().size());
  const Money amount{load.poor(i) ? 1 : share, Workload::currency()};
  return {key_of(load.poor(i) ? "deposit" : load.run_text(), customer.view()), Deposit{load.bank(), customer, amount}};
}

/// Stock of a few hundred products. The scarce ones are not among them: they get theirs one by one.
Request delivery(const Workload& load, std::size_t chunk) {
  ReceiveStock stock;
  const std::size_t end = std::min(load.skus().size(), (chunk + 1) * kStockLines);
  for (std::size_t i = chunk * kStockLines; i < end; ++i)
    if (!load.scarce(i)) stock.lines.push_back({load.skus()[i], kStockPerRun});
  return {key_of(load.run_text(), "stock-" + std::to_string(chunk)), std::move(stock)};
}

Request single_unit(const Sku& sku) { return {key_of("unit", sku.view()), ReceiveStock{{{sku, 1}}}}; }

}  // namespace

Result<void> seed(const Workload& load, const Driver::Submit& submit,
                  const std::function<void(std::uint64_t done, std::uint64_t total)>& on_progress,
                  std::string& explanation) {
  std::vector<Request> deliveries;
  for (std::size_t i = 0; i < load.skus().size(); i += kStockLines) {
    Request request = delivery(load, i / kStockLines);
    if (!std::get_if<ReceiveStock>(&request.operation)->lines.empty()) deliveries.push_back(std::move(request));
  }
  for (std::size_t i = 0; i < load.skus().size(); ++i)
    if (load.scarce(i)) deliveries.push_back(single_unit(load.skus()[i]));

  const std::size_t wallets = load.customers().size();
  const std::size_t creations = 1 + load.merchants().size() + wallets + load.skus().size();
  const std::size_t total = creations + wallets + deliveries.size();
  // What is bought and who pays must be there before the money and the goods come in.
  Phase first(submit, creations, [&](std::size_t i) { return creation(load, i); });
  const auto created = first.run([&](std::size_t done) { on_progress(done, total); }, explanation);
  if (!created) return created;
  Phase second(submit, wallets + deliveries.size(),
               [&](std::size_t i) { return i < wallets ? deposit(load, i) : deliveries[i - wallets]; });
  return second.run([&](std::size_t done) { on_progress(creations + done, total); }, explanation);
}

}  // namespace kontor::cmd

// ceiling DIR OUTSTANDING BATCH SECONDS [hot]: a closed loop against the ceiling; prints one line of JSON.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "bench/ceiling/actors.hpp"
#include "cmd/kontor/load/histogram.hpp"
#include "cmd/kontor/load/process_usage.hpp"

namespace {

using namespace kontor::ceiling;
using Clock = std::chrono::steady_clock;

struct Options {
  std::filesystem::path dir;
  std::size_t outstanding = 0, batch = 0;
  double seconds = 0;
  bool hot = false;
};

struct Measured {
  std::uint64_t committed = 0;
  double elapsed_s = 0, cpu_s = 0;
  kontor::cmd::Histogram latency;
};

class ClosedLoop {
 public:
  ClosedLoop(const Options& options, caf::scoped_actor& self, Parties& parties)
      : options_(options), self_(self), parties_(parties) {}

  Measured run() {
    Measured measured;
    const auto start = Clock::now();
    const double cpu_before_s = kontor::cmd::process_cpu_s();
    submit(options_.outstanding);
    while (in_flight_ > 0)
      self_->receive([&](const Decided& decided) {
        const auto now = Clock::now();
        const Batch& batch = *decided.batch;
        for (const Checkout& one : batch.checkouts)
          measured.latency.record(static_cast<std::uint64_t>((now - one.started).count()));
        measured.committed += static_cast<std::uint64_t>(std::count(batch.accepted.begin(), batch.accepted.end(), 1));
        in_flight_ -= batch.checkouts.size();
        if (std::chrono::duration<double>(now - start).count() < options_.seconds) submit(batch.checkouts.size());
      });
    measured.elapsed_s = std::chrono::duration<double>(Clock::now() - start).count();
    measured.cpu_s = kontor::cmd::process_cpu_s() - cpu_before_s;
    return measured;
  }

 private:
  void submit(std::size_t count) {
    in_flight_ += count;
    while (count > 0) {
      const auto now = Clock::now();
      std::vector<Checkout> checkouts(std::min(count, options_.batch));
      for (Checkout& one : checkouts) one = draw(now);
      count -= checkouts.size();
      self_->send(parties_.coordinator, Submit{std::move(checkouts)});
    }
  }

  Checkout draw(Clock::time_point now) {
    Checkout one;
    one.id = ++next_;
    one.key = {random_(), random_()};
    one.payer = below(kAccounts - kMerchants);
    one.payee = kAccounts - kMerchants + below(kMerchants);
    for (Line& line : one.lines) line = {options_.hot ? 0 : below(kSkus), 1, 100};
    one.started = now;
    return one;
  }

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  const Options& options_;
  caf::scoped_actor& self_;
  Parties& parties_;
  std::mt19937_64 random_{42};
  std::uint64_t next_ = 0;
  std::size_t in_flight_ = 0;
};

void print(const Measured& measured, const GroupCommit& journal) {
  const auto us = [&](double share) { return static_cast<double>(measured.latency.quantile(share)) / 1e3; };
  std::printf(
      "{\"committed\":%llu,\"elapsed_s\":%.3f,\"committed_per_s\":%.1f,\"cpu_us_per_checkout\":%.3f,\"latency_us\":{"
      "\"p50\":%.1f,\"p90\":%.1f,"
      "\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},\"journal\":{\"commits\":%llu,\"bytes\":%llu}}\n",
      static_cast<unsigned long long>(measured.committed), measured.elapsed_s,
      static_cast<double>(measured.committed) / measured.elapsed_s,
      measured.cpu_s * 1e6 / static_cast<double>(measured.committed), us(0.5), us(0.9), us(0.99), us(0.999), us(1),
      static_cast<unsigned long long>(journal.commits()), static_cast<unsigned long long>(journal.bytes()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: ceiling DIR OUTSTANDING BATCH SECONDS [hot]\n");
    return 2;
  }
  const Options options{argv[1], std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10),
                        std::strtod(argv[4], nullptr), argc > 5};
  if (options.outstanding == 0 || options.batch == 0) return 2;
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system system{config};
  GroupCommit journal(options.dir);
  caf::scoped_actor self{system};
  Parties parties{&journal, {}, {}, {}, {}, caf::actor_cast<caf::actor>(self.ptr())};
  start(system, parties);
  const Measured measured = ClosedLoop(options, self, parties).run();
  stop(parties);
  print(measured, journal);
}

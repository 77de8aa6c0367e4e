#include "cmd/kontor/load/http/run.hpp"

#include <algorithm>
#include <memory>
#include <random>

#include <sys/resource.h>

#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/load/http/drippers.hpp"
#include "cmd/kontor/load/http/seed_exchanges.hpp"
#include "cmd/kontor/load/process_usage.hpp"
#include "cmd/kontor/load/seeding.hpp"

namespace kontor::cmd {
namespace {

std::string pulse_words(const DriveExchanges& drive, const DriveOptions& options) {
  const double elapsed_s = drive.seconds_since_start();
  const double duration_s = std::chrono::duration<double>(options.duration).count();
  const double rate = static_cast<double>(drive.tally().committed) / std::max(elapsed_s, 1e-3);
  return "driving  " + decimal(std::min(elapsed_s, duration_s), 0) + " of " + decimal(duration_s, 0) + " s  " +
         grouped(static_cast<std::uint64_t>(rate)) + " checkouts/s";
}

bool seed_over_http(const Workload& workload, Connections& connections, RequestText& text,
                    const std::function<void(const std::string&)>& on_progress, int& exit_code, std::string& why) {
  SeedExchanges exchanges(connections, text);
  const auto submit = [&](auto requests, const OnOutcomes& then) { exchanges.submit(requests, then); };
  const auto seeding = [&](std::uint64_t done, std::uint64_t total) {
    on_progress("seeding  " + grouped(done) + " of " + grouped(total));
  };
  const auto seeded = seed(workload, submit, seeding, why);
  if (seeded) return true;
  exit_code = seeded.code() == Errc::shutting_down ? kExitJournal : kExitCheckFailed;
  if (!exchanges.why().empty()) why = "cannot seed: " + exchanges.why();
  return false;
}

/// For so many connections, if the system allows.
void raise_descriptor_limit(std::size_t connections) {
  constexpr rlim_t kBeside = 64;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= connections + kBeside) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, connections + kBeside);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

double HttpLoadReport::committed_per_s() const {
  return tally.elapsed_s > 0 ? static_cast<double>(tally.committed) / tally.elapsed_s : 0;
}
double HttpLoadReport::cpu_us_per_checkout() const {
  return tally.answered() == 0 ? 0 : cpu_s * 1e6 / static_cast<double>(tally.answered());
}

std::optional<HttpLoadReport> run_http_load(const LoadOptions& options, std::span<const client::Url> urls,
                                            const std::string& api_key,
                                            const std::function<void(const std::string&)>& on_progress,
                                            const std::atomic<bool>& stop, int& exit_code, std::string& why) {
  HttpLoadReport report;
  const Workload workload(options.workload, options.run.value_or(std::random_device{}()));
  RequestText text(urls.front().authority(), api_key);
  raise_descriptor_limit(options.connections + options.dripping);
  Connections connections;
  std::vector<Connections::Server> servers;
  servers.reserve(urls.size());
  for (const client::Url& url : urls) servers.push_back({url.host, url.port});
  exit_code = kExitUnavailable;
  if (!connections.open(std::move(servers), options.connections, why)) return {};

  const auto begin = std::chrono::steady_clock::now();
  if (!seed_over_http(workload, connections, text, on_progress, exit_code, why)) return {};
  report.seed_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();

  exit_code = kExitJournal;
  std::unique_ptr<Drippers> drippers;
  if (options.dripping > 0)
    drippers = std::make_unique<Drippers>(urls.front().host, urls.front().port, options.dripping);
  const double cpu_before_s = process_cpu_s();
  DriveExchanges drive(workload, options.drive, text, connections.count(), stop);
  if (!connections.run(
          drive, [&] { on_progress(pulse_words(drive, options.drive)); }, why))
    return {};
  report.cpu_s = process_cpu_s() - cpu_before_s;
  report.tally = drive.take();
  if (drippers) report.dripping = drippers->connected_most();
  report.interrupted = stop.load();
  exit_code = report.interrupted ? kExitInterrupted : kExitOk;
  return report;
}

}  // namespace kontor::cmd

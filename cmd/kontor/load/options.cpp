#include "cmd/kontor/load/options.hpp"

#include <CLI/CLI.hpp>

#include "cmd/kontor/figures.hpp"

namespace kontor::cmd {
namespace {

constexpr std::uint32_t kSkusMax = 10'000'000;
constexpr std::uint32_t kCustomersMax = 20'000'000;
constexpr std::size_t kOutstandingMax = 1'000'000;
constexpr std::size_t kConnectionsMax = 2'048;  // A server lets no more in from one address.
constexpr double kRateMax = 1e8;
constexpr double kZipfMax = 10;

void add_what_is_bought(CLI::App& command, WorkloadOptions& workload) {
  const std::string group = "What is bought";
  command.add_option("--lines", workload.lines, "Lines of a checkout")
      ->check(CLI::Range(std::size_t{1}, kLinesMax))
      ->capture_default_str()
      ->group(group);
  command.add_option("--skus", workload.skus, "Products")
      ->check(CLI::Range(1U, kSkusMax))
      ->capture_default_str()
      ->group(group);
  command.add_option("--customers", workload.customers, "Customers, each with a wallet")
      ->check(CLI::Range(1U, kCustomersMax))
      ->capture_default_str()
      ->group(group);
  auto* zipf = command.add_option("--zipf", workload.zipf, "Product of rank k sells 1/k^S as often; 0: all the same");
  zipf->type_name("S")->check(CLI::Range(0.0, kZipfMax))->capture_default_str()->group(group);
  command.add_flag("--hot", workload.hot, "Everybody buys one product")->excludes(zipf)->group(group);
  command.add_option("--poor", workload.poor, "Share of wallets that are too poor, 0 to 1")
      ->type_name("F")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
  command.add_option("--short", workload.scarce, "Share of products that are too scarce, 0 to 1")
      ->type_name("F")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", workload.seed, "The same seed draws the same checkouts")
      ->capture_default_str()
      ->group(group);
}

void add_how_it_is_driven(CLI::App& command, DriveOptions& drive) {
  const std::string group = "How it is driven";
  const auto read_duration = [&drive](const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration) throw CLI::ValidationError("--duration", "'" + text + "' is no duration; write 5, 500ms, 10s or 1m");
    drive.duration = *duration;
  };
  command.add_option_function<std::string>("--duration", read_duration, "How long, e.g. 5, 500ms, 10s, 1m")
      ->type_name("TIME")
      ->default_str("5s")
      ->group(group);
  auto* outstanding = command.add_option("--outstanding", drive.outstanding, "Closed loop: checkouts always in flight");
  outstanding->type_name("N")->check(CLI::Range(std::size_t{1}, kOutstandingMax))->capture_default_str()->group(group);
  command.add_option("--rate", drive.rate_per_s, "Open loop: checkouts a second, whatever the answers do")
      ->type_name("R")
      ->check(CLI::Range(1e-3, kRateMax))
      ->excludes(outstanding)
      ->group(group);
  command
      .add_option("--batch", drive.batch_max,
                  "Requests of one submit call, chosen by default; with --url of one batch, none by default")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, kSubmitRequestsMax))
      ->group(group);
  command.add_option("--count", drive.checkouts_max, "End after N checkouts, if that is sooner")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))
      ->group(group);
}

/// Over HTTP, what belongs to the engine and its directory is the server's.
void add_server(CLI::App& command, LoadOptions& options) {
  const std::string group = "With a server instead of an engine in this process";
  CLI::Option* url = command.add_option(
      "--url", options.url, "Drive the server here, such as http://127.0.0.1:8080, or the nodes of a cluster");
  url->type_name("URL[,URL…]")->group(group);
  for (const char* name :
       {"--data", "--shards", "--protocol", "--checkpoint-bytes", "--no-audit", "--rate", "--outstanding"})
    url->excludes(command.get_option(name));
  command.add_option("--connections", options.connections, "Each asks for the next when it has its answer")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, kConnectionsMax))
      ->needs(url)
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--dripping", options.dripping, "Connections beside those, which send a byte a second and no more")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{0}, kConnectionsMax))
      ->needs(url)
      ->group(group);
  command.add_option("--key-file", options.key_file, "A file with the API key; default: what KONTOR_API_KEY holds")
      ->type_name("FILE")
      ->needs(url)
      ->group(group);
}

/// Left out of --help: they serve programs that start this one.
void add_hidden(CLI::App& command, LoadOptions& options) {
  command.add_option("--answered-fd", options.drive.answered_fd)->group("");
  command.add_option("--run", options.run)->group("");
  command.add_flag("--events", options.events)->group("");
  command.add_flag("--die-with-parent", options.die_with_parent)->group("");
  command.add_flag("--open-only", options.open_only)->group("");
  command.add_flag("--crash", options.crash)->group("");
}

}  // namespace

void add_load_options(CLI::App& command, LoadOptions& options) {
  add_how_it_is_driven(command, options.drive);
  add_what_is_bought(command, options.workload);
  const std::string group = "Where, and what is reported";
  command.add_option("--data", options.dir, "Directory; kept. Default: a temporary one, removed at the end")
      ->type_name("DIR")
      ->group(group);
  std::vector<std::string> protocols;
  protocols.reserve(commit::kProtocols.size());
  for (const commit::Protocol protocol : commit::kProtocols) protocols.emplace_back(to_string(protocol));
  command
      .add_option_function<std::string>(
          "--protocol", [&options](const std::string& text) { options.protocol = *commit::parse_protocol(text); },
          "How shards agree on a checkout that spans several; default two_phase")
      ->check(CLI::IsMember(protocols));
  command.add_option("--shards", options.shards, "Shards of a new directory; default 1")
      ->check(CLI::Range(std::size_t{1}, kShardsMax))
      ->group(group);
  command.add_option("--checkpoint-bytes", options.checkpoint_bytes, "Journal written between checkpoints; 0: none")
      ->type_name("BYTES")
      ->capture_default_str()
      ->group(group);
  command.add_flag("!--no-audit", options.audit, "Do not audit the directory at the end")->group(group);
  command.add_flag("--json", options.json, "Report as one line of JSON")->group(group);
  add_server(command, options);
  add_hidden(command, options);
}

}  // namespace kontor::cmd

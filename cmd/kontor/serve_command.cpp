// `kontor serve`: the engine over HTTP/1.1.
#include <csignal>
#include <iostream>
#include <memory>
#include <system_error>
#include <thread>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <sys/resource.h>

#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/serve/run.hpp"

namespace kontor::cmd {
namespace {

constexpr std::chrono::seconds kDrainMax{10};  // For what was begun when a signal came.
constexpr std::size_t kLanesMax = 64;
constexpr rlim_t kDescriptorsBeside = 256;  // For the store, and what is being accepted.

constexpr const char* kFooter =
    "Examples:\n"
    "  kontor serve                                      http://127.0.0.1:8080, data in ./kontor-data\n"
    "  kontor serve --listen 127.0.0.1:0 --data shop     a free port, which is printed\n"
    "\n"
    "There are no API keys yet, so only loopback addresses are served. SIGTERM and SIGINT let what was begun finish.\n"
    "The routes are in docs/openapi.json, which the server hands out at /openapi.json.";

struct Options {
  std::string listen = "127.0.0.1:8080", dir = "kontor-data";
  std::uint16_t shards = 0;
  commit::Protocol protocol = commit::Protocol::two_phase;
  std::size_t lanes = 1;
};

int complain(int exit_code, const std::string& text) {
  std::cerr << "kontor serve: " << text << '\n';
  return exit_code;
}

/// As many descriptors as the connections that are let in take, if the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, http::kConnectionsMax + kDescriptorsBeside);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve_until_signal(std::unique_ptr<Engine> engine, const http::ServerOptions& server, const Options& options) {
  boost::asio::io_context context;
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);       // Before the line that says it may be used.
  signals.async_wait([&](const auto&, int) { signals.clear(); });  // A second one ends the program as usual.
  std::unique_ptr<serve::ServedEngine> served;
  try {
    served = std::make_unique<serve::ServedEngine>(std::move(engine), server);
  } catch (const std::system_error& error) {
    return complain(kExitCannotCreate, "cannot listen on " + options.listen + ": " + error.code().message());
  }
  std::cout << "kontor serves " << http::url_of(served->endpoint()) << " from " << options.dir << std::endl;
  context.run();
  served->stop(kDrainMax);
  return kExitOk;
}

int run(const Options& options) {
  const auto endpoint = http::parse_endpoint(options.listen);
  if (!endpoint)
    return complain(kExitUsage, "'" + options.listen + "' is no address; write 127.0.0.1:8080, [::1]:8080 or 8080");
  if (!http::is_loopback(*endpoint))
    return complain(kExitUsage,
                    "there are no API keys yet, so whoever reaches the port may do everything: only "
                    "loopback is served (127.0.0.1 or [::1]), not " +
                        endpoint->address);
  raise_descriptor_limit();
  EngineOptions engine_options;
  engine_options.dir = options.dir;
  engine_options.shards = options.shards;
  engine_options.protocol = options.protocol;
  std::string explanation;
  auto engine = Engine::open(engine_options, &explanation);
  if (!engine) return complain(exit_code_of(engine.code()), explanation);
  http::ServerOptions server;
  server.listen = *endpoint;
  server.lanes = options.lanes;
  return serve_until_signal(std::move(*engine), server, options);
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("serve", "Serve the engine over HTTP");
  const auto options = std::make_shared<Options>();
  command->add_option("--listen", options->listen, "A loopback address and a port, or a port; 0: any that is free")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  command->add_option("--data", options->dir, "Directory; made when missing")->type_name("DIR")->capture_default_str();
  command->add_option("--shards", options->shards, "Shards of a new directory; default 1")
      ->check(CLI::Range(std::size_t{1}, kShardsMax));
  std::vector<std::string> protocols;
  protocols.reserve(commit::kProtocols.size());
  for (const commit::Protocol protocol : commit::kProtocols) protocols.emplace_back(to_string(protocol));
  command
      ->add_option_function<std::string>(
          "--protocol", [options](const std::string& text) { options->protocol = *commit::parse_protocol(text); },
          "How shards agree when a request does not say; default two_phase")
      ->check(CLI::IsMember(protocols));
  command->add_option("--lanes", options->lanes, "Threads that speak HTTP")
      ->check(CLI::Range(std::size_t{1}, kLanesMax))
      ->capture_default_str();
  command->footer(kFooter);
  command->final_callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace kontor::cmd

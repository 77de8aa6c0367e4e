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
#include "cmd/kontor/serve/key_file.hpp"
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
    "  kontor serve --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem\n"
    "\n"
    "Without API keys (`kontor keys`) everybody may do everything, so only loopback addresses are served.\n"
    "SIGHUP reads keys and certificate again; SIGTERM and SIGINT let what was begun finish.\n"
    "The routes are in docs/openapi.json, which the server hands out at /openapi.json.";

struct Options {
  std::string listen = "127.0.0.1:8080", dir = "kontor-data", keys, tls_certificate, tls_key;
  bool behind_proxy = false;
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

/// nullptr: there are none, and none were asked for. A file that was named must be there: a slip of the pen must not
/// open the server to all.
Result<serve::KeyRingPtr> load_keys(const Options& options, std::string* explanation) {
  const bool named = !options.keys.empty();
  const std::filesystem::path path = named ? options.keys : options.dir + "/" + serve::kKeyFileDefault;
  const auto keys = serve::read_keys(path, explanation);
  if (keys) return serve::KeyRingPtr(std::make_shared<serve::KeyRing>(*keys));
  if (keys.code() == Errc::not_found && !named) return serve::KeyRingPtr();
  return keys.error();
}

/// What holds stays when what is new cannot be read. Keys that were in use do not go: without any, all would be let in.
void reload(const Options& options, serve::ServedEngine& served) {
  if (!options.tls_key.empty()) {
    http::TlsFault fault;
    const auto tls = http::load_tls(options.tls_certificate, options.tls_key, fault);
    if (tls) served.use_tls(tls);
    complain(kExitOk, tls ? "certificate read" : "the old certificate stays: " + fault.explanation);
  }
  std::string explanation;
  const auto keys = load_keys(options, &explanation);
  if (!keys || (!*keys && served.uses_keys())) {
    complain(kExitOk, "the old keys stay: " + explanation);
  } else if (*keys) {
    served.use_keys(*keys);
    std::cerr << "kontor serve: " << (*keys)->size() << " key(s) read\n";
  }
}

int serve_until_signal(std::unique_ptr<Engine> engine, const http::ServerOptions& server, const Options& options,
                       serve::KeyRingPtr keys) {
  boost::asio::io_context context;
  boost::asio::signal_set hang_ups(context, SIGHUP);  // All before the line that says it may be used.
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](const auto&, int) {
    signals.clear();  // A second one ends the program as usual.
    hang_ups.cancel();
  });
  std::unique_ptr<serve::ServedEngine> served;
  try {
    served = std::make_unique<serve::ServedEngine>(std::move(engine), server, std::move(keys));
  } catch (const std::system_error& error) {
    return complain(kExitCannotCreate, "cannot listen on " + options.listen + ": " + error.code().message());
  }
  const std::function<void()> await_hang_up = [&] {
    hang_ups.async_wait([&](const boost::system::error_code& cancelled, int) {
      if (cancelled) return;
      reload(options, *served);
      await_hang_up();
    });
  };
  await_hang_up();
  std::cout << "kontor serves " << http::url_of(served->endpoint(), server.tls != nullptr) << " from " << options.dir
            << std::endl;
  context.run();
  served->stop(kDrainMax);
  return kExitOk;
}

/// Empty: it may be listened there.
std::string why_not_listen(const http::Endpoint& endpoint, const serve::KeyRingPtr& keys, const Options& options) {
  if (http::is_loopback(endpoint)) return {};
  if (!keys || keys->size() == 0)
    return "there are no API keys, so whoever reaches the port may do everything: only loopback is served (127.0.0.1 "
           "or [::1]), not " +
           endpoint.address + "; `kontor keys create` makes one";
  if (options.tls_key.empty() && !options.behind_proxy)
    return "keys must not travel in the clear: without --tls-cert and --tls-key only loopback is served (127.0.0.1 or "
           "[::1]), not " +
           endpoint.address + "; with --behind-proxy you say that something before the server speaks TLS";
  return {};
}

int run(const Options& options) {
  const auto endpoint = http::parse_endpoint(options.listen);
  if (!endpoint)
    return complain(kExitUsage, "'" + options.listen + "' is no address; write 127.0.0.1:8080, [::1]:8080 or 8080");
  std::string explanation;
  const auto keys = load_keys(options, &explanation);
  if (!keys) return complain(exit_code_of(keys.code()), explanation);
  if (const std::string why = why_not_listen(*endpoint, *keys, options); !why.empty()) return complain(kExitUsage, why);
  http::ServerOptions server;
  server.listen = *endpoint;
  server.lanes = options.lanes;
  if (!options.tls_key.empty()) {
    http::TlsFault fault;
    server.tls = http::load_tls(options.tls_certificate, options.tls_key, fault);
    if (!server.tls) return complain(fault.unreadable ? kExitJournal : kExitUsage, fault.explanation);
  }
  raise_descriptor_limit();
  EngineOptions engine_options;
  engine_options.dir = options.dir;
  engine_options.shards = options.shards;
  engine_options.protocol = options.protocol;
  auto engine = Engine::open(engine_options, &explanation);
  if (!engine) return complain(exit_code_of(engine.code()), explanation);
  return serve_until_signal(std::move(*engine), server, options, *keys);
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("serve", "Serve the engine over HTTP");
  const auto options = std::make_shared<Options>();
  command->add_option("--listen", options->listen, "An address and a port, or a port of 127.0.0.1; 0: any that is free")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  command->add_option("--data", options->dir, "Directory; made when missing")->type_name("DIR")->capture_default_str();
  command->add_option("--keys", options->keys, "API keys; default keys.json in the directory, if it is there")
      ->type_name("FILE");
  auto* certificate = command->add_option("--tls-cert", options->tls_certificate, "Speak TLS: the chain, in PEM");
  auto* key = command->add_option("--tls-key", options->tls_key, "Its key, in PEM, without a passphrase");
  certificate->type_name("FILE")->needs(key);
  key->type_name("FILE")->needs(certificate);
  command->add_flag("--behind-proxy", options->behind_proxy, "Serve other addresses than loopback in the clear");
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

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
#include "cmd/kontor/environment.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/log/log.hpp"
#include "cmd/kontor/serve/key_file.hpp"
#include "cmd/kontor/serve/options.hpp"
#include "cmd/kontor/serve/run.hpp"

namespace kontor::cmd {
namespace {

using serve::Options;

constexpr std::chrono::seconds kDrainMax{10};  // For what was begun when a signal came.
constexpr rlim_t kDescriptorsBeside = 256;     // For the store, and what is being accepted.

constexpr const char* kFooter =
    "Examples:\n"
    "  kontor serve                                      http://127.0.0.1:8080, data in ./kontor-data\n"
    "  kontor serve --listen 127.0.0.1:0 --data shop     a free port, which is printed\n"
    "  kontor serve --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem\n"
    "  kontor --config node-1.toml serve                 a node of a cluster; see docs/cluster.md\n"
    "\n"
    "Each option also by environment: KONTOR_SERVE_LOG_FILE for --log-file. The command line wins over the "
    "environment,\n"
    "the environment over the file of `kontor --config FILE serve`.\n"
    "Without API keys (`kontor keys`) everybody may do everything, so only loopback addresses are served.\n"
    "SIGHUP reads keys and certificate again and opens the log file again; SIGTERM and SIGINT let what was begun\n"
    "finish.\n"
    "The routes are in docs/openapi.json, which the server hands out at /openapi.json.";

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
void reload(const Options& options, serve::ServedEngine& served, Node* node, Log& log) {
  std::string explanation;
  if (node) {
    const bool read = static_cast<bool>(node->reload(&explanation));
    log.write(read ? LogLevel::info : LogLevel::error, read ? "cluster_certificate_read" : "cluster_certificate_kept",
              read ? boost::json::object{} : boost::json::object{{"why", explanation}});
  }
  if (log.reopen(explanation))
    log.write(LogLevel::info, "log_opened");
  else
    log.write(LogLevel::error, "log_kept", {{"why", explanation}});
  if (!options.tls_key.empty()) {
    http::TlsFault fault;
    if (const auto tls = http::load_tls(options.tls_certificate, options.tls_key, fault)) {
      served.use_tls(tls);
      log.write(LogLevel::info, "certificate_read");
    } else {
      log.write(LogLevel::error, "certificate_kept", {{"why", fault.explanation}});
    }
  }
  const auto keys = load_keys(options, &explanation);
  if (!keys || (!*keys && served.uses_keys())) {
    log.write(LogLevel::error, "keys_kept", {{"why", explanation}});
  } else if (*keys) {
    served.use_keys(*keys);
    log.write(LogLevel::info, "keys_read", {{"keys", (*keys)->size()}});
  }
}

/// The member of a cluster that the options make this one, or nullptr. False: `exit_code` says how to end.
bool join_cluster(const Options& options, const std::shared_ptr<Log>& log, std::shared_ptr<Node>& node,
                  int& exit_code) {
  if (options.node.empty()) return true;
  std::string why;
  auto cluster = serve::cluster_of(options, why);
  exit_code = kExitUsage;
  if (cluster) {
    cluster->on_event = [log](const std::string& what) { log->write(LogLevel::info, "cluster", {{"what", what}}); };
    auto made = Node::make(*cluster, &why);
    if (made) {
      node = std::move(*made);
      return true;
    }
    exit_code = exit_code_of(made.code());
  }
  complain(exit_code, why);
  return false;
}

/// What opening the directory found, for whoever looks at the log after a crash.
void tell_recovery(const Engine& engine, Log& log) {
  const RecoveryReport& found = engine.recovery();
  log.write(LogLevel::info, "recovered",
            {{"records", found.records},
             {"transactions", found.transactions},
             {"committed", found.committed},
             {"aborted", found.aborted},
             {"in_doubt", found.in_doubt},
             {"seconds", found.seconds}});
}

int serve_until_signal(std::unique_ptr<Engine> engine, const http::ServerOptions& server, const Options& options,
                       const serve::KeyRingPtr& keys, const std::shared_ptr<Log>& log,
                       const std::shared_ptr<Node>& node) {
  std::signal(SIGPIPE, SIG_IGN);  // Whoever reads the log may go; what cannot be written is counted.
  boost::asio::io_context context;
  boost::asio::signal_set hang_ups(context, SIGHUP);  // All before the line that says it may be used.
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](const auto&, int signal) {
    signals.clear();  // A second one ends the program as usual.
    hang_ups.cancel();
    log->write(LogLevel::info, "stopping", {{"signal", signal}});
  });
  std::unique_ptr<serve::ServedEngine> served;
  try {
    served = std::make_unique<serve::ServedEngine>(std::move(engine), server,
                                                   serve::Beside{keys, log, options.rate_limit, node, {}});
  } catch (const std::system_error& error) {
    return complain(kExitCannotCreate, "cannot listen on " + options.listen + ": " + error.code().message());
  }
  const std::function<void()> await_hang_up = [&] {
    hang_ups.async_wait([&](const boost::system::error_code& cancelled, int) {
      if (cancelled) return;
      reload(options, *served, node.get(), *log);
      await_hang_up();
    });
  };
  await_hang_up();
  const std::string url = http::url_of(served->endpoint(), server.tls != nullptr);
  log->write(LogLevel::info, "started",
             {{"url", url},
              {"data", options.dir},
              {"shards", served->engine().shards()},
              {"lanes", server.lanes},
              {"keys", keys ? keys->size() : 0}});
  std::cout << "kontor serves " << url << " from " << options.dir << std::endl;
  context.run();
  const bool all_answered = served->stop(kDrainMax);
  log->write(all_answered ? LogLevel::info : LogLevel::warning, "stopped", {{"all_answered", all_answered}});
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
  const std::shared_ptr<Log> log = Log::open(options.log, explanation);
  if (!log) return complain(kExitCannotCreate, explanation);
  raise_descriptor_limit();
  EngineOptions engine_options;
  engine_options.dir = options.dir;
  engine_options.shards = options.shards;
  engine_options.protocol = options.protocol;
  engine_options.key_retention = options.key_retention;
  std::shared_ptr<Node> node;
  int exit_code = kExitOk;
  if (!join_cluster(options, log, node, exit_code)) return exit_code;
  if (node) engine_options.cluster = node->cluster();
  auto engine = Engine::open(engine_options, &explanation);
  if (!engine) return complain(exit_code_of(engine.code()), explanation);
  tell_recovery(**engine, *log);
  return serve_until_signal(std::move(*engine), server, options, *keys, log, node);
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("serve", "Serve the engine over HTTP");
  const auto options = std::make_shared<serve::Options>();
  serve::add_options(*command, *options);
  read_environment(*command);
  command->footer(kFooter);
  command->final_callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace kontor::cmd

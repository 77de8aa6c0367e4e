#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/cluster/options.hpp"
#include "cmd/kontor/log/log.hpp"
#include "domain/commit/protocol.hpp"
#include "domain/limits.hpp"

namespace CLI {
class App;
}

namespace kontor::cmd::serve {

/// What `kontor serve` is told. Secrets are in files, of which it is told the names.
struct Options {
  std::string listen = "127.0.0.1:8080", dir = "kontor-data", keys, tls_certificate, tls_key;
  bool behind_proxy = false;
  std::uint16_t shards = 0;
  commit::Protocol protocol = commit::Protocol::two_phase;
  std::chrono::hours key_retention = kKeyRetentionDefault;  ///< 0: for ever.
  std::size_t lanes = 1;
  unsigned rate_limit = 0;  ///< Requests a second of one caller; 0: no bound.
  LogOptions log;
  std::string node;                  ///< Empty: no cluster.
  std::vector<std::string> members;  ///< NAME=HOST:PORT
  std::string cluster_certificates, cluster_listen;
  bool join = false;
};

/// Each option of `command` fills in its member of `options`, which outlives the parsing.
void add_options(CLI::App& command, Options& options);

/// `address`: HOST:PORT. None: it is none, or there is no name.
std::optional<Member> member_at(std::string_view node, std::string_view address);

/// What the options say of the cluster. None: they contradict each other; `why` says how.
std::optional<ClusterOptions> cluster_of(const Options& options, std::string& why);

}  // namespace kontor::cmd::serve

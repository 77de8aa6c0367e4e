#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cmd/kontor/load/driver.hpp"
#include "cmd/kontor/load/workload.hpp"
#include "domain/limits.hpp"

namespace CLI {
class App;
}

namespace kontor::cmd {

/// What `kontor load` was asked for.
struct LoadOptions {
  std::filesystem::path dir;  ///< Empty: a temporary directory, removed at the end.
  std::string url;            ///< Of a server to drive; empty: an engine in this process.
  std::string key_file;       ///< With that server's API key; empty: KONTOR_API_KEY, if it is set.
  std::size_t connections = 256;
  std::size_t dripping = 0;  ///< Connections beside those, which never finish a request.
  WorkloadOptions workload;
  DriveOptions drive;
  std::uint16_t shards = 0;
  commit::Protocol protocol = commit::Protocol::two_phase;
  std::uint64_t checkpoint_bytes = kCheckpointJournalBytes;
  bool audit = true;
  bool json = false;

  // For whoever starts this program as a child: `kontor demo`, tests, benchmarks.
  std::optional<std::uint32_t> run;  ///< Names the idempotency keys; default: drawn.
  bool events = false;               ///< A JSON line on standard output when open and when driving begins.
  bool die_with_parent = false;
  bool open_only = false;  ///< Opens and recovers, nothing more.
  bool crash = false;      ///< Ends by SIGKILL instead of closing.
};

/// Declares the options on `command`; parsing fills `options`, which must live as long.
void add_load_options(CLI::App& command, LoadOptions& options);

}  // namespace kontor::cmd

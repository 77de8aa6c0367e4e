#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <string>

#include "actors/engine.hpp"
#include "cmd/kontor/replay/report.hpp"

namespace kontor::cmd::replay {

struct ReplayOptions {
  std::string file;
  std::filesystem::path dir;
  std::uint16_t shards = 0;  ///< 0: as the directory was made, 1 for a new one.
};

/// Told now and then how far the replay is, in words.
using OnProgress = std::function<void(const std::string& words)>;

/// Replays `options.file` into `options.dir` and audits the directory. Run again after a crash, it finds what is done
/// by its keys, does the rest, and reports the same.
/// Throws UnreadableFile before the directory is touched. Errors: what opening or auditing fails with; storage_full,
/// shutting_down; deadline_exceeded when `stop` was set; `explanation` gets a sentence for people.
Result<ReplayReport> run_replay(const ReplayOptions& options, const OnProgress& on_progress,
                                const std::atomic<bool>& stop, std::string& explanation);

}  // namespace kontor::cmd::replay

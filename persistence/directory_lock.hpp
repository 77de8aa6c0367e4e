#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "domain/ids.hpp"

/// A directory of an engine:
///
///   DIR/LOCK           flock: exclusive while an engine has it open, shared for readers of a closed one
///   DIR/shard-NN/      one LMDB environment each (data.mdb, lock.mdb)
namespace kontor::persistence {

std::filesystem::path shard_dir(const std::filesystem::path& dir, ShardId shard);
/// The shards in a directory, in order: all of an engine that is alone, those that a node of a cluster has.
std::vector<ShardId> shards_in(const std::filesystem::path& dir);

/// Holds a directory against other processes, and other engines of this one, for its lifetime.
class DirectoryLock {
 public:
  /// For an engine: makes the directory when missing. Errors: directory_in_use, io_error.
  static Result<std::unique_ptr<DirectoryLock>> exclusive(const std::filesystem::path& dir, std::string* explanation);
  /// For readers of a closed directory; writes nothing. Errors: directory_in_use, not_found, io_error.
  static Result<std::unique_ptr<DirectoryLock>> shared(const std::filesystem::path& dir, std::string* explanation);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace kontor::persistence

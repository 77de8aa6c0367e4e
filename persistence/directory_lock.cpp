#include "persistence/directory_lock.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace kontor::persistence {
namespace {

namespace fs = std::filesystem;

Error refuse(Errc code, std::string_view detail, const fs::path& path, const std::string& text,
             std::string* explanation) {
  if (explanation) *explanation = path.string() + ": " + text;
  return Error{code, detail};
}

Error refuse_errno(const fs::path& path, std::string* explanation) {
  return refuse(Errc::io_error, "directory", path, std::strerror(errno), explanation);
}

}  // namespace

fs::path shard_dir(const fs::path& dir, ShardId shard) {
  char name[16];
  std::snprintf(name, sizeof name, "shard-%02u", static_cast<unsigned>(shard));
  return dir / name;
}

std::vector<ShardId> shards_in(const fs::path& dir) {
  std::vector<ShardId> out;
  std::error_code ignored;
  for (ShardId shard = 0; shard < kShardsMax; ++shard)
    if (fs::exists(shard_dir(dir, shard) / "data.mdb", ignored)) out.push_back(shard);
  return out;
}

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::exclusive(const fs::path& dir, std::string* explanation) {
  std::error_code failed;
  fs::create_directories(dir, failed);
  if (failed) return refuse(Errc::io_error, "directory", dir, failed.message(), explanation);
  const fs::path path = dir / "LOCK";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return refuse_errno(path, explanation);
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(descriptor));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return refuse_errno(path, explanation);
  return refuse(Errc::directory_in_use, "directory", dir, "another engine has it open", explanation);
}

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::shared(const fs::path& dir, std::string* explanation) {
  const fs::path path = dir / "LOCK";
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT)
    return refuse(Errc::not_found, "directory", dir, "no engine was ever here (no LOCK file)", explanation);
  if (descriptor < 0) return refuse_errno(path, explanation);
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(descriptor));
  if (::flock(descriptor, LOCK_SH | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return refuse_errno(path, explanation);
  return refuse(Errc::directory_in_use, "directory", dir, "an engine has it open; close it first", explanation);
}

DirectoryLock::~DirectoryLock() { ::close(descriptor_); }

}  // namespace kontor::persistence

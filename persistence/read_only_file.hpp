#pragma once
#include <cerrno>
#include <cstdint>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kontor::persistence {

/// A file read at given positions, never mapped: an error of the disk is an answer here, not a signal.
class ReadOnlyFile {
 public:
  explicit ReadOnlyFile(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status = {};
    if (fd_ < 0 || ::fstat(fd_, &status) != 0) error_ = errno;
    size_ = error_ == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }
  ~ReadOnlyFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  ReadOnlyFile(const ReadOnlyFile&) = delete;
  ReadOnlyFile& operator=(const ReadOnlyFile&) = delete;

  int error() const { return error_; }
  std::uint64_t size() const { return size_; }

  /// Exactly `size` bytes from `offset`; false at the end of the file or on an error.
  bool read(std::uint64_t offset, char* to, std::size_t size) const {
    while (size > 0) {
      const ssize_t got = ::pread(fd_, to, size, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      to += got;
      size -= static_cast<std::size_t>(got);
      offset += static_cast<std::uint64_t>(got);
    }
    return true;
  }

 private:
  int fd_;
  int error_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace kontor::persistence

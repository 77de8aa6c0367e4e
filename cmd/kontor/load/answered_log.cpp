#include "cmd/kontor/load/answered_log.hpp"

#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

namespace kontor::cmd {

bool write_answered(int fd, const std::vector<Answered>& answered) {
  const char* at = reinterpret_cast<const char*>(answered.data());
  std::size_t left = answered.size() * sizeof(Answered);
  while (left > 0) {
    const ssize_t written = ::write(fd, at, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    left -= static_cast<std::size_t>(written);
  }
  return true;
}

std::vector<Answered> read_answered(int fd, std::uint64_t from) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || static_cast<std::uint64_t>(status.st_size) <= from) return {};
  std::vector<Answered> answered((static_cast<std::uint64_t>(status.st_size) - from) / sizeof(Answered));
  char* at = reinterpret_cast<char*>(answered.data());
  std::size_t left = answered.size() * sizeof(Answered);
  while (left > 0) {
    const ssize_t got = ::pread(fd, at, left, static_cast<off_t>(from));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    at += got;
    from += static_cast<std::uint64_t>(got);
    left -= static_cast<std::size_t>(got);
  }
  answered.resize(answered.size() - (left + sizeof(Answered) - 1) / sizeof(Answered));
  return answered;
}

}  // namespace kontor::cmd

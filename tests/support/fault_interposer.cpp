// Makes one chosen write of a program fail. Preloaded (LD_PRELOAD) into a program under test; links nothing of Kontor.
//
// Counts the calls that write to files whose path contains ".mdb": write, writev, pwrite, pwritev, fsync, fdatasync,
// msync, fallocate, posix_fallocate. Set by the environment:
//   KONTOR_FAULT_NTH           which call fails, from 1; 0 or unset: none
//   KONTOR_FAULT_ERRNO         EIO (default) or ENOSPC
//   KONTOR_FAULT_AFTER_EFFECT  1: the call takes effect and reports the error all the same
//   KONTOR_FAULT_SHORT         1: the N-th call, if it writes bytes, writes half of them and says so; no error
//   KONTOR_FAULT_STICKY        1: all calls from the N-th on fail
//   KONTOR_FAULT_ONLY          write, sync or fallocate: only calls of this kind are counted and fail
//   KONTOR_FAULT_COUNT_FILE    a file that always holds the number of calls so far, in decimal
// The calls themselves are made as plain system calls, so nothing here can be intercepted again.
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

struct Plan {
  long nth = 0;
  int error = EIO;
  bool after_effect = false, short_write = false, sticky = false;
  const char* only = nullptr;
  int count_fd = -1;
};

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && std::strcmp(value, "1") == 0;
}

Plan read_plan() {
  Plan plan;
  if (const char* nth = std::getenv("KONTOR_FAULT_NTH")) plan.nth = std::atol(nth);
  const char* error = std::getenv("KONTOR_FAULT_ERRNO");
  if (error != nullptr && std::strcmp(error, "ENOSPC") == 0) plan.error = ENOSPC;
  plan.after_effect = is_set("KONTOR_FAULT_AFTER_EFFECT");
  plan.short_write = is_set("KONTOR_FAULT_SHORT");
  plan.sticky = is_set("KONTOR_FAULT_STICKY");
  plan.only = std::getenv("KONTOR_FAULT_ONLY");
  if (const char* path = std::getenv("KONTOR_FAULT_COUNT_FILE"))
    plan.count_fd =
        static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  return plan;
}

const Plan& plan() {
  static const Plan plan = read_plan();
  return plan;
}

std::atomic<long> calls{0};

bool path_counts(const char* path) { return std::strstr(path, ".mdb") != nullptr; }

bool file_counts(int fd) {
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = ::readlink(link, path, sizeof path - 1);
  if (size <= 0) return false;
  path[size] = '\0';
  return path_counts(path);
}

bool mapping_counts(const void* address) {
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) return false;
  char line[PATH_MAX + 128];
  bool found = false;
  while (!found && std::fgets(line, sizeof line, maps) != nullptr) {
    void *begin = nullptr, *end = nullptr;
    if (std::sscanf(line, "%p-%p", &begin, &end) == 2 && address >= begin && address < end) found = path_counts(line);
  }
  std::fclose(maps);
  return found;
}

enum class Fate { pass, fail, fail_after_effect, short_write };

/// What becomes of one more counted call.
Fate next_fate() {
  const long call = ++calls;
  if (plan().count_fd >= 0) {
    char text[32];
    const int size = std::snprintf(text, sizeof text, "%ld\n", call);
    ::syscall(SYS_pwrite64, plan().count_fd, text, static_cast<std::size_t>(size), 0L);
  }
  const bool chosen = plan().nth > 0 && (plan().sticky ? call >= plan().nth : call == plan().nth);
  if (!chosen) return Fate::pass;
  if (plan().short_write) return Fate::short_write;
  return plan().after_effect ? Fate::fail_after_effect : Fate::fail;
}

bool kind_counts(const char* kind) { return plan().only == nullptr || std::strcmp(plan().only, kind) == 0; }

Fate fate_of(int fd, const char* kind) {
  const int saved = errno;
  const Fate fate = kind_counts(kind) && file_counts(fd) ? next_fate() : Fate::pass;
  errno = saved;
  return fate;
}

/// Makes the call, or not; then reports what the fate says.
template <class Call>
long with_fate(Fate fate, Call call) {
  if (fate == Fate::fail) return errno = plan().error, -1;
  const long result = call();
  if (fate == Fate::fail_after_effect) return errno = plan().error, -1;
  return result;
}

std::size_t cut(Fate fate, std::size_t size) { return fate == Fate::short_write ? size / 2 : size; }

/// A vector cannot be cut in half by its count alone; its first buffer is written, or half of an only one.
template <class Whole, class One>
long vector_with_fate(Fate fate, const iovec* parts, int count, Whole whole, One one) {
  if (fate != Fate::short_write || count < 1) return with_fate(fate, whole);
  return one(parts[0].iov_base, count > 1 ? parts[0].iov_len : parts[0].iov_len / 2);
}

int fallocate_with_fate(int fd, int mode, off_t offset, off_t size) {
  return static_cast<int>(
      with_fate(fate_of(fd, "fallocate"), [&] { return ::syscall(SYS_fallocate, fd, mode, offset, size); }));
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  const Fate fate = fate_of(fd, "write");
  return with_fate(fate, [&] { return ::syscall(SYS_write, fd, bytes, cut(fate, size)); });
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  const Fate fate = fate_of(fd, "write");
  return with_fate(fate, [&] { return ::syscall(SYS_pwrite64, fd, bytes, cut(fate, size), offset); });
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) { return pwrite(fd, bytes, size, offset); }

ssize_t writev(int fd, const iovec* parts, int count) {
  return vector_with_fate(
      fate_of(fd, "write"), parts, count, [&] { return ::syscall(SYS_writev, fd, parts, count); },
      [&](const void* bytes, size_t size) { return ::syscall(SYS_write, fd, bytes, size); });
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  return vector_with_fate(
      fate_of(fd, "write"), parts, count, [&] { return ::syscall(SYS_pwritev, fd, parts, count, offset, 0L); },
      [&](const void* bytes, size_t size) { return ::syscall(SYS_pwrite64, fd, bytes, size, offset); });
}

ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) { return pwritev(fd, parts, count, offset); }

int fsync(int fd) {
  return static_cast<int>(with_fate(fate_of(fd, "sync"), [&] { return ::syscall(SYS_fsync, fd); }));
}

int fdatasync(int fd) {
  return static_cast<int>(with_fate(fate_of(fd, "sync"), [&] { return ::syscall(SYS_fdatasync, fd); }));
}

int msync(void* address, size_t size, int flags) {
  const Fate fate = kind_counts("sync") && mapping_counts(address) ? next_fate() : Fate::pass;
  return static_cast<int>(with_fate(fate, [&] { return ::syscall(SYS_msync, address, size, flags); }));
}

int fallocate(int fd, int mode, off_t offset, off_t size) { return fallocate_with_fate(fd, mode, offset, size); }

int fallocate64(int fd, int mode, off64_t offset, off64_t size) { return fallocate_with_fate(fd, mode, offset, size); }

/// Returns the error instead of setting errno.
int posix_fallocate(int fd, off_t offset, off_t size) {
  const int saved = errno;
  const int error = fallocate_with_fate(fd, 0, offset, size) == 0 ? 0 : errno;
  errno = saved;
  return error;
}

int posix_fallocate64(int fd, off64_t offset, off64_t size) { return posix_fallocate(fd, offset, size); }

}  // extern "C"

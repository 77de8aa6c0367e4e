#pragma once
#include <cstdio>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/support/catch.hpp"

namespace kontor::tests {

/// A disk in memory that can be full: not a byte is left on it. It goes with this process, however that ends.
class SmallDisk {
 public:
  /// False, and a notice on standard error, without root. This thread, and what it starts, sees mounts of its own then.
  static bool possible() {
    static const bool is = ::geteuid() == 0 && ::unshare(CLONE_NEWNS) == 0 &&
                           ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!is) std::fprintf(stderr, "notice: skipped, without a disk to fill: not root, or no mount namespaces\n");
    return is;
  }

  SmallDisk(std::filesystem::path dir, int mebibytes) : dir_(std::move(dir)) {
    std::filesystem::create_directories(dir_);
    REQUIRE(::mount("tmpfs", dir_.c_str(), "tmpfs", 0, ("size=" + std::to_string(mebibytes) + "m").c_str()) == 0);
  }
  ~SmallDisk() { ::umount2(dir_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::filesystem::path& dir() const { return dir_; }
  void fill() const {
    const int descriptor = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    REQUIRE(descriptor >= 0);
    for (std::string piece(1u << 20, 'x'); !piece.empty(); piece.resize(piece.size() / 2))
      while (::write(descriptor, piece.data(), piece.size()) == static_cast<ssize_t>(piece.size()))
        ;
    ::close(descriptor);
  }
  void make_room() const { std::filesystem::remove(filler()); }

 private:
  std::filesystem::path filler() const { return dir_ / "filler"; }

  const std::filesystem::path dir_;
};

}  // namespace kontor::tests

#pragma once
#include <atomic>
#include <filesystem>
#include <string>

#include <unistd.h>

namespace kontor::testing {

/// A directory that goes when the test does; in memory where the system has such a place, so that fsync costs nothing.
class TempDir {
 public:
  TempDir() {
    static std::atomic<int> count{0};
    const std::filesystem::path base =
        std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
    path_ = base / ("kontor_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace kontor::testing

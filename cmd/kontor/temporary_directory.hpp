#pragma once
#include <filesystem>
#include <optional>
#include <utility>

namespace kontor::cmd {

/// A new directory under $TMPDIR (or /tmp) for nobody else, removed with all in it at the end.
class TemporaryDirectory {
 public:
  /// None: it cannot be made.
  static std::optional<TemporaryDirectory> make();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace kontor::cmd

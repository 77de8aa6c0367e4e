#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/result.hpp"

/// A file that goes from one node to another while it changes: block by block, again what has changed since it was
/// sent, at last with the file at rest. What was read half written does no harm, as its block is sent again.
namespace kontor::actors {

/// Of a whole file: XXH3-128 over the XXH3-128 of its blocks. It finds faults, not forgers: those have no certificate.
using FileDigest = std::array<std::uint64_t, 2>;

class CopySource {
 public:
  /// Errors: io_error.
  static Result<CopySource> open(const std::filesystem::path& file);
  CopySource(CopySource&& other) noexcept;
  CopySource& operator=(CopySource&&) = delete;
  ~CopySource();

  std::uint64_t bytes() const;  ///< Of the file now.
  /// Reads the whole file and calls `send` for each block that is not as it was sent last; blocks of zeros that were
  /// never sent are left out: the target begins with zeros. Ends with the first error of `send`. Returns how many bytes
  /// were sent. Errors: io_error, those of `send`.
  Result<std::uint64_t> send_changed(const std::function<Error(std::uint64_t number, std::string_view data)>& send);
  /// Of the file as the last round, which must have ended well, read it.
  FileDigest digest() const;

 private:
  explicit CopySource(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
  std::vector<FileDigest> blocks_;
  std::vector<bool> sent_;
};

class CopyTarget {
 public:
  /// Makes the file, of zeros, and takes the room for it. Errors: io_error, storage_full (there is none for `bytes`).
  static Result<CopyTarget> create(const std::filesystem::path& file, std::uint64_t bytes);
  CopyTarget(CopyTarget&& other) noexcept;
  CopyTarget& operator=(CopyTarget&&) = delete;
  ~CopyTarget();

  /// Each kCopyKeptEveryBytes what came is made durable and read back, so that little is left to do at the end. Errors:
  /// io_error, storage_full.
  Result<void> write(std::uint64_t number, std::string_view data);
  /// Cuts or extends the file to its length and makes it durable. The digest is of what was read back, each block since
  /// it was written last. Errors: io_error, storage_full.
  Result<FileDigest> finish(std::uint64_t bytes);

 private:
  struct Block {
    std::uint64_t bytes = 0;  ///< That were read back; 0: not since it was written.
    FileDigest digest{};
  };
  explicit CopyTarget(int descriptor) : descriptor_(descriptor) {}
  Result<void> keep();
  bool read_back(std::uint64_t number, std::uint64_t file_bytes);

  int descriptor_ = -1;
  std::vector<Block> blocks_;
  std::vector<std::uint64_t> loose_;  ///< Written, and perhaps not durable.
  std::uint64_t loose_bytes_ = 0;
  std::string buffer_;
};

/// How long whoever takes a copy of so many bytes may need to finish it.
std::chrono::milliseconds time_to_finish(std::uint64_t bytes);

}  // namespace kontor::actors

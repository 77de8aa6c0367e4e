#pragma once
#include <filesystem>
#include <stdexcept>

#include "cmd/kontor/replay/csv_reader.hpp"

namespace kontor::cmd::replay {

/// The input cannot be read: missing, damaged compression, or not the file that was promised. `what()` is for people.
class UnreadableFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The bytes of a file, unpacked when it begins like gzip. Throws UnreadableFile, now or when read; a compressed file
/// that ends too early is unreadable, for nobody could tell how many rows are missing.
ByteSource open_bytes(const std::filesystem::path& path);

}  // namespace kontor::cmd::replay

#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "persistence/record.hpp"

namespace kontor::persistence {

/// What reading every stored byte of a closed directory found.
struct VerifyReport {
  std::uint64_t shards = 0, pages = 0, bytes = 0;
  std::array<std::uint64_t, kStreams> records{};  ///< By Stream.
  std::array<std::uint64_t, kTables> rows{};      ///< By Table.
  std::vector<std::string> faults;                ///< Each names file or journal and position. Empty: sound.
  bool sound() const { return faults.empty(); }
};

/// Checks the files' structure, then each value's checksum, size, key, kind and layout. Changes nothing.
/// Errors: directory_in_use, not_found, io_error; damage is in `faults`.
Result<VerifyReport> verify(const std::filesystem::path& dir, std::string* explanation = nullptr);

/// Whether a record's payload can be read as its kind says, in the journal of `stream`.
Result<void> check_payload(Stream stream, const Record& record);

}  // namespace kontor::persistence

#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/catch.hpp"

/// Files that were written once and must be read for ever: tests/persistence/golden. With KONTOR_UPDATE_GOLDEN=1 in the
/// environment a test writes those that are missing; to write one anew, delete it first, and say why in the commit.
namespace kontor::tests {

inline std::filesystem::path golden_path(const std::string& name) {
  return std::filesystem::path(KONTOR_SOURCE_DIR) / "tests/persistence/golden" / name;
}

inline bool may_write_golden(const std::string& name) {
  const char* update = std::getenv("KONTOR_UPDATE_GOLDEN");
  return update && std::string(update) == "1" && !std::filesystem::exists(golden_path(name));
}

inline void write_golden(const std::string& name, const std::string& bytes) {
  std::ofstream out(golden_path(name), std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(out.good());
}

inline std::string read_golden(const std::string& name) {
  INFO(golden_path(name));
  std::ifstream in(golden_path(name), std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace kontor::tests

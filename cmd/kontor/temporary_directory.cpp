#include "cmd/kontor/temporary_directory.hpp"

#include <cstdlib>
#include <string>
#include <system_error>

namespace kontor::cmd {

std::optional<TemporaryDirectory> TemporaryDirectory::make() {
  std::error_code failure;
  std::string path = (std::filesystem::temp_directory_path(failure) / "kontor-XXXXXX").string();
  if (failure || ::mkdtemp(path.data()) == nullptr) return std::nullopt;
  return TemporaryDirectory(path);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;  // What is left in /tmp is no reason to fail.
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace kontor::cmd

#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cmd/kontor/serve/api_key.hpp"
#include "domain/result.hpp"

/// Where API keys are kept:
///   {"version":1,"keys":[{"id":…,"role":…,"account":…,"name":…,"created_at_ns":…,"sha256":…}]}
/// `account` is there unless the role is admin, `name` if there is one; `sha256` is of the secret, in hexadecimal.
namespace kontor::cmd::serve {

inline constexpr std::size_t kKeysMax = 4'096;               // A file is read as a whole, and written for each change.
inline constexpr std::size_t kKeyFileBytesMax = 2u << 20;    // kKeysMax keys with the longest names take 1.6 MB.
inline constexpr const char* kKeyFileDefault = "keys.json";  // In the data directory.

/// Errors: not_found; incompatible_format (malformed, beyond a bound, or others may read it); io_error. `explanation`
/// gets a sentence for people, which quotes nothing of the file.
Result<std::vector<ApiKey>> read_keys(const std::filesystem::path& path, std::string* explanation);

/// Reads the keys (a missing file: none), lets `edit` change them, and replaces the file in one step: it has the old
/// keys or the new ones, also after a crash. One process at a time; others wait. What `edit` refuses changes nothing.
/// Errors: as `read_keys`, and those of `edit`; too_large: more than kKeysMax.
using EditKeys = std::function<Result<void>(std::vector<ApiKey>& keys)>;
Result<void> change_keys(const std::filesystem::path& path, const EditKeys& edit, std::string* explanation);

}  // namespace kontor::cmd::serve

#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cmd/http/message.hpp"
#include "cmd/kontor/serve/api_key.hpp"

namespace kontor::cmd::serve {

/// The keys that are good, as of one reading of their file. Does not change.
class KeyRing {
 public:
  explicit KeyRing(const std::vector<ApiKey>& keys);

  /// Whose key `token` is; nullptr: nobody's. Does the same work whatever is wrong with it, and compares in constant
  /// time: how long it takes tells nothing of what is stored.
  const Principal* find(std::string_view token) const;
  std::size_t size() const { return keys_.size(); }

 private:
  struct Entry {
    Principal principal;
    SecretHash hash{};
  };
  std::unordered_map<std::string, Entry> keys_;
};
using KeyRingPtr = std::shared_ptr<const KeyRing>;

/// The ring that holds now; a server replaces it while it serves. Any thread.
class CurrentKeys {
 public:
  /// None: no keys are in use.
  KeyRingPtr get() const;
  void set(KeyRingPtr ring);

 private:
  mutable std::mutex mutex_;
  KeyRingPtr ring_;
};

/// Who sends `request`. None: it needs a key and has no good one. Without a ring everybody is an admin.
std::optional<Principal> authenticate(const KeyRingPtr& ring, const http::Request& request);

}  // namespace kontor::cmd::serve

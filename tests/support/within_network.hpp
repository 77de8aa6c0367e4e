#pragma once
#include <cstdlib>
#include <optional>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace kontor::testing {

/// While it lives, the sockets that this thread makes are of another network namespace, and stay there. Needs root,
/// unless there is no other.
class WithinNetwork {
 public:
  explicit WithinNetwork(std::optional<int> network) {
    if (!network) return;
    own_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own_ < 0 || ::setns(*network, CLONE_NEWNET) != 0) std::abort();
  }
  ~WithinNetwork() {
    if (own_ < 0) return;
    if (::setns(own_, CLONE_NEWNET) != 0) std::abort();  // All that this thread did from here on would be elsewhere.
    ::close(own_);
  }
  WithinNetwork(const WithinNetwork&) = delete;
  WithinNetwork& operator=(const WithinNetwork&) = delete;

 private:
  int own_ = -1;
};

}  // namespace kontor::testing

#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <boost/json/object.hpp>

#include "cmd/kontor/serve/live_audit.hpp"

namespace kontor::cmd::serve {

/// The audits of a running engine: one at a time, on a thread of its own; the last one is remembered. Any thread.
class Audits {
 public:
  Audits(Engine& engine, Views& views) : engine_(engine), views_(views) {}
  ~Audits() { stop(); }

  /// Begins an audit and tells its id; with the key of the last one that one's. Errors: conflict (another one runs),
  /// shutting_down.
  Result<std::string> begin(std::string_view key);
  /// How far it is, or what it found. None: there is no such audit, or another came after it.
  std::optional<boost::json::object> tell(std::string_view id) const;
  /// Cuts off what runs; none begins any more.
  void stop();

 private:
  struct Audit {
    std::string id, key;
    AuditProgress progress;
    std::optional<Result<LiveAuditReport>> outcome;  ///< None: it runs.
  };

  Engine& engine_;
  Views& views_;
  std::atomic<bool> cancelled_{false};
  mutable std::mutex mutex_;
  std::shared_ptr<Audit> last_;
  std::thread thread_;
};

}  // namespace kontor::cmd::serve

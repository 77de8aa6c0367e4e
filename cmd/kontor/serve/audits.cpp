#include "cmd/kontor/serve/audits.hpp"

#include <array>
#include <chrono>
#include <cstdio>

#include <boost/json/array.hpp>

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

/// Unlike those of an earlier run of the server.
std::string fresh_id() {
  std::array<char, 32> text{};
  const auto now = std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  std::snprintf(text.data(), text.size(), "aud_%016llx", static_cast<unsigned long long>(now));
  return text.data();
}

json::object to_json(const LiveAuditReport& report) {
  return {{"clean", report.clean()},
          {"events", report.events},
          {"entries", report.entries},
          {"accounts", report.accounts},
          {"products", report.products},
          {"in_motion", report.in_motion},
          {"faults_total", report.faults_total},
          {"faults", json::array(report.faults.begin(), report.faults.end())},
          {"seconds", report.seconds}};
}

}  // namespace

Result<std::string> Audits::begin(std::string_view key) {
  const std::lock_guard lock(mutex_);
  if (cancelled_) return Error{Errc::shutting_down, "audit"};
  if (last_ && last_->key == key) return last_->id;
  if (last_ && !last_->outcome) return Error{Errc::conflict, "another audit runs"};
  if (thread_.joinable()) thread_.join();  // It has said all.
  last_ = std::make_shared<Audit>();
  last_->id = fresh_id();
  last_->key = key;
  thread_ = std::thread([this, audit = last_] {
    auto outcome = LiveAudit(engine_, views_, cancelled_, audit->progress).run();
    const std::lock_guard done(mutex_);
    audit->outcome = std::move(outcome);
  });
  return last_->id;
}

std::optional<json::object> Audits::tell(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  if (!last_ || last_->id != id) return {};
  json::object out{{"object", "audit"}, {"id", last_->id}};
  if (!last_->outcome) {
    out["status"] = "running";
    out["progress"] = {{"stage", last_->progress.stage.load()}, {"checked", last_->progress.checked.load()}};
  } else if (const auto& outcome = *last_->outcome; outcome) {
    out["status"] = outcome->clean() ? "clean" : "faulty";
    out["report"] = to_json(*outcome);
  } else {
    out["status"] = "failed";
    out["code"] = to_string(outcome.code());
  }
  return out;
}

void Audits::stop() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace kontor::cmd::serve

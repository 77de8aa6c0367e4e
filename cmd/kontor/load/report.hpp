#pragma once
#include <string>

#include <boost/json/value.hpp>

#include "cmd/kontor/load/run.hpp"

namespace kontor::cmd {

/// The report as a program reads it. Members are only ever added.
boost::json::value to_json(const LoadReport& report, const LoadOptions& options);
/// The report as people read it.
std::string to_text(const LoadReport& report, const LoadOptions& options, bool colour);

// Parts that other reports share.
boost::json::value to_json(const RecoveryReport& recovery);
boost::json::value to_json(const persistence::AuditReport& audit);
boost::json::value latency_json(const Histogram& latency);
/// "clean: 1,000 accounts, …", or what is wrong.
std::string audit_words(const persistence::AuditReport& audit);

}  // namespace kontor::cmd

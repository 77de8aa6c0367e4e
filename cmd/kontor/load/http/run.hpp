#pragma once
#include <atomic>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include <boost/json/value.hpp>

#include "cmd/kontor/client/url.hpp"
#include "cmd/kontor/load/http/drive_exchanges.hpp"
#include "cmd/kontor/load/options.hpp"

namespace kontor::cmd {

/// What a load run over HTTP measured.
struct HttpLoadReport {
  HttpTally tally;
  double seed_s = 0;
  double cpu_s = 0;          ///< Processor time of this program while it drove, which the server had not.
  std::size_t dripping = 0;  ///< Connections that dripped, at most at a time.
  bool interrupted = false;

  double committed_per_s() const;
  double cpu_us_per_checkout() const;
};

/// Seeds and drives checkouts on the server at `urls`, or on the nodes of one cluster. None: `exit_code` and `why` say
/// what failed.
std::optional<HttpLoadReport> run_http_load(const LoadOptions& options, std::span<const client::Url> urls,
                                            const std::string& api_key,
                                            const std::function<void(const std::string&)>& on_progress,
                                            const std::atomic<bool>& stop, int& exit_code, std::string& why);

/// The report as a program reads it; members have the names of those of a run in process, and are only ever added.
boost::json::value to_json(const HttpLoadReport& report, const LoadOptions& options);
/// The report as people read it.
std::string to_text(const HttpLoadReport& report, const LoadOptions& options, bool colour);

}  // namespace kontor::cmd

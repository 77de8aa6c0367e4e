#include "cmd/kontor/client/audit.hpp"

#include <chrono>
#include <iostream>
#include <thread>

#include <boost/json.hpp>

#include "cmd/kontor/client/url.hpp"
#include "cmd/kontor/client/view.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/terminal.hpp"

namespace kontor::cmd::client {
namespace {

namespace json = boost::json;

constexpr const char* kCommand = "audit";
constexpr std::chrono::milliseconds kAskEvery{200};

/// Of an answer that may lack it: empty.
std::string text_in(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}
std::uint64_t number_in(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  boost::system::error_code failure;
  const auto number = value ? value->to_number<std::uint64_t>(failure) : 0;
  return failure ? 0 : number;
}

void show(ProgressLine& line, const json::object& audit) {
  const json::value* progress = audit.if_contains("progress");
  if (!progress || !progress->is_object()) return;
  line.show("auditing: " + text_in(progress->get_object(), "stage") + ", " +
            grouped(number_in(progress->get_object(), "checked")) + " checked");
}

void print_report(const json::object& report, bool clean) {
  const std::string checked =
      grouped(number_in(report, "events")) + " requests, " + grouped(number_in(report, "entries")) + " entries, " +
      grouped(number_in(report, "accounts")) + " accounts, " + grouped(number_in(report, "products")) + " products";
  const std::uint64_t total = number_in(report, "faults_total"), moving = number_in(report, "in_motion");
  std::cout << painted(clean ? "clean: " + checked : grouped(total) + " FAULTS in " + checked,
                       clean ? Tone::good : Tone::bad, wants_colour(stdout))
            << '\n';
  if (moving != 0) std::cout << grouped(moving) << " of these were changing, and were held against what was posted\n";
  const json::value* faults = report.if_contains("faults");
  if (!faults || !faults->is_array()) return;
  for (const json::value& fault : faults->get_array()) std::cout << "  " << value_text(fault) << '\n';
  if (const std::size_t named = faults->get_array().size(); total > named)
    std::cout << "  … and " << total - named << " more\n";
}

/// What the program ends with, once `audit` is over.
int print_outcome(const json::object& audit, const CallOptions& options) {
  const std::string status = text_in(audit, "status");
  const json::value* report = audit.if_contains("report");
  if (!report || !report->is_object()) {
    std::cerr << "kontor audit: it could not be finished: " << text_in(audit, "code") << '\n';
    return kExitJournal;
  }
  const bool clean = status == "clean";
  if (options.json)
    std::cout << json_text(*report) << '\n';
  else
    print_report(report->get_object(), clean);
  return clean ? kExitOk : kExitCheckFailed;
}

/// One server.
int audit_one(const CallOptions& options) {
  std::string why;
  auto caller = Caller::make(options, why);
  if (!caller) {
    std::cerr << "kontor audit: " << why << '\n';
    return kExitUsage;
  }
  ProgressLine line;
  Reply reply = caller->post("/v1/audits");
  for (;;) {
    const auto audit = reply.exit_code == kExitOk ? reply.object() : std::nullopt;
    if (!audit) {
      line.clear();
      const int exit_code = print_failure(reply, kCommand, options);
      return exit_code == kExitCheckFailed ? kExitJournal : exit_code;  // 1 means a fault, and nothing else.
    }
    if (text_in(*audit, "status") != "running") {
      line.clear();
      return print_outcome(*audit, options);
    }
    show(line, *audit);
    std::this_thread::sleep_for(kAskEvery);
    reply = caller->get("/v1/audits/" + text_in(*audit, "id"));
  }
}

}  // namespace

int audit_servers(const CallOptions& options) {
  int exit_code = kExitOk;
  for (std::string& url : listed(options.url)) {
    CallOptions one = options;
    one.url = std::move(url);
    if (!options.json && one.url != options.url) std::cout << one.url << ": " << std::flush;
    if (const int ended = audit_one(one); exit_code == kExitOk) exit_code = ended;
  }
  return exit_code;
}

}  // namespace kontor::cmd::client

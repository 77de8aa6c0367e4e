// `kontor events`: what has happened, in order, over HTTP.
#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/client/view.hpp"
#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/json_text.hpp"

namespace kontor::cmd {
namespace {

using namespace client;
namespace json = boost::json;

constexpr std::chrono::seconds kAskEvery{1};  // When there was nothing new.
constexpr std::uint32_t kLimitMax = 1'000;

struct Options {
  CallOptions call;
  std::string after;
  std::uint32_t limit = 0;
  bool follow = false;

  std::string target(const std::string& last) const {
    std::string out = "/v1/events";
    if (!last.empty()) out += "?after=" + http::percent_encoded(last);
    if (limit > 0) out += (last.empty() ? "?limit=" : "&limit=") + std::to_string(limit);
    return out;
  }
};

void print_events(const json::array& events, const CallOptions& call) {
  for (const json::value& event : events)
    if (event.is_object()) std::cout << (call.json ? json_text(event) : event_line(event.get_object())) << '\n';
  std::cout << std::flush;  // Whoever reads them acts on them.
}

int run(const Options& options) {
  std::string why;
  auto caller = Caller::make(options.call, why);
  if (!caller) {
    std::cerr << "kontor events: " << why << '\n';
    return kExitUsage;
  }
  for (std::string last = options.after;;) {
    const Reply reply = caller->get(options.target(last));
    const auto list = reply.exit_code == kExitOk ? reply.object() : std::nullopt;
    const json::value* events = list ? list->if_contains("data") : nullptr;
    if (!events || !events->is_array()) return print_failure(reply, "events", options.call);
    print_events(events->get_array(), options.call);
    const json::value* more = list->if_contains("has_more");
    const json::value* cursor = list->if_contains("cursor");
    const bool at_end = !more || !more->is_bool() || !more->get_bool() || !cursor || !cursor->is_string();
    if (cursor && cursor->is_string()) last = cursor->get_string();
    if (at_end && !options.follow) return kExitOk;
    if (!std::cout) return kExitCannotCreate;  // Nobody reads on.
    if (at_end) std::this_thread::sleep_for(kAskEvery);
  }
}

}  // namespace

void add_events_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("events", "Over HTTP: what has happened, in order");
  const auto options = std::make_shared<Options>();
  command->add_option("--after", options->after, "Only what came after this cursor of an event")->type_name("CURSOR");
  command->add_option("--limit", options->limit, "Events of one answer at most")
      ->type_name("N")
      ->check(CLI::Range(1U, kLimitMax));
  command->add_flag("--follow", options->follow, "At the end wait for more, until interrupted");
  add_call_options(*command, options->call, Method::get);
  command->final_callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace kontor::cmd

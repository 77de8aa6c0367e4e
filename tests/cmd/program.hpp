#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "cmd/kontor/child.hpp"
#include "tests/support/catch.hpp"

namespace kontor::tests {

struct Ended {
  int exit_code = 0;
  std::vector<std::string> lines;  ///< Of its standard output.
  /// Its last line, as JSON.
  boost::json::object json() const {
    REQUIRE_FALSE(lines.empty());
    return boost::json::parse(lines.back()).as_object();
  }
};

/// Starts the program `kontor`, as it was built with the tests. `before`: words in front of it, if it is to be started
/// by another program, which becomes it (env, nsenter).
inline std::optional<cmd::Child> start_kontor(std::vector<std::string> arguments,
                                              std::vector<std::string> before = {}) {
  before.emplace_back(KONTOR_PROGRAM);
  before.insert(before.end(), arguments.begin(), arguments.end());
  auto child = cmd::Child::start(before.front(), {before.begin() + 1, before.end()});
  REQUIRE(child);
  return child;
}

/// Runs it to its end.
inline Ended run_kontor(const std::vector<std::string>& arguments, const std::vector<std::string>& before = {}) {
  auto child = start_kontor(arguments, before);
  Ended ended;
  while (!child->output_ended())
    if (auto line = child->line(std::chrono::seconds(1))) ended.lines.push_back(std::move(*line));
  ended.exit_code = child->wait();
  return ended;
}

}  // namespace kontor::tests

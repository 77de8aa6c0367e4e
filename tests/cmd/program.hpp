#pragma once
#include <chrono>
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

/// Runs the program `kontor`, as it was built with the tests, to its end.
inline Ended run_kontor(const std::vector<std::string>& arguments) {
  auto child = cmd::Child::start(KONTOR_PROGRAM, arguments);
  REQUIRE(child);
  Ended ended;
  while (!child->output_ended())
    if (auto line = child->line(std::chrono::seconds(1))) ended.lines.push_back(std::move(*line));
  ended.exit_code = child->wait();
  return ended;
}

}  // namespace kontor::tests

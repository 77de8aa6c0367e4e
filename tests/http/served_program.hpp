#pragma once
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/cmd/program.hpp"

namespace kontor::tests {

/// `kontor serve` on a free port; killed at the end, unless it was stopped.
class ServedProgram {
 public:
  explicit ServedProgram(const std::filesystem::path& dir, const std::vector<std::string>& more = {})
      : child_(start(dir, more)) {
    REQUIRE(child_);
    const auto line = child_->line(std::chrono::seconds(30));
    REQUIRE(line);
    const auto at = line->find("http://");
    REQUIRE(at != std::string::npos);
    url_ = line->substr(at, line->find(' ', at) - at);
  }

  const std::string& url() const { return url_; }
  /// In good order; its exit code.
  int stop() {
    child_->signal(SIGTERM);
    return child_->wait();
  }

 private:
  static std::optional<cmd::Child> start(const std::filesystem::path& dir, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"serve", "--listen", "127.0.0.1:0", "--data", dir.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return cmd::Child::start(KONTOR_PROGRAM, arguments);
  }

  std::optional<cmd::Child> child_;
  std::string url_;
};

}  // namespace kontor::tests

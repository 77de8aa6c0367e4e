#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tests/cmd/program.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::tests {

/// A server in a process of its own, which is killed at the end of the test.
struct Running {
  cmd::Child child;
  std::uint16_t port = 0;
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
};

/// `kontor serve` on a free port of `address`, ready. `before`: see start_kontor.
inline Running start(const std::filesystem::path& dir, std::vector<std::string> more = {},
                     const std::string& address = "127.0.0.1", const std::string& scheme = "http",
                     const std::vector<std::string>& before = {}) {
  std::vector<std::string> arguments{"serve", "--listen", address + ":0", "--data", dir.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  auto child = start_kontor(std::move(arguments), before);
  const auto line = child->line(std::chrono::seconds(30));
  REQUIRE(line);
  const std::string prefix = "kontor serves " + scheme + "://" + address + ":";
  REQUIRE(line->starts_with(prefix));
  return {std::move(*child), static_cast<std::uint16_t>(std::stoi(line->substr(prefix.size())))};
}

}  // namespace kontor::tests

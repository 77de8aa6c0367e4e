#include "bench/compare/runs.hpp"

#include <csignal>
#include <optional>
#include <stdexcept>

#include <boost/json.hpp>
#include <unistd.h>

#include "cmd/kontor/child.hpp"

namespace kontor::bench {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

/// A directory that nothing else writes to; gone at the end.
class Scratch {
 public:
  explicit Scratch(const fs::path& base) : path_(base / "run") {
    fs::remove_all(path_);
    fs::create_directories(base);
    ::sync();  // What the last run left to be written must not slow this one.
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

json::object Runs::report_of(const fs::path& program, const std::vector<std::string>& arguments,
                             int exit_code_expected) {
  auto child = cmd::Child::start(program.string(), arguments);
  if (!child) throw std::runtime_error("cannot start " + program.string());
  std::string last;
  while (!child->output_ended())
    if (auto line = child->line(std::chrono::minutes(5))) last = std::move(*line);
  const int exit_code = child->wait();
  json::error_code error;
  const json::value report = json::parse(last, error);
  if (exit_code == exit_code_expected && !error && report.is_object()) return report.get_object();
  std::string command = program.string();
  for (const std::string& word : arguments) command += " " + word;
  throw std::runtime_error("`" + command + "` ended with code " + std::to_string(exit_code) + " and wrote: " + last);
}

json::object Runs::load(std::vector<std::string> options) const {
  const Scratch scratch(base_);
  std::vector<std::string> arguments = {"load", "--json", "--no-audit", "--data", scratch.path().string()};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return report_of(programs_.kontor, arguments, 0);
}

json::object Runs::ceiling(std::size_t outstanding, std::size_t batch, double seconds) const {
  const Scratch scratch(base_);
  return report_of(
      programs_.ceiling,
      {scratch.path().string(), std::to_string(outstanding), std::to_string(batch), std::to_string(seconds)}, 0);
}

std::vector<double> Runs::recovery(std::uint64_t count, std::size_t times) const {
  const Scratch scratch(base_);
  const std::vector<std::string> on = {
      "load", "--json", "--crash", "--checkpoint-bytes", "0", "--data", scratch.path().string()};
  std::vector<std::string> fill = on, open = on;
  fill.insert(fill.end(), {"--duration", "10m", "--count", std::to_string(count)});
  open.emplace_back("--open-only");
  report_of(programs_.kontor, fill, 128 + SIGKILL);
  std::vector<double> seconds;
  for (std::size_t i = 0; i < times; ++i) {
    const json::object report = report_of(programs_.kontor, open, 128 + SIGKILL);
    if (report.at("recovery").at("transactions").to_number<std::uint64_t>() < count)
      throw std::runtime_error("recovery replayed less than was written: " + json::serialize(report.at("recovery")));
    seconds.push_back(report.at("open_s").to_number<double>());
  }
  return seconds;
}

}  // namespace kontor::bench

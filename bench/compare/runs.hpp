#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

namespace kontor::bench {

struct Programs {
  std::filesystem::path kontor, ceiling;
};

/// Starts the programs that are compared, each in a fresh directory below `base` that is removed afterwards.
/// Throws std::runtime_error when one fails: half a comparison is none.
class Runs {
 public:
  Runs(Programs programs, std::filesystem::path base) : programs_(std::move(programs)), base_(std::move(base)) {}

  /// `kontor load` with these options; its report.
  boost::json::object load(std::vector<std::string> options) const;
  boost::json::object ceiling(std::size_t outstanding, std::size_t batch, double seconds) const;
  /// Opens a directory that `count` checkouts were written to and that was neither checkpointed nor closed: seconds,
  /// once for each of `times`.
  std::vector<double> recovery(std::uint64_t count, std::size_t times) const;

 private:
  static boost::json::object report_of(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                                       int exit_code_expected);
  Programs programs_;
  std::filesystem::path base_;
};

}  // namespace kontor::bench

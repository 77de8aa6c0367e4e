#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include <spdlog/sinks/base_sink.h>

namespace kontor::cmd {

/// Where lines end: a file, or standard error. Each line is one write, so that a reader never sees half of one and
/// nothing is lost with the process. A pipe that nobody reads costs its lines, not the thread.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// `file` empty: standard error. nullptr: it cannot be opened.
  static std::shared_ptr<LineSink> open(const std::filesystem::path& file, std::string& explanation);
  ~LineSink() override;

  /// Goes on in the file that has the name now. False: it cannot be opened, and the old one stays.
  bool reopen(std::string& explanation);
  std::uint64_t failed() const { return failed_; }  ///< Lines that could not be written.

 private:
  explicit LineSink(std::filesystem::path file) : file_(std::move(file)) {}
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}
  bool takes_a_line();

  const std::filesystem::path file_;
  int descriptor_ = -1;
  bool stalled_ = false;  ///< The last line found no room: the next ones do not wait for it.
  std::atomic<std::uint64_t> failed_{0};
};

}  // namespace kontor::cmd

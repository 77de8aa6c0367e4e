#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

/// What a server tells its operator, line by line. Never a secret: callers name what is logged, field by field, and
/// nothing that a client sent is among it, save the address that it sent from.
namespace kontor::cmd {

inline constexpr std::size_t kLogLinesMax = 4'096;      // Waiting to be written; beyond, the oldest is dropped.
inline constexpr std::size_t kLogLineBytesMax = 4'000;  // A pipe takes up to 4,096 in one piece.

enum class LogLevel : std::uint8_t { debug, info, warning, error };
inline constexpr std::array kLogLevels{LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error};
std::string_view to_string(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);

enum class LogFormat : std::uint8_t { text, json };

struct LogOptions {
  std::filesystem::path file;  ///< Empty: standard error.
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

/// Lines are written by a thread of their own: whoever logs never waits for a disk or a pipe. What comes faster than
/// it is written is dropped, the oldest first, and counted. Any thread.
class Log {
 public:
  /// nullptr: the file cannot be opened, and `explanation` says why.
  static std::unique_ptr<Log> open(const LogOptions& options, std::string& explanation);
  /// Writes what waits.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// False: a line of this level would go nowhere; to spare its making.
  bool keeps(LogLevel level) const;
  /// `event`: one word that says what happened; `fields`: of it, in this order.
  void write(LogLevel level, std::string_view event, const boost::json::object& fields = {});
  /// Goes on in the file that has the name now, after the old one was renamed. False: it cannot be opened, the old one
  /// stays, and `explanation` says why.
  bool reopen(std::string& explanation);
  /// Lines that were not written: too many waited, or the write failed.
  std::uint64_t dropped() const;

 private:
  struct Impl;
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kontor::cmd

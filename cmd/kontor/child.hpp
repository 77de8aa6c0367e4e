#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace kontor::cmd {

/// A child process whose standard output is read line by line.
class Child {
 public:
  /// None: no process could be started. Descriptors without close-on-exec are inherited.
  static std::optional<Child> start(const std::string& program, const std::vector<std::string>& arguments);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  /// Kills what still runs.
  ~Child();

  /// The next line of its output, if there is one before `timeout`.
  std::optional<std::string> line(std::chrono::milliseconds timeout);
  /// True: it closed its output, so it is ending or has ended.
  bool output_ended() const { return ended_; }
  void signal(int number);
  void kill();
  /// Waits for its end. Its exit code, or 128 + the signal that ended it.
  int wait();

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}

  pid_t pid_;
  int output_;
  bool ended_ = false;
  std::string pending_;
};

}  // namespace kontor::cmd

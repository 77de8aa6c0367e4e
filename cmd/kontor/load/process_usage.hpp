#pragma once
#include <cstdint>
#include <vector>

namespace kontor::cmd {

/// What this process has in physical memory. `file` are pages of mapped files, which the kernel takes back at will.
struct ProcessMemory {
  std::uint64_t anonymous = 0, file = 0;
  std::uint64_t total() const { return anonymous + file; }
};
/// From /proc; zeros where that cannot be read.
ProcessMemory process_memory();

/// Processor time that this process has taken so far, all threads, user and system.
double process_cpu_s();

/// Memory in the course of a run: few samples, evenly spread however long it is.
class MemoryTrace {
 public:
  struct Sample {
    double at_s = 0;
    ProcessMemory memory;
  };
  static constexpr std::size_t kSamplesMax = 256;

  /// Notes `memory` down, unless that would be too dense; when the trace is full every second sample goes.
  void add(double at_s, ProcessMemory memory);
  /// The sample nearest to `at_s`.
  Sample at(double at_s) const;
  std::uint64_t total_max() const { return total_max_; }

 private:
  std::vector<Sample> samples_;
  double apart_s_ = 0;
  std::uint64_t total_max_ = 0;
};

}  // namespace kontor::cmd

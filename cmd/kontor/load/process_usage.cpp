#include "cmd/kontor/load/process_usage.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include <sys/resource.h>

namespace kontor::cmd {

ProcessMemory process_memory() {
  std::ifstream status("/proc/self/status");
  ProcessMemory memory;
  std::string word;
  while (status >> word) {
    std::uint64_t* const field = word == "RssAnon:" ? &memory.anonymous : word == "RssFile:" ? &memory.file : nullptr;
    if (field == nullptr) continue;
    status >> *field;
    *field *= 1'024;  // The file says kB and means KiB.
  }
  return memory;
}

double process_cpu_s() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void MemoryTrace::add(double at_s, ProcessMemory memory) {
  total_max_ = std::max(total_max_, memory.total());
  if (!samples_.empty() && at_s < samples_.back().at_s + apart_s_) return;
  if (samples_.size() >= kSamplesMax) {
    for (std::size_t i = 0; 2 * i < samples_.size(); ++i) samples_[i] = samples_[2 * i];
    samples_.resize((samples_.size() + 1) / 2);
    apart_s_ = std::max(apart_s_ * 2, (at_s - samples_.front().at_s) / (0.5 * kSamplesMax));
  }
  samples_.push_back({at_s, memory});
}

MemoryTrace::Sample MemoryTrace::at(double at_s) const {
  const auto nearer = [&](const Sample& a, const Sample& b) {
    return std::abs(a.at_s - at_s) < std::abs(b.at_s - at_s);
  };
  const auto found = std::min_element(samples_.begin(), samples_.end(), nearer);
  return found == samples_.end() ? Sample{} : *found;
}

}  // namespace kontor::cmd

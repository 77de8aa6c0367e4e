#include "cmd/kontor/log/line_sink.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kontor::cmd {
namespace {

constexpr int kPatienceMs = 1'000;  // For a pipe to be read.
constexpr mode_t kMode = S_IRUSR | S_IWUSR | S_IRGRP;

int open_for_append(const std::filesystem::path& file, std::string& explanation) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kMode);
  if (descriptor < 0) explanation = "cannot open the log " + file.string() + ": " + std::strerror(errno);
  return descriptor;
}

}  // namespace

std::shared_ptr<LineSink> LineSink::open(const std::filesystem::path& file, std::string& explanation) {
  std::shared_ptr<LineSink> sink(new LineSink(file));
  sink->descriptor_ = file.empty() ? STDERR_FILENO : open_for_append(file, explanation);
  return sink->descriptor_ < 0 ? nullptr : sink;
}

LineSink::~LineSink() {
  if (!file_.empty() && descriptor_ >= 0) ::close(descriptor_);
}

bool LineSink::reopen(std::string& explanation) {
  if (file_.empty()) return true;
  const int next = open_for_append(file_, explanation);
  if (next < 0) return false;
  const std::lock_guard lock(mutex_);
  ::close(descriptor_);
  descriptor_ = next;
  return true;
}

bool LineSink::takes_a_line() {
  pollfd ready{descriptor_, POLLOUT, 0};
  const int found = ::poll(&ready, 1, stalled_ ? 0 : kPatienceMs);
  stalled_ = found == 0;
  return found > 0;
}

void LineSink::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  if (!takes_a_line() || ::write(descriptor_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ++failed_;
}

}  // namespace kontor::cmd

// Makes a program believe in another time of day. Preloaded (LD_PRELOAD) into a program under test; links nothing of
// Kontor. KONTOR_CLOCK_AHEAD_S: so many seconds ahead of the machine's clock, or behind it when negative. Clocks that
// only count what has passed are left alone, and so are the times of files, which are the kernel's.
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

long ahead_s() {
  static const long seconds = [] {
    const char* text = std::getenv("KONTOR_CLOCK_AHEAD_S");
    return text == nullptr ? 0L : std::atol(text);
  }();
  return seconds;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (::syscall(SYS_clock_gettime, clock, time) != 0) return -1;
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec += ahead_s();
  return 0;
}

int gettimeofday(timeval* time, void*) noexcept {
  timespec now{};
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec, time->tv_usec = now.tv_nsec / 1'000;
  return 0;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"

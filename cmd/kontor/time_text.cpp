#include "cmd/kontor/time_text.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace kontor::cmd {

std::string time_text(std::int64_t unix_ns) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  std::int64_t ns = unix_ns % kNsPerSecond;
  std::time_t seconds = static_cast<std::time_t>(unix_ns / kNsPerSecond);
  if (ns < 0) ns += kNsPerSecond, --seconds;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char date[32], text[48];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text, sizeof text, "%s.%06lldZ", date, static_cast<long long>(ns / 1000));
  return text;
}

namespace {

/// Takes things off the front of a text; the first that is not there spoils all.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : text_(text) {}

  int number(std::size_t digits, int least, int most) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) value = value * 10 + digit();
    ok_ = ok_ && value >= least && value <= most;
    return value;
  }
  bool skip(std::string_view any_of) {
    const bool there = !text_.empty() && any_of.find(text_.front()) != any_of.npos;
    if (there) text_.remove_prefix(1);
    return there;
  }
  void need(std::string_view any_of) { ok_ = skip(any_of) && ok_; }
  /// Digits behind the point, as nanoseconds: what is finer is refused.
  std::int64_t fraction() {
    std::int64_t unit = 100'000'000, ns = 0;
    need(".");
    do {
      ns += unit * digit();
      ok_ = ok_ && unit > 0;
      unit /= 10;
    } while (!text_.empty() && text_.front() >= '0' && text_.front() <= '9');
    return ns;
  }
  bool starts_with(char c) const { return text_.starts_with(c); }
  bool done() const { return ok_ && text_.empty(); }

 private:
  int digit() {
    const bool there = !text_.empty() && text_.front() >= '0' && text_.front() <= '9';
    ok_ = ok_ && there;
    if (!there) return 0;
    const int value = text_.front() - '0';
    text_.remove_prefix(1);
    return value;
  }

  std::string_view text_;
  bool ok_ = true;
};

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  using namespace std::chrono;
  TimeReader in(text);
  const int year = in.number(4, 1970, 2261);
  in.need("-");
  const int month = in.number(2, 1, 12);
  in.need("-");
  const int day = in.number(2, 1, 31);
  in.need("Tt ");
  const int hour = in.number(2, 0, 23);
  in.need(":");
  const int minute = in.number(2, 0, 59);
  in.need(":");
  const int second = in.number(2, 0, 60);  // A leap second is the first of the next minute.
  const std::int64_t ns = in.starts_with('.') ? in.fraction() : 0;
  int offset_minutes = 0;
  if (!in.skip("Zz")) {
    const bool west = in.starts_with('-');
    in.need("+-");
    offset_minutes = in.number(2, 0, 23) * 60;
    in.need(":");
    offset_minutes += in.number(2, 0, 59);
    if (west) offset_minutes = -offset_minutes;
  }
  const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!in.done() || !date.ok()) return {};
  const std::int64_t days = sys_days{date}.time_since_epoch().count();
  const std::int64_t seconds = ((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second;
  return seconds * 1'000'000'000 + ns;
}

}  // namespace kontor::cmd

#include "cmd/kontor/terminal.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace kontor::cmd {
namespace {

constexpr std::chrono::seconds kQuietAtFirst{1};
constexpr std::chrono::milliseconds kRedrawEvery{100};
constexpr std::size_t kColumnsAssumed = 80;
constexpr std::string_view kGap = "  ";

std::size_t columns_of(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumnsAssumed;
  return size.ws_col;
}

/// Characters, not bytes; none of ours is wider than one column.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string_view cut(std::string_view text, std::size_t columns) {
  while (width_of(text) > columns) text.remove_suffix(1);
  return text;
}

}  // namespace

bool is_terminal(std::FILE* stream) { return isatty(fileno(stream)) == 1; }

bool wants_colour(std::FILE* stream) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  if (no_colour != nullptr && *no_colour != '\0') return false;
  if (kind == nullptr || std::string_view(kind) == "dumb") return false;
  return is_terminal(stream);
}

std::string painted(std::string_view text, Tone tone, bool colour) {
  if (!colour || tone == Tone::plain) return std::string(text);
  const char* code = tone == Tone::strong ? "\033[1m"
                     : tone == Tone::good ? "\033[32m"
                     : tone == Tone::bad  ? "\033[1;31m"
                                          : "\033[2m";
  return code + std::string(text) + "\033[0m";
}

ProgressLine::ProgressLine(std::FILE* stream)
    : stream_(stream), enabled_(is_terminal(stream)), next_(std::chrono::steady_clock::now() + kQuietAtFirst) {}

void ProgressLine::show(std::string_view text) {
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kRedrawEvery;
  drawn_ = true;
  const std::string line(cut(text, columns_of(stream_) - 1));
  std::fprintf(stream_, "\r%s\033[K", line.c_str());
  std::fflush(stream_);
}

void ProgressLine::clear() {
  if (!std::exchange(drawn_, false)) return;
  std::fputs("\r\033[K", stream_);
  std::fflush(stream_);
}

void Table::heading(std::string text) {
  rows_.push_back({});
  rows_.back().emplace_back(std::move(text), Tone::strong);
}

std::string Table::text(bool colour) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size() && row.size() > 1; ++i)
      widths[i] = std::max(widths[i], width_of(row[i].text));

  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t width = width_of(row[i].text);
      const std::string fill(widths[i] > width ? widths[i] - width : 0, ' ');
      const std::string words = painted(row[i].text, row[i].tone, colour);
      if (i > 0) line += kGap;
      line += columns_[i] == Align::right ? fill + words : words + fill;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace kontor::cmd

#pragma once
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

/// What people see: tables on standard output, a line of progress on standard error; colour and redrawing only where a
/// terminal shows them.
namespace kontor::cmd {

bool is_terminal(std::FILE* stream);
/// A terminal, and the user did not opt out (NO_COLOR, see no-color.org).
bool wants_colour(std::FILE* stream);

enum class Tone { plain, strong, good, bad, faint };
std::string painted(std::string_view text, Tone tone, bool colour);

/// One line that says how far a long run is. Nothing appears in the first second, nor where no terminal shows it.
class ProgressLine {
 public:
  explicit ProgressLine(std::FILE* stream = stderr);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  /// Replaces the line; cut to the terminal's width, at most ten times a second.
  void show(std::string_view text);
  /// Wipes the line, before something else is printed.
  void clear();

 private:
  std::FILE* stream_;
  bool enabled_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_;
};

/// Columns as wide as their widest cell. The first is aligned left, the others right unless told.
class Table {
 public:
  struct Cell {
    Cell(std::string words, Tone shade = Tone::plain) : text(std::move(words)), tone(shade) {}  // NOLINT: implicit
    Cell(const char* words) : text(words) {}                                                    // NOLINT: implicit
    std::string text;
    Tone tone = Tone::plain;
  };
  enum class Align { left, right };

  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}

  void row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  /// A line of text over all columns; widens none.
  void heading(std::string text);
  std::string text(bool colour) const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace kontor::cmd

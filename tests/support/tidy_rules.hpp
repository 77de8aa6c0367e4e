#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// The rules of the house as functions over text: each takes one file and names each line that breaks it.
/// They read layout as clang-format leaves it; they are no C++ parser.
namespace kontor::tidy {

struct SourceFile {
  std::string path;  ///< From the repository's root, with forward slashes.
  std::string text;
};

struct Offence {
  std::string path;
  std::size_t line = 0;  ///< From 1.
  std::string what;

  friend bool operator==(const Offence&, const Offence&) = default;
};
using Offences = std::vector<Offence>;

constexpr std::size_t kFileLinesMax = 500;
constexpr std::size_t kFunctionLinesMax = 70;
constexpr std::size_t kLineColumnsMax = 120;

/// The text with comments, and the insides of string and character literals, blanked out; lines and columns stay.
std::string code_only(std::string_view text);

/// domain <- persistence <- actors <- cmd, and no third-party header outside its folder. Other folders are free.
Offences includes(const SourceFile& file);

Offences file_length(const SourceFile& file);
Offences line_length(const SourceFile& file);  ///< In characters, not bytes.

/// From the line of the opening brace to that of the closing one, both included.
Offences function_length(const SourceFile& file);

/// No floating point, clock, randomness or thread in domain/.
Offences purity(const SourceFile& file);

/// No printing in domain/, persistence/, actors/: libraries report to their caller.
Offences printing(const SourceFile& file);

/// No notes to self, in code or comment.
Offences unfinished(const SourceFile& file);

Offences pragma_once(const SourceFile& file);

/// `list` is the text of the folder's CMakeLists.txt, `name` the file's path from there.
Offences unlisted(const SourceFile& file, std::string_view name, std::string_view list);

}  // namespace kontor::tidy

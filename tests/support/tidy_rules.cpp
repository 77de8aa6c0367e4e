#include "tests/support/tidy_rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <regex>
#include <span>

namespace kontor::tidy {
namespace {

using Names = std::span<const std::string_view>;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string_view folder_of(std::string_view path) { return path.substr(0, path.find('/')); }

bool one_of(std::string_view word, Names names) { return std::find(names.begin(), names.end(), word) != names.end(); }

bool starts_with_one_of(std::string_view word, Names prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return word.starts_with(p); });
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Where the literal that begins at `begin` ends: the index after its closing quote.
std::size_t literal_end(std::string_view text, std::size_t begin) {
  if (text[begin] == '"' && begin > 0 && text[begin - 1] == 'R') {
    const auto open = text.find('(', begin);
    const std::string close = ")" + std::string(text.substr(begin + 1, open - begin - 1)) + "\"";
    const auto end = text.find(close, open);
    return end == text.npos ? text.size() : end + close.size();
  }
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == text[begin] || text[i] == '\n')
      return i + 1;
  }
  return text.size();
}

/// A structural brace (namespace, class …) holds declarations; a body is a function's; data is an initialiser.
enum class Brace { structural, body, data };

Brace sort_of(std::string statement) {
  static const std::regex noise(R"(\[\[[^\]]*\]\]|alignas\([^)]*\)|template\s*<[^{;(]*>\s*(?=struct|class|union))");
  static const std::regex structural(
      R"(^((inline|typedef|export|static|constexpr|const)\s+)*(namespace|struct|class|union|enum|extern)\b)");
  statement = std::regex_replace(statement, noise, " ");
  const std::string_view head = trimmed(statement);
  if (std::regex_search(head.begin(), head.end(), structural)) return Brace::structural;
  return head.find('(') == head.npos || head.ends_with('=') ? Brace::data : Brace::body;
}

/// Finds function bodies in code without comments: scans to each opening brace and judges it by the text before it.
class BodyScan {
 public:
  BodyScan(const SourceFile& file, std::string code) : file_(file), code_(std::move(code)) {}

  Offences run() {
    for (; at_ < code_.size(); ++at_) step(code_[at_]);
    return std::move(found_);
  }

 private:
  void step(char c) {
    if (c == '\n') ++line_;
    if (c == '#' && trimmed(statement_).empty()) return skip_directive();
    if (c == '{' && sort_of(statement_) != Brace::structural) return skip_braces(sort_of(statement_));
    const bool label =
        statement_.ends_with("public") || statement_.ends_with("private") || statement_.ends_with("protected");
    if (c == ';' || c == '{' || c == '}' || (c == ':' && label))
      statement_.clear();
    else
      statement_ += c;
  }

  void skip_directive() {
    for (; at_ < code_.size(); ++at_) {
      if (code_[at_] != '\n') continue;
      ++line_;
      if (at_ == 0 || code_[at_ - 1] != '\\') return;
    }
  }

  void skip_braces(Brace brace) {
    const std::size_t begin_line = line_;
    for (int depth = 0; at_ < code_.size(); ++at_) {
      if (code_[at_] == '\n') ++line_;
      if (code_[at_] == '{') ++depth;
      if (code_[at_] == '}' && --depth == 0) break;
    }
    const std::size_t lines = line_ - begin_line + 1;
    if (brace == Brace::body && lines > kFunctionLinesMax)
      found_.push_back({file_.path, begin_line, "function of " + std::to_string(lines) + " lines"});
    const auto next = code_.find_first_not_of(" \n", at_ + 1);
    const bool member_init = next != code_.npos && (code_[next] == ',' || code_[next] == '{');
    if (!member_init) statement_.clear();  // Otherwise `: a_{1}, b_{2} {`: the statement goes on.
  }

  const SourceFile& file_;
  std::string code_;
  std::string statement_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  Offences found_;
};

/// Offences of the words in `words`, and of the calls (a word and a parenthesis) in `calls`.
Offences banned(const SourceFile& file, Names words, Names calls) {
  Offences found;
  const std::string code = code_only(file.text);
  const auto lines = lines_of(code);
  for (std::size_t n = 0; n < lines.size(); ++n) {
    const std::string_view line = lines[n];
    for (std::size_t begin = 0; begin < line.size();) {
      std::size_t end = begin;
      while (end < line.size() && is_word(line[end])) ++end;
      const std::string_view word = line.substr(begin, end - begin);
      const bool called = end < line.size() && line[end] == '(';
      if (one_of(word, words) || (called && one_of(word, calls)))
        found.push_back({file.path, n + 1, std::string(word)});
      begin = std::max(end, begin + 1);
    }
  }
  return found;
}

constexpr std::array<std::string_view, 4> kLayers = {"domain", "persistence", "actors", "cmd"};

bool may_include_ours(std::string_view folder, std::string_view header) {
  const auto own = std::find(kLayers.begin(), kLayers.end(), folder);
  const auto other = std::find(kLayers.begin(), kLayers.end(), folder_of(header));
  return header.find('/') != header.npos && other <= own && other != kLayers.end();
}

/// Containers and hashing are header-only and pure, so every folder may use them.
constexpr std::array<std::string_view, 3> kEverywhere = {"boost/container/", "boost/unordered/", "xxhash.h"};
constexpr std::array<std::string_view, 3> kCmdOnly = {"boost/", "CLI/", "spdlog/"};

bool may_include_foreign(const SourceFile& file, std::string_view header) {
  const std::string_view folder = folder_of(file.path);
  if (starts_with_one_of(header, kEverywhere)) return true;
  if (header == "lmdb.h") return folder == "persistence" && file.path.ends_with(".cpp");
  if (header.starts_with("caf/")) return folder == "actors" || folder == "cmd";
  if (header.starts_with("boost/asio/")) return folder == "actors" || folder == "cmd";
  if (starts_with_one_of(header, kCmdOnly) || header == "zlib.h") return folder == "cmd";
  const bool standard = header.find_first_of("./") == header.npos;
  return standard || folder != "domain";  // The rest is the operating system's: unistd.h, sys/mman.h …
}

}  // namespace

std::string code_only(std::string_view text) {
  std::string code(text);
  const auto blank = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < std::min(end, code.size()); ++i)
      if (code[i] != '\n') code[i] = ' ';
    return end;
  };
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    const bool separator = i > 0 && text[i] == '\'' && is_word(text[i - 1]);  // As in 10'000.
    if (rest.starts_with("//"))
      i = blank(i, std::min(text.find('\n', i), text.size()));
    else if (rest.starts_with("/*"))
      i = blank(i, std::min(text.find("*/", i + 2), text.size() - 2) + 2);
    else if (text[i] == '"' || (text[i] == '\'' && !separator)) {
      const std::size_t end = literal_end(text, i);
      blank(i + 1, end - 1);
      i = end;
    } else
      ++i;
  }
  return code;
}

Offences includes(const SourceFile& file) {
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  const std::string_view folder = folder_of(file.path);
  Offences found;
  if (!one_of(folder, kLayers)) return found;
  const auto lines = lines_of(file.text);
  for (std::size_t n = 0; n < lines.size(); ++n) {
    std::match_results<std::string_view::const_iterator> match;
    if (!std::regex_search(lines[n].begin(), lines[n].end(), match, include)) continue;
    const std::string header = match[2].str();
    const bool allowed = *match[1].first == '"' ? may_include_ours(folder, header) : may_include_foreign(file, header);
    if (!allowed) found.push_back({file.path, n + 1, "may not include " + header});
  }
  return found;
}

Offences file_length(const SourceFile& file) {
  const std::size_t lines = lines_of(file.text).size();
  if (lines <= kFileLinesMax) return {};
  return {{file.path, lines, "file of " + std::to_string(lines) + " lines"}};
}

Offences line_length(const SourceFile& file) {
  Offences found;
  const auto lines = lines_of(file.text);
  for (std::size_t n = 0; n < lines.size(); ++n) {
    const auto columns = std::count_if(lines[n].begin(), lines[n].end(),
                                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
    if (static_cast<std::size_t>(columns) > kLineColumnsMax)
      found.push_back({file.path, n + 1, "line of " + std::to_string(columns) + " columns"});
  }
  return found;
}

Offences function_length(const SourceFile& file) { return BodyScan(file, code_only(file.text)).run(); }

Offences purity(const SourceFile& file) {
  constexpr std::array<std::string_view, 14> kWords = {
      "double", "float",  "mutex",   "shared_mutex", "thread",       "jthread", "atomic",
      "async",  "random", "mt19937", "system_clock", "steady_clock", "rand",    "random_device"};
  constexpr std::array<std::string_view, 4> kCalls = {"now", "time", "getenv", "sleep_for"};
  return folder_of(file.path) == "domain" ? banned(file, kWords, kCalls) : Offences{};
}

Offences printing(const SourceFile& file) {
  constexpr std::array<std::string_view, 1> kWords = {"cout"};
  constexpr std::array<std::string_view, 3> kCalls = {"printf", "puts", "putchar"};
  return one_of(folder_of(file.path), Names(kLayers).first(3)) ? banned(file, kWords, kCalls) : Offences{};
}

Offences unfinished(const SourceFile& file) {
  static const std::regex note(
      "\\b(TO"
      "DO|FIX"
      "ME|X"
      "XX)\\b");  // In halves, or this line would be the first offence.
  Offences found;
  const auto lines = lines_of(file.text);
  for (std::size_t n = 0; n < lines.size(); ++n)
    if (std::regex_search(lines[n].begin(), lines[n].end(), note)) found.push_back({file.path, n + 1, "unfinished"});
  return found;
}

Offences pragma_once(const SourceFile& file) {
  if (!file.path.ends_with(".hpp")) return {};
  const auto lines = lines_of(file.text);
  const bool there = std::any_of(lines.begin(), lines.end(), [](auto line) { return trimmed(line) == "#pragma once"; });
  return there ? Offences{} : Offences{{file.path, 1, "no #pragma once"}};
}

Offences unlisted(const SourceFile& file, std::string_view name, std::string_view list) {
  if (!file.path.ends_with(".cpp")) return {};
  for (auto at = list.find(name); at != list.npos; at = list.find(name, at + 1)) {
    const auto end = at + name.size();
    const bool begins = at == 0 || std::string_view(" \t\n(\"").find(list[at - 1]) != std::string_view::npos;
    const bool ends = end == list.size() || std::string_view(" \t\n)\"").find(list[end]) != std::string_view::npos;
    if (begins && ends) return {};
  }
  return {{file.path, 1, "not in its folder's CMakeLists.txt"}};
}

}  // namespace kontor::tidy

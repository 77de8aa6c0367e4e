// The rules of the house, as tests (STYLE, section 3.7): each over every source, and each against a planted offence.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "tests/support/catch.hpp"
#include "tests/support/tidy_rules.hpp"

namespace {

using namespace kontor::tidy;
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<SourceFile> load() {
  const fs::path root = KONTOR_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const char* folder : {"domain", "persistence", "actors", "cmd", "tests", "bench"}) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp") continue;
      files.push_back({fs::relative(entry.path(), root).generic_string(), read(entry.path())});
    }
  }
  return files;
}

const std::vector<SourceFile>& sources() {
  static const std::vector<SourceFile> files = load();
  return files;
}

void require_none(const Offences& offences) {
  for (const auto& [path, line, what] : offences) FAIL_CHECK(path << ":" << line << ": " << what);
}

void require_none_in_sources(Offences (*rule)(const SourceFile&)) {
  for (const SourceFile& file : sources()) require_none(rule(file));
}

/// The nearest CMakeLists.txt above the file, and the file's name from there.
Offences unlisted_in_tree(const SourceFile& file) {
  const fs::path path = fs::path(KONTOR_SOURCE_DIR) / file.path;
  for (fs::path folder = path.parent_path(); folder != KONTOR_SOURCE_DIR; folder = folder.parent_path()) {
    if (!fs::exists(folder / "CMakeLists.txt")) continue;
    return unlisted(file, fs::relative(path, folder).generic_string(), read(folder / "CMakeLists.txt"));
  }
  return {{file.path, 1, "no CMakeLists.txt above it"}};
}

/// The lines that `rule` names in a file of this path and text.
std::vector<std::size_t> lines(Offences (*rule)(const SourceFile&), const char* path, std::string text) {
  std::vector<std::size_t> found;
  for (const Offence& offence : rule({path, std::move(text)})) found.push_back(offence.line);
  return found;
}

using Lines = std::vector<std::size_t>;

std::string repeat(std::size_t times, std::string_view text) {
  std::string all;
  while (times-- > 0) all += text;
  return all;
}

}  // namespace

TEST_CASE("tidy: there are sources to judge", "[house]") { CHECK(sources().size() >= 3); }
TEST_CASE("tidy: includes follow the layers", "[house]") { require_none_in_sources(includes); }
TEST_CASE("tidy: files are short", "[house]") { require_none_in_sources(file_length); }
TEST_CASE("tidy: lines are short", "[house]") { require_none_in_sources(line_length); }
TEST_CASE("tidy: functions are short", "[house]") { require_none_in_sources(function_length); }
TEST_CASE("tidy: the domain is pure", "[house]") { require_none_in_sources(purity); }
TEST_CASE("tidy: libraries do not print", "[house]") { require_none_in_sources(printing); }
TEST_CASE("tidy: nothing is left unfinished", "[house]") { require_none_in_sources(unfinished); }
TEST_CASE("tidy: headers are read once", "[house]") { require_none_in_sources(pragma_once); }
TEST_CASE("tidy: every source is built", "[house]") { require_none_in_sources(unlisted_in_tree); }

TEST_CASE("tidy rule: an include above or beside its layer is named", "[house]") {
  struct Row {
    const char* path;
    const char* include;
    bool allowed;
  };
  const auto row = GENERATE(values<Row>({
      {"domain/a.hpp", "\"domain/b.hpp\"", true},
      {"domain/a.hpp", "\"b.hpp\"", false},  // Not from the root.
      {"domain/a.hpp", "\"persistence/b.hpp\"", false},
      {"domain/a.hpp", "<vector>", true},
      {"domain/a.hpp", "<boost/container/small_vector.hpp>", true},
      {"domain/a.hpp", "<boost/unordered/unordered_flat_map.hpp>", true},
      {"domain/a.hpp", "<xxhash.h>", true},
      {"domain/a.hpp", "<boost/json.hpp>", false},
      {"domain/a.hpp", "<caf/all.hpp>", false},
      {"domain/a.cpp", "<lmdb.h>", false},
      {"domain/a.cpp", "<unistd.h>", false},
      {"domain/commit/a.cpp", "<sys/mman.h>", false},
      {"persistence/a.cpp", "\"domain/b.hpp\"", true},
      {"persistence/a.cpp", "\"actors/b.hpp\"", false},
      {"persistence/a.cpp", "<lmdb.h>", true},
      {"persistence/a.hpp", "<lmdb.h>", false},
      {"persistence/a.cpp", "<unistd.h>", true},
      {"persistence/a.cpp", "<caf/all.hpp>", false},
      {"actors/a.hpp", "<caf/all.hpp>", true},
      {"actors/a.hpp", "\"persistence/b.hpp\"", true},
      {"actors/a.hpp", "\"cmd/b.hpp\"", false},
      {"actors/a.cpp", "<lmdb.h>", false},
      {"actors/a.cpp", "<boost/asio.hpp>", false},
      {"actors/a.cpp", "<boost/beast.hpp>", false},
      {"actors/a.cpp", "<CLI/CLI.hpp>", false},
      {"actors/a.cpp", "\"tests/support/catch.hpp\"", false},
      {"cmd/http/a.cpp", "<boost/beast.hpp>", true},
      {"cmd/http/a.cpp", "\"actors/b.hpp\"", true},
      {"cmd/kontor/a.cpp", "<lmdb.h>", false},
      {"tests/a.cpp", "<boost/beast.hpp>", true},
  }));
  const std::string text = std::string("#pragma once\n#include ") + row.include + "\n";
  INFO(row.path << " includes " << row.include);
  CHECK(lines(includes, row.path, text) == (row.allowed ? Lines{} : Lines{2}));
}

TEST_CASE("tidy rule: length of files and lines is counted, in characters", "[house]") {
  CHECK(lines(file_length, "domain/a.cpp", repeat(500, "\n")).empty());
  CHECK(lines(file_length, "domain/a.cpp", repeat(501, "\n")) == Lines{501});
  CHECK(lines(line_length, "domain/a.cpp", "\n" + repeat(120, "\u00e4") + "\n").empty());
  CHECK(lines(line_length, "domain/a.cpp", "\n" + repeat(121, "x") + "\n") == Lines{2});
}

TEST_CASE("tidy rule: a long function is named, whatever its head looks like", "[house]") {
  const auto head = GENERATE(values<std::string>({
      "void f() {",
      "Result<int> f(int a, int b) const noexcept {",
      "template <class T> T f(const T& a) {",
      "X::X() : a_{1}, b_(2) {",
      "X::X() : a_{1}, b_{2} {",
      "auto f = [](int a) {",
      "TEST_CASE(\"a { b\", \"[c]\") {",
      "struct alignas(8) S { int x{0}; void f() {",
      "namespace a { class B : public C { public: int f() override {",
  }));
  INFO(head);
  const auto with = [&](std::size_t inner) { return "\n" + head + "\n" + repeat(inner, "  x({1});  // }\n") + "}\n"; };
  CHECK(lines(function_length, "domain/a.cpp", with(kFunctionLinesMax - 2)).empty());
  CHECK(lines(function_length, "domain/a.cpp", with(kFunctionLinesMax - 1)) == Lines{2});
}

TEST_CASE("tidy rule: what is long but no function is let be", "[house]") {
  const auto head = GENERATE(values<std::string>({
      "namespace {",
      "struct X : Y<int> {",
      "template <class T> class X final {",
      "enum class E : std::uint8_t {",
      "class alignas(64) X {",
      "constexpr int kTable[] = {",
      "const std::vector<int> table{",
  }));
  INFO(head);
  CHECK(lines(function_length, "domain/a.cpp", head + repeat(80, "\n") + "};\n").empty());
}

TEST_CASE("tidy rule: clocks, chance, threads and fractions are named in domain/ only", "[house]") {
  const auto code = GENERATE(values<std::string>({
      "double x = 0;",
      "float x = 0;",
      "auto t = Clock::now();",
      "std::mt19937 generator;",
      "#include <random>",
      "#include <thread>",
      "std::mutex m;",
      "std::jthread t;",
  }));
  INFO(code);
  CHECK(lines(purity, "domain/a.cpp", "\n" + code) == Lines{2});
  CHECK(lines(purity, "actors/a.cpp", "\n" + code).empty());
  CHECK(lines(purity, "domain/a.cpp", "// " + code).empty());
}

TEST_CASE("tidy rule: words inside longer words, text and comments are not code", "[house]") {
  CHECK(lines(purity, "domain/a.cpp", "int threads, doubled, now_ns; const char* s = \"double\"; /* float */").empty());
  CHECK(lines(purity, "domain/a.cpp", "auto s = R\"(\" double)\"; int x = 1'000; float y;\n") == Lines{1});
  CHECK(code_only("a // b\n'c' \"d\\\"e\" /* f */ g") == "a     \n' ' \"    \"         g");
}

TEST_CASE("tidy rule: printing is named in libraries only", "[house]") {
  const auto code = GENERATE(values<std::string>({"std::cout << 1;", "std::printf(\"x\");", "puts(\"x\");"}));
  for (const char* path : {"domain/a.cpp", "persistence/a.cpp", "actors/a.cpp"})
    CHECK(lines(printing, path, "\n" + code) == Lines{2});
  CHECK(lines(printing, "cmd/kontor/a.cpp", code).empty());
  CHECK(lines(printing, "actors/a.cpp", "std::snprintf(buffer, size, format);").empty());
}

TEST_CASE("tidy rule: notes to self are named, in comments too", "[house]") {
  CHECK(lines(unfinished, "cmd/a.cpp", std::string("\n// TO") + "DO: later\n") == Lines{2});
  CHECK(lines(unfinished, "cmd/a.cpp", std::string("// FIX") + "ME\n") == Lines{1});
  CHECK(lines(unfinished, "cmd/a.cpp", "int todo = 0;").empty());
}

TEST_CASE("tidy rule: a header without its pragma is named", "[house]") {
  CHECK(lines(pragma_once, "domain/a.hpp", "#include <vector>\n") == Lines{1});
  CHECK(lines(pragma_once, "domain/a.hpp", "// What.\n#pragma once\n").empty());
  CHECK(lines(pragma_once, "domain/a.cpp", "").empty());
}

TEST_CASE("tidy rule: a source outside its folder's list is named", "[house]") {
  const SourceFile file{"domain/commit/vote.cpp", ""};
  CHECK(unlisted(file, "commit/vote.cpp", "SOURCES\n  commit/vote.cpp\n").empty());
  CHECK(unlisted(file, "commit/vote.cpp", "SOURCES commit/vote.cpp)").empty());
  CHECK(unlisted(file, "commit/vote.cpp", "SOURCES\n  precommit/vote.cpp commit/vote.cpp.in\n").size() == 1);
  CHECK(unlisted({"domain/a.hpp", ""}, "a.hpp", "").empty());
}

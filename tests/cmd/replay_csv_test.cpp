#include <filesystem>
#include <fstream>
#include <tuple>

#include <zlib.h>

#include "cmd/kontor/replay/byte_source.hpp"
#include "cmd/kontor/replay/csv_reader.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace kontor::cmd::replay;

/// One row as text: "LINE|field|field" or "LINE!malformed".
std::string story(const CsvRow& row) {
  std::string text = std::to_string(row.line);
  if (row.fault == CsvFault::malformed) return text + "!malformed";
  if (row.fault == CsvFault::too_long) return text + "!too_long";
  for (const std::string& field : row.fields) text += "|" + field;
  return text;
}

using Story = std::vector<std::string>;
Story read(std::string_view bytes, std::size_t chunk = 1 << 20) {
  Story rows;
  read_csv(bytes, chunk, [&](const CsvRow& row) { rows.push_back(story(row)); });
  return rows;
}

TEST_CASE("csv: each row is handed out with the line that it begins on", "[cmd][csv]") {
  const auto [bytes, want] = GENERATE(table<std::string, Story>({
      {"", {}},
      {"a,b\n", {"1|a|b"}},
      {"a,b", {"1|a|b"}},
      {"a,b\r\nc,d\r\n", {"1|a|b", "2|c|d"}},
      {"a\r", {"1|a"}},
      {"\"a\"\r", {"1|a"}},
      {"\xef\xbb\xbf"
       "a,b\n",
       {"1|a|b"}},
      {"\xef\xbb", {"1|\xef\xbb"}},
      {",\n", {"1||"}},
      {"\"\",\"\"\n", {"1||"}},
      {"a\n\n\r\n\nb\n\n", {"1|a", "5|b"}},
      {"\"a,b\",\"c \"\"d\"\" e\"\n", {"1|a,b|c \"d\" e"}},
      {"\"a\nb\r\nc\",d\ne\n", {"1|a\nb\r\nc|d", "4|e"}},
      {"a \"b\" c,d\"\n", {"1|a \"b\" c|d\""}},
      {"a\rb,c\n", {"1|a\rb|c"}},
      {" \"a\",b\n", {"1| \"a\"|b"}},
      {std::string("a\0b,c\n", 6), {std::string("1|a\0b|c", 7)}},
  }));
  CAPTURE(bytes);
  CHECK(read(bytes) == want);
}

TEST_CASE("csv: a broken row costs the physical line that it begins on, not those behind it", "[cmd][csv]") {
  const auto [bytes, want] = GENERATE(table<std::string, Story>({
      {"\"a\"b,c\nd\n", {"1!malformed", "2|d"}},
      {"\"a\" ,c\nd\n", {"1!malformed", "2|d"}},
      {"\"a\"\rb\nd\n", {"1!malformed", "2|d"}},
      {"x,\"a\nb\nc,d", {"1!malformed", "2|b", "3|c|d"}},
      {"x,\"a\nb,\"c\"\nd\n", {"1!malformed", "2|b|c", "3|d"}},
      {"a\n\"", {"1|a", "2!malformed"}},
  }));
  CAPTURE(bytes);
  CHECK(read(bytes) == want);
}

TEST_CASE("csv: a row beyond kCsvRowBytesMax is too long, the longest one is not", "[cmd][csv]") {
  const std::string fits(kCsvRowBytesMax - 1, 'x'), beyond(kCsvRowBytesMax, 'x'), far(kCsvRowBytesMax * 40, 'x');
  CHECK(read(fits + "\nb\n") == Story{"1|" + fits, "2|b"});
  CHECK(read(fits) == Story{"1|" + fits});
  for (const std::size_t chunk : {std::size_t{4096}, std::size_t{1} << 30}) {
    CHECK(read(beyond + "\nb\n", chunk) == Story{"1!too_long", "2|b"});
    CHECK(read(beyond, chunk) == Story{"1!too_long"});
    CHECK(read(far + "\nb\n", chunk) == Story{"1!too_long", "2|b"});
    CHECK(read("a\n" + far, chunk) == Story{"1|a", "2!too_long"});
    CHECK(read("\"" + far + "\nb\n", chunk) == Story{"1!too_long", "2|b"});
  }
}

TEST_CASE("csv: fields beyond kCsvFieldsMax are counted, not kept", "[cmd][csv]") {
  const std::string many(kCsvFieldsMax + 4, ',');
  std::size_t rows = 0;
  read_csv(many + "\na,b\n", 7, [&](const CsvRow& row) {
    CHECK(row.fields.size() == (rows == 0 ? kCsvFieldsMax : 2));
    CHECK(row.columns == (rows == 0 ? kCsvFieldsMax + 5 : 2));
    ++rows;
  });
  CHECK(rows == 2);
}

TEST_CASE("csv: however the source cuts its bytes, the rows are the same", "[cmd][csv]") {
  // Every text of up to six of the bytes that mean something, and one that does not.
  const std::string alphabet = "\",\n\ra";
  std::size_t count = 1, differing = 0;
  for (std::size_t length = 0; length <= 6; ++length, count *= alphabet.size()) {
    for (std::size_t n = 0; n < count; ++n) {
      std::string bytes;
      for (std::size_t i = 0, rest = n; i < length; ++i, rest /= alphabet.size())
        bytes += alphabet[rest % alphabet.size()];
      const Story whole = read(bytes);
      if (whole == read(bytes, 1) && whole == read(bytes, 3)) continue;
      if (++differing < 5) FAIL_CHECK("differs: " << Catch::StringMaker<std::string>::convert(bytes));
    }
  }
  CHECK(differing == 0);
}

/// A file of its own for one test, gone afterwards.
class File {
 public:
  explicit File(const char* name) : path(std::filesystem::temp_directory_path() / name) {}
  ~File() { std::filesystem::remove(path); }
  void write(std::string_view bytes) const { std::ofstream(path, std::ios::binary) << bytes; }
  std::string bytes() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  const std::filesystem::path path;
};

std::size_t count_rows(const std::filesystem::path& path) {
  CsvReader reader(open_bytes(path));
  CsvRow row;
  std::size_t rows = 0;
  while (reader.next(row)) ++rows;
  return rows;
}

TEST_CASE("csv: gzip and plain files read the same; damaged gzip is an error, not a shorter file", "[cmd][csv]") {
  const File plain("kontor_csv_test.csv"), packed("kontor_csv_test.csv.gz");
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919) + ",some text\n";
  plain.write(text);
  gzFile gz = gzopen(packed.path.c_str(), "wb");
  REQUIRE(gz != nullptr);
  REQUIRE(gzwrite(gz, text.data(), static_cast<unsigned>(text.size())) == static_cast<int>(text.size()));
  REQUIRE(gzclose(gz) == Z_OK);
  CHECK(count_rows(plain.path) == 50'000);
  CHECK(count_rows(packed.path) == 50'000);

  std::string bytes = packed.bytes();
  packed.write(std::string_view(bytes).substr(0, bytes.size() / 2));
  CHECK_THROWS_AS(count_rows(packed.path), UnreadableFile);
  packed.write(std::string_view(bytes).substr(0, bytes.size() - 3));
  CHECK_THROWS_AS(count_rows(packed.path), UnreadableFile);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
  packed.write(bytes);
  CHECK_THROWS_AS(count_rows(packed.path), UnreadableFile);
  CHECK_THROWS_AS(count_rows("/nowhere/at/all.csv"), UnreadableFile);
  CHECK_THROWS_AS(count_rows(std::filesystem::temp_directory_path()), UnreadableFile);
}

}  // namespace

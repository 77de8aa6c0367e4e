// What all subcommands share: figures, tables, JSON, exit codes.
#include <limits>

#include <boost/json.hpp>

#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/temporary_directory.hpp"
#include "cmd/kontor/terminal.hpp"
#include "cmd/kontor/time_text.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using namespace kontor::cmd;
using namespace std::chrono_literals;

TEST_CASE("figures: durations are read as people write them", "[cmd][frame]") {
  const auto [text, duration] = GENERATE(table<const char*, std::chrono::nanoseconds>({
      {"5", 5s},
      {"5s", 5s},
      {"1.5s", 1'500ms},
      {"500ms", 500ms},
      {"200us", 200us},
      {"1m", 60s},
      {"2h", 7'200s},
      {"0.1", 100ms},
  }));
  CHECK(parse_duration(text) == duration);
}

TEST_CASE("figures: what is no positive duration is refused", "[cmd][frame]") {
  CHECK_FALSE(
      parse_duration(GENERATE("", "s", "0", "-1", "5x", "5 s", "1e400", "nan", "inf", "1e9h", "5ss", "0.0000000001")));
}

TEST_CASE("figures: numbers are written for people", "[cmd][frame]") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'000) == "1,000");
  CHECK(grouped(12'345'678) == "12,345,678");
  CHECK(decimal(1'234.567, 2) == "1,234.57");
  CHECK(decimal(-1'234.5, 1) == "-1,234.5");
  CHECK(decimal(999.7, 0) == "1,000");
  CHECK(duration_text(870ns) == "870 ns");
  CHECK(duration_text(4'210us) == "4.21 ms");
  CHECK(duration_text(42'100us) == "42.1 ms");
  CHECK(duration_text(999'700us) == "1.00 s");
  CHECK(duration_text(83s) == "83.0 s");
  CHECK(bytes_text(999) == "999 B");
  CHECK(bytes_text(128'000'000) == "128 MB");
  CHECK(bytes_text(1'280'000'000) == "1.28 GB");
  CHECK(percent_text(0.99874) == "99.87 %");
}

TEST_CASE("table: columns are as wide as their widest cell", "[cmd][frame]") {
  Table table({Table::Align::left, Table::Align::right, Table::Align::left});
  table.heading("a heading, wider than any column");
  table.row({"speed", "412,334", "of café"});
  table.row({"p50", {"4 ms", Tone::good}, ""});
  CHECK(table.text(false) ==
        "a heading, wider than any column\n"
        "speed  412,334  of café\n"
        "p50       4 ms\n");
  CHECK(table.text(true).find("\033[32m4 ms\033[0m") != std::string::npos);
}

TEST_CASE("json: fractions are written without an exponent", "[cmd][frame]") {
  const boost::json::value value = {{"rate", 412'334.5},
                                    {"none", nullptr},
                                    {"list", {1, 2.5, "a\"b"}},
                                    {"empty", boost::json::object()},
                                    {"infinite", std::numeric_limits<double>::infinity()}};
  CHECK(json_text(value) == R"({"rate":412334.5,"none":null,"list":[1,2.5,"a\"b"],"empty":{},"infinite":null})");
}

TEST_CASE("times: what is written is read back, whatever the offset", "[cmd][frame]") {
  CHECK(time_text(1'700'000'000'123'456'000) == "2023-11-14T22:13:20.123456Z");
  for (const std::int64_t ns : {std::int64_t{0}, std::int64_t{951'782'400'000'000'000}, 1'700'000'000'123'456'000})
    CHECK(parse_time(time_text(ns)) == ns);
  CHECK(parse_time("1970-01-01T00:00:01Z") == 1'000'000'000);
  CHECK(parse_time("1970-01-01t01:00:01.5+01:00") == 1'500'000'000);
  CHECK(parse_time("1969-12-31T23:00:00-01:00") == std::nullopt);  // The year counts as it stands.
  CHECK(parse_time("1970-01-01 00:00:00-00:30") == 1'800'000'000'000);
  CHECK(parse_time("1970-01-01T00:00:00.123456789Z") == 123'456'789);
  CHECK(parse_time("2024-02-29T00:00:00Z") == 1'709'164'800'000'000'000);
  CHECK(parse_time("2016-12-31T23:59:60Z") == parse_time("2017-01-01T00:00:00Z"));
  for (const std::string_view wrong : {"",
                                       "soon",
                                       "2023-02-29T00:00:00Z",
                                       "2023-13-01T00:00:00Z",
                                       "2023-01-00T00:00:00Z",
                                       "2023-01-01T24:00:00Z",
                                       "2023-01-01T00:60:00Z",
                                       "2023-01-01T00:00:61Z",
                                       "2023-01-01T00:00:00",
                                       "2023-01-01",
                                       "2023-01-01T00:00Z",
                                       "2023-1-1T00:00:00Z",
                                       "2023-01-01T00:00:00.Z",
                                       "2023-01-01T00:00:00.1234567891Z",
                                       "2023-01-01T00:00:00+1:00",
                                       "2023-01-01T00:00:00+24:00",
                                       "2023-01-01T00:00:00Zx",
                                       " 2023-01-01T00:00:00Z",
                                       "2262-01-01T00:00:00Z",
                                       "-023-01-01T00:00:00Z"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_time(wrong));
  }
}

TEST_CASE("exit codes: every way in which a directory cannot be opened has one", "[cmd][frame]") {
  CHECK(exit_code_of(Errc::none) == 0);
  CHECK(exit_code_of(Errc::invalid_argument) == 2);
  CHECK(exit_code_of(Errc::incompatible_format) == 65);
  CHECK(exit_code_of(Errc::directory_in_use) == 69);
  CHECK(exit_code_of(Errc::corrupt_journal) == 74);
  CHECK(exit_code_of(Errc::io_error) == 74);
}

TEST_CASE("temporary directory: it is new, and gone at the end", "[cmd][frame]") {
  std::filesystem::path path;
  {
    const auto one = TemporaryDirectory::make(), other = TemporaryDirectory::make();
    REQUIRE((one && other));
    CHECK(one->path() != other->path());
    path = one->path();
    CHECK(std::filesystem::create_directories(path / "a" / "b"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

// What `kontor serve` makes of its options, and what it says of bad ones.
#include "cmd/kontor/serve/options.hpp"

#include <CLI/CLI.hpp>

#include "tests/support/catch.hpp"

using namespace kontor;

namespace {

/// The reason for which an option is refused; none if it is not.
std::string refusal(const std::string& argument, cmd::serve::Options& options) {
  CLI::App app;
  cmd::serve::add_options(app, options);
  try {
    app.parse(argument);
    return {};
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("serve options: how long keys are kept", "[http][options]") {
  using std::chrono::hours;
  const auto kept = [](const std::string& time) {
    cmd::serve::Options options;
    CHECK(refusal("--key-retention " + time, options).empty());
    return options.key_retention;
  };
  CHECK(cmd::serve::Options{}.key_retention == kKeyRetentionDefault);
  CHECK(kept("24h") == hours(24));
  CHECK(kept("1d") == kKeyRetentionMin);
  CHECK(kept("49h") == hours(49));
  CHECK(kept("7d") == hours(168));
  CHECK(kept("3650d") == kKeyRetentionMax);
  CHECK(kept("87600h") == kKeyRetentionMax);
  CHECK(kept("forever") == hours(0));
}

TEST_CASE("serve options: keys are kept for a day at least, and the refusal says so", "[http][options]") {
  for (const char* time : {"23h", "0", "0h", "0d", "1", "d", "-1d", "24", "24hd", "24.5h", "24H", "87601h", "3651d",
                           "99999999999d", "4294967297d", "Forever"}) {
    CAPTURE(time);
    cmd::serve::Options options;
    const std::string why = refusal("--key-retention=" + std::string(time), options);
    CHECK(why ==
          "--key-retention: '" + std::string(time) + "': keys are kept for 24h at least and 3650d at most, or forever");
    CHECK(options.key_retention == kKeyRetentionDefault);
  }
}

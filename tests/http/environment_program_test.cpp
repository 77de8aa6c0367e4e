// Where `kontor serve` gets its options from, and which of them wins.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/http/client.hpp"
#include "tests/http/running.hpp"

using namespace kontor::cmd;
using namespace kontor::tests;
namespace fs = std::filesystem;

namespace {

/// Set for the children of this test.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_.c_str()); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const std::string name_;
};

struct Dirs {
  kontor::testing::TempDir temp;
  const fs::path line = temp.path() / "line", environment = temp.path() / "environment", file = temp.path() / "file",
                 config = temp.path() / "kontor.toml";

  void write(const std::string& text) const { std::ofstream(config) << text; }
  std::string section() const {
    return "[serve]\nlisten = \"127.0.0.1:0\"\ndata = \"" + file.string() + "\"\nshards = 2\n";
  }
};

/// Ready, and ended again.
void serve(const std::vector<std::string>& arguments) {
  auto child = Child::start(KONTOR_PROGRAM, arguments);
  REQUIRE(child);
  const auto line = child->line(std::chrono::seconds(30));
  REQUIRE(line);
  CHECK(line->starts_with("kontor serves http://127.0.0.1:"));
  child->signal(SIGTERM);
  CHECK(child->wait() == kExitOk);
}

}  // namespace

TEST_CASE("environment: the command line wins over it, and it over the file", "[http][program]") {
  const Dirs dirs;
  dirs.write(dirs.section());
  SECTION("the file alone") {
    serve({"--config", dirs.config.string(), "serve"});
    CHECK(fs::exists(dirs.file / "shard-01"));  // All of its options.
  }
  SECTION("the environment and the file") {
    const Variable data("KONTOR_SERVE_DATA", dirs.environment.string());
    serve({"--config", dirs.config.string(), "serve"});
    CHECK(fs::exists(dirs.environment / "shard-01"));  // What it does not say, the file says.
    CHECK_FALSE(fs::exists(dirs.file));
  }
  SECTION("all three") {
    const Variable data("KONTOR_SERVE_DATA", dirs.environment.string()), shards("KONTOR_SERVE_SHARDS", "3");
    serve({"--config", dirs.config.string(), "serve", "--data", dirs.line.string()});
    CHECK(fs::exists(dirs.line / "shard-02"));
    CHECK_FALSE(fs::exists(dirs.environment));
    CHECK_FALSE(fs::exists(dirs.file));
  }
  SECTION("an empty variable is none") {
    const Variable data("KONTOR_SERVE_DATA", "");
    serve({"--config", dirs.config.string(), "serve"});
    CHECK(fs::exists(dirs.file));
  }
}

TEST_CASE("environment: every option can be set by it, switches too", "[http][program]") {
  const Dirs dirs;
  const fs::path log = dirs.temp.path() / "log";
  const Variable listen("KONTOR_SERVE_LISTEN", "127.0.0.1:0"), data("KONTOR_SERVE_DATA", dirs.environment.string()),
      proxy("KONTOR_SERVE_BEHIND_PROXY", "true"), lanes("KONTOR_SERVE_LANES", "2"), file("KONTOR_SERVE_LOG_FILE", log),
      format("KONTOR_SERVE_LOG_FORMAT", "json"), level("KONTOR_SERVE_LOG_LEVEL", "debug"),
      rate("KONTOR_SERVE_RATE_LIMIT", "1000"), protocol("KONTOR_SERVE_PROTOCOL", "three_phase"),
      keys("KONTOR_SERVE_KEY_RETENTION", "7d");
  serve({"serve"});
  std::ifstream in(log);
  std::string text;
  for (std::string line; std::getline(in, line);) text += line;
  CHECK(text.find("\"lanes\":2") != std::string::npos);
}

TEST_CASE("environment: what is wrong in it is refused like on the command line, and no other command minds",
          "[http][program]") {
  const Dirs dirs;
  const std::vector<std::string> arguments{"serve", "--listen", "127.0.0.1:0", "--data", dirs.line.string()};
  {
    const Variable keys("KONTOR_SERVE_KEY_RETENTION", "1h");
    CHECK(run_kontor(arguments).exit_code == kExitUsage);
    dirs.write("[serve]\nkey-retention = \"1h\"\n");
  }
  CHECK(run_kontor({"--config", dirs.config.string(), "serve", "--data", dirs.line.string()}).exit_code == kExitUsage);
  {
    const Variable lanes("KONTOR_SERVE_LANES", "0");
    CHECK(run_kontor(arguments).exit_code == kExitUsage);
    CHECK(run_kontor({"keys", "list", "--data", dirs.line.string()}).exit_code == kExitOk);
  }
  const Variable certificate("KONTOR_SERVE_TLS_CERT", "chain.pem");  // Without its key.
  CHECK(run_kontor(arguments).exit_code == kExitUsage);
  CHECK_FALSE(fs::exists(dirs.line));
}

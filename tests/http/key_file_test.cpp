// The file of API keys: what is refused, and that a change is whole or none.
#include "cmd/kontor/serve/key_file.hpp"

#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include <sys/stat.h>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace kontor;
using namespace kontor::cmd::serve;
namespace fs = std::filesystem;

namespace {

struct KeyFile {
  void write(const std::string& text) const {
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), 0600);
  }
  std::string text() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  Errc read() { return read_keys(path, &why).code(); }
  Errc add(const std::string& name = {}, int count = 1) {
    return change_keys(
               path,
               [&](std::vector<ApiKey>& keys) {
                 for (int i = 0; i < count; ++i)
                   keys.push_back(make_key({Role::customer, *AccountId::parse("alice")}, name)->key);
                 return Result<void>();
               },
               &why)
        .code();
  }
  bool alone() const { return std::distance(fs::directory_iterator(dir.path()), {}) == 1; }

  testing::TempDir dir;
  fs::path path = dir.path() / "keys.json";
  std::string why;
};

const std::string kHash(64, 'a');

std::string entry(const std::string& id, const std::string& rest = R"("role":"admin")") {
  return R"({"id":")" + id + "\"," + rest + R"(,"created_at_ns":1,"sha256":")" + kHash + "\"}";
}
std::string file(const std::string& entries) { return R"({"version":1,"keys":[)" + entries + "]}"; }

}  // namespace

TEST_CASE("key file: what was written is read, and is its owner's alone", "[http][keys]") {
  KeyFile keys;
  CHECK(keys.read() == Errc::not_found);
  REQUIRE(keys.add("caf\xC3\xA9") == Errc::none);
  REQUIRE(keys.add() == Errc::none);
  const auto all = read_keys(keys.path, nullptr);
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(all->front().name == "caf\xC3\xA9");
  CHECK(all->front().principal.role == Role::customer);
  CHECK(all->front().principal.account.view() == "alice");
  CHECK(all->front().created_at_ns > 0);
  struct stat status {};
  REQUIRE(::stat(keys.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(keys.alone());
}

TEST_CASE("key file: one that others may use is refused, for reading and for changing", "[http][keys]") {
  KeyFile keys;
  REQUIRE(keys.add() == Errc::none);
  const mode_t mode = GENERATE(0640U, 0604U, 0620U, 0602U, 0601U, 0777U);
  ::chmod(keys.path.c_str(), mode);
  CHECK(keys.read() == Errc::incompatible_format);
  CHECK(keys.why.find("chmod 600") != std::string::npos);
  const std::string before = keys.text();
  CHECK(keys.add() == Errc::incompatible_format);
  CHECK(keys.text() == before);
  CHECK(keys.alone());
}

TEST_CASE("key file: a malformed one is refused, with the place", "[http][keys]") {
  KeyFile keys;
  const std::string id = "0123456789ab";
  const auto [text, place] = GENERATE_COPY(table<std::string, std::string>({
      {"", ""},
      {"[]", ""},
      {"{}", "/version"},
      {R"({"version":2,"keys":[]})", "/version"},
      {R"({"version":1})", "/keys"},
      {R"({"version":1,"keys":[],"more":1})", "/more"},
      {R"({"version":1,"keys":[],"keys":[]})", "/keys"},
      {file("7"), "/keys/0"},
      {file(entry("0123456789aB")), "/keys/0/id"},
      {file(entry("0123456789a")), "/keys/0/id"},
      {file(entry(id) + "," + entry(id)), "/keys/1/id"},
      {file(entry(id, R"("role":"root")")), "/keys/0/role"},
      {file(entry(id, R"("role":"admin","account":"alice")")), "/keys/0/account"},
      {file(entry(id, R"("role":"merchant")")), "/keys/0/account"},
      {file(entry(id, R"("role":"merchant","account":"")")), "/keys/0/account"},
      {file(entry(id, R"("role":"admin","name":"a\nb")")), "/keys/0/name"},
      {file(entry(id, R"("role":"admin","name":")" + std::string(101, 'x') + "\"")), "/keys/0/name"},
      {R"({"version":1,"keys":[{"id":"0123456789ab","role":"admin","created_at_ns":1,"sha256":"aa"}]})",
       "/keys/0/sha256"},
      {R"({"version":1,"keys":[{"id":"0123456789ab","role":"admin","created_at_ns":-1,"sha256":")" + kHash + "\"}]}",
       "/keys/0/created_at_ns"},
  }));
  CAPTURE(text);
  keys.write(text);
  CHECK(keys.read() == Errc::incompatible_format);
  CAPTURE(keys.why);
  if (!place.empty()) CHECK(keys.why.find(" at " + place + ":") != std::string::npos);
  CHECK(keys.add() == Errc::incompatible_format);
  CHECK(keys.text() == text);
}

TEST_CASE("key file: its length and its keys are bounded, and a name that could not be read is not written",
          "[http][keys]") {
  KeyFile keys;
  keys.write(file("") + std::string(kKeyFileBytesMax - file("").size(), ' '));
  CHECK(keys.read() == Errc::none);
  keys.write(file("") + std::string(kKeyFileBytesMax - file("").size() + 1, ' '));
  CHECK(keys.read() == Errc::incompatible_format);
  keys.write(file(""));
  CHECK(keys.add(std::string(kKeyNameBytesMax, '"'), static_cast<int>(kKeysMax)) == Errc::none);
  CHECK(keys.text().size() <= kKeyFileBytesMax);
  CHECK(read_keys(keys.path, nullptr)->size() == kKeysMax);
  const std::string before = keys.text();
  CHECK(keys.add() == Errc::too_large);
  CHECK(keys.text() == before);
  keys.write(file(""));
  for (const char* name : {"a\nb", "\xFF", "a\x7F"}) CHECK(keys.add(name) == Errc::invalid_argument);
  CHECK(keys.text() == file(""));
  CHECK(keys.alone());
}

TEST_CASE("key file: what is no file, or lies where none can be, is said", "[http][keys]") {
  KeyFile keys;
  fs::create_directory(keys.path);
  CHECK(keys.read() == Errc::incompatible_format);
  keys.path = keys.dir.path() / "missing" / "keys.json";
  CHECK(keys.read() == Errc::not_found);
  CHECK(keys.add() == Errc::io_error);
}

TEST_CASE("key file: readers see the old keys or the new, writers lose nothing", "[http][keys]") {
  KeyFile keys;
  REQUIRE(keys.add() == Errc::none);
  { std::ofstream(keys.path.string() + ".new") << "left by a crash"; }
  constexpr int kWriters = 4, kEach = 25;
  std::atomic<int> failed{0}, writing{kWriters};
  std::vector<std::thread> threads;
  for (int t = 0; t < kWriters; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        const auto added = change_keys(
            keys.path,
            [](std::vector<ApiKey>& all) {
              all.push_back(make_key({}, {})->key);
              return Result<void>();
            },
            nullptr);
        if (!added) ++failed;
      }
      --writing;
    });
  }
  std::size_t seen = 1;
  while (writing > 0) {
    const auto all = read_keys(keys.path, nullptr);
    if (!all || all->size() < seen) ++failed;
    if (all) seen = all->size();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(read_keys(keys.path, nullptr)->size() == 1 + kWriters * kEach);
  CHECK(keys.alone());
}

// A file that is copied while it changes.
#include "actors/cluster/file_copy.hpp"

#include <fstream>
#include <string>

#include "actors/cluster/limits.hpp"
#include "tests/cluster/small_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::testing {
namespace {

using actors::CopySource;
using actors::CopyTarget;
using actors::kCopyBlockBytes;

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("file copy: only what changed is sent again, and the digest tells what came", "[cluster]") {
  TempDir dir;
  const auto from = dir.path() / "from", to = dir.path() / "to";
  std::string bytes(5 * kCopyBlockBytes + 17, '\0');
  bytes[3] = 'a', bytes[2 * kCopyBlockBytes] = 'b', bytes.back() = 'c';
  write(from, bytes);
  auto source = CopySource::open(from);
  REQUIRE(source);
  auto target = CopyTarget::create(to, source->bytes());
  REQUIRE(target);
  std::vector<std::uint64_t> sent;
  const auto send = [&](std::uint64_t number, std::string_view data) {
    sent.push_back(number);
    return target->write(number, data).error();
  };
  REQUIRE(source->send_changed(send));
  CHECK(sent == std::vector<std::uint64_t>{0, 2, 5});  // Zeros are there already.

  sent.clear();
  CHECK(*source->send_changed(send) == 0);
  bytes[2 * kCopyBlockBytes] = '\0';  // What was sent must go, too.
  bytes[4 * kCopyBlockBytes] = 'd';
  bytes += "longer";
  write(from, bytes);
  CHECK(*source->send_changed(send) == 2 * kCopyBlockBytes + 17 + 6);
  CHECK(sent == std::vector<std::uint64_t>{2, 4, 5});
  const auto digest = target->finish(source->bytes());
  REQUIRE(digest);
  CHECK(*digest == source->digest());
  CHECK(content(to) == bytes);

  REQUIRE(target->write(1, "x"));
  CHECK(*target->finish(source->bytes()) != source->digest());
}

TEST_CASE("file copy: what was made durable on the way counts as it is in the end", "[cluster]") {
  TempDir dir;
  const auto from = dir.path() / "from", to = dir.path() / "to";
  const std::size_t blocks = 2 * actors::kCopyKeptEveryBytes / kCopyBlockBytes + 3;
  std::string bytes(blocks * kCopyBlockBytes + 5, 'x');
  write(from, bytes);
  auto source = CopySource::open(from);
  REQUIRE(source);
  auto target = CopyTarget::create(to, source->bytes());
  REQUIRE(target);
  const auto send = [&](std::uint64_t number, std::string_view data) { return target->write(number, data).error(); };
  REQUIRE(source->send_changed(send));
  bytes[7] = 'y', bytes[(blocks - 1) * kCopyBlockBytes] = 'z';
  bytes.append(kCopyBlockBytes, '\0');  // Blocks that never come, and one that was shorter.
  bytes.append(3 * kCopyBlockBytes, '\0');
  write(from, bytes);
  REQUIRE(source->send_changed(send));
  const auto digest = target->finish(source->bytes());
  REQUIRE(digest);
  CHECK(*digest == source->digest());
  CHECK(content(to) == bytes);
  std::filesystem::resize_file(from, kCopyBlockBytes + 9);
  REQUIRE(source->send_changed(send));
  CHECK(*target->finish(source->bytes()) == source->digest());
  CHECK(content(to) == bytes.substr(0, kCopyBlockBytes + 9));
}

TEST_CASE("file copy: a full disk is named, at the beginning if it can be", "[cluster]") {
  if (!tests::SmallDisk::possible()) return;
  TempDir dir;
  const tests::SmallDisk disk(dir.path() / "disk", 4);
  constexpr std::uint64_t kMost = 3u << 20;
  auto first = CopyTarget::create(disk.dir() / "first", kMost);
  REQUIRE(first);
  CHECK(CopyTarget::create(disk.dir() / "second", kMost).code() == Errc::storage_full);  // Nothing is in the first yet.
  disk.fill();
  CHECK(first->write(0, std::string(kCopyBlockBytes, 'x')));
  const std::uint64_t behind = kMost / kCopyBlockBytes;  // The file became longer since it was offered.
  CHECK(first->write(behind, std::string(kCopyBlockBytes, 'x')).code() == Errc::storage_full);
}

TEST_CASE("file copy: what the receiver refuses ends it", "[cluster]") {
  TempDir dir;
  write(dir.path() / "from", "something");
  auto source = CopySource::open(dir.path() / "from");
  REQUIRE(source);
  const auto refused = source->send_changed([](auto, auto) { return Error{Errc::io_error, "no"}; });
  CHECK(refused.code() == Errc::io_error);
  CHECK_FALSE(CopySource::open(dir.path() / "nothing"));
  CHECK(CopyTarget::create(dir.path() / "to", std::uint64_t{1} << 60).code() == Errc::storage_full);
}

}  // namespace kontor::testing

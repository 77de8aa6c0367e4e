#include "persistence/record.hpp"

#include <set>
#include <string>

#include "tests/support/catch.hpp"

namespace kontor::persistence {
namespace {

constexpr std::uint64_t kKey = 0x1234'5678'9abc;

RecordHeader header() {
  RecordHeader header;
  header.key = kKey;
  header.written_at_ns = 1'700'000'000'000'000'000;
  header.kind = RecordKind::payment_prepared;
  return header;
}

std::string sealed(RecordHeader h, std::string_view payload) {
  std::string value(sizeof h + payload.size(), '\0');
  seal(h, payload, value.data());
  return value;
}

std::string sealed(std::string_view payload) { return sealed(header(), payload); }

}  // namespace

TEST_CASE("record: a value too short for a header is corrupt", "[persistence][record]") {
  const std::string value = sealed("");
  for (std::size_t size = 0; size < value.size(); ++size) {
    const auto record = unseal(std::string_view(value).substr(0, size), kKey);
    REQUIRE(record.code() == Errc::corrupt_journal);
    CHECK(record.error().detail == "size");
  }
}

TEST_CASE("record: a value cut short or grown is corrupt", "[persistence][record]") {
  const std::string value = sealed("some payload, of no special length");
  for (std::size_t size = 0; size < value.size(); ++size)
    CHECK(unseal(std::string_view(value).substr(0, size), kKey).error().detail == "size");
  CHECK(unseal(value + '\0', kKey).error().detail == "size");
}

TEST_CASE("record: every flipped bit of a value is found", "[persistence][record]") {
  const std::string payload =
      GENERATE(std::string(), std::string("x"), std::string(300, 'p'), std::string(5'000, '\0'));
  std::string value = sealed(payload);
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    char& byte = value[bit / 8];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    if (unseal(value, kKey)) FAIL("bit " << bit << " of " << value.size() << " bytes");
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  }
  CHECK(unseal(value, kKey));
}

TEST_CASE("record: a value under another key is corrupt", "[persistence][record]") {
  const auto record = unseal(sealed("payload"), kKey + 1);
  REQUIRE(record.code() == Errc::corrupt_journal);
  CHECK(record.error().detail == "key");
}

TEST_CASE("record: a layout of a newer version is refused as incompatible, not as corrupt", "[persistence][record]") {
  RecordHeader newer = header();
  newer.version = GENERATE(std::uint16_t{0}, std::uint16_t{kRecordVersion + 1}, std::uint16_t{0x7fff});
  CHECK(unseal(sealed(newer, "payload"), kKey).code() == Errc::incompatible_format);
}

TEST_CASE("record: what was sealed comes back", "[persistence][record]") {
  const std::string payload = GENERATE(std::string(), std::string("x"), std::string(100'000, 'p'));
  const std::string value = sealed(payload);
  const auto record = unseal(value, kKey);
  REQUIRE(record);
  CHECK(record->payload == payload);
  CHECK(record->header.key == kKey);
  CHECK(record->header.written_at_ns == header().written_at_ns);
  CHECK(record->header.kind == RecordKind::payment_prepared);
  CHECK(record->header.size == payload.size());
  CHECK(record->header.version == 1);
}

TEST_CASE("record: the layout is what files hold already", "[persistence][record]") {
  // Bytes that an earlier build wrote: a change here makes every existing journal unreadable.
  const std::string value = sealed("abc");
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(value[at]); };
  CHECK(value.size() == 35);
  CHECK(byte(8) == 0xbc);  // Key, little-endian.
  CHECK(byte(24) == 3);    // Size.
  CHECK(byte(28) == 20);   // Kind.
  CHECK(byte(30) == 1);    // Version.
  CHECK(value.substr(32) == "abc");
  CHECK(table_key_hash("") == 0x2d06800538d394c2u);
  CHECK(unseal(value, kKey)->header.checksum == 0xe8971386e383d0c2u);
}

TEST_CASE("record: names are distinct, and every kind has one", "[persistence][record]") {
  std::set<std::string_view> databases, kinds;
  for (std::size_t i = 0; i < kStreams; ++i) databases.insert(to_string(static_cast<Stream>(i)));
  for (std::size_t i = 0; i < kTables; ++i) databases.insert(to_string(static_cast<Table>(i)));
  CHECK(databases.size() == kStreams + kTables);
  for (int kind = 1; kind <= 60; ++kind) {
    const std::string_view name = to_string(static_cast<RecordKind>(kind));
    if (name != "unlisted") CHECK(kinds.insert(name).second);
  }
  CHECK(kinds.count("opened") == 1);
  CHECK(kinds.count("key_run_list") == 1);
  CHECK(to_string(static_cast<RecordKind>(999)) == "unlisted");
}

}  // namespace kontor::persistence

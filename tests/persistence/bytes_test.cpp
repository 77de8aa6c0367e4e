// The alphabet of payloads: what is written is read back, and nothing is read that was not written.
#include "persistence/bytes.hpp"

#include <limits>

#include "tests/domain/values.hpp"
#include "tests/support/property.hpp"

namespace kontor::persistence {
namespace {

using namespace kontor::tests;
using Signed = std::int64_t;
constexpr Signed kLowest = std::numeric_limits<Signed>::min(), kHighest = std::numeric_limits<Signed>::max();

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

}  // namespace

TEST_CASE("bytes: varints are LEB128, the same on every machine", "[persistence][bytes]") {
  const auto [value, text] = GENERATE(table<std::uint64_t, std::string>({
      {0, bytes({0x00})},
      {1, bytes({0x01})},
      {127, bytes({0x7f})},
      {128, bytes({0x80, 0x01})},
      {300, bytes({0xac, 0x02})},
      {16'383, bytes({0xff, 0x7f})},
      {16'384, bytes({0x80, 0x80, 0x01})},
      {~std::uint64_t{0}, bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})},
  }));
  ByteWriter out(0);
  out.varint(value);
  CHECK(out.view() == text);
  ByteReader in(text);
  CHECK(in.varint() == value);
  CHECK(in.done());
}

TEST_CASE("bytes: zigzag keeps small magnitudes short, of either sign", "[persistence][bytes]") {
  const auto [value, text] = GENERATE(table<Signed, std::string>({
      {0, bytes({0})},
      {-1, bytes({1})},
      {1, bytes({2})},
      {-64, bytes({0x7f})},
      {64, bytes({0x80, 0x01})},
      {kHighest, bytes({0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})},
      {kLowest, bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})},
  }));
  ByteWriter out(0);
  out.zigzag(value);
  CHECK(out.view() == text);
  CHECK(ByteReader(text).zigzag() == value);
}

TEST_CASE("bytes: a varint without end is a failure, and so is one that does not fit", "[persistence][bytes]") {
  ByteReader endless(std::string_view("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 11));
  CHECK(endless.varint() == 0);
  CHECK_FALSE(endless.ok());
  ByteReader cut(std::string_view("\x80", 1));
  CHECK(cut.varint() == 0);
  CHECK_FALSE(cut.ok());
  ByteWriter out;
  out.varint(65'536);
  ByteReader small(out.view());
  CHECK(small.varint_as<std::uint16_t>() == 0);
  CHECK_FALSE(small.ok());
  ByteReader bounded(out.view());
  CHECK(bounded.varint_as<std::uint32_t>(65'535) == 0);
  CHECK_FALSE(bounded.ok());
  ByteReader fits(out.view());
  CHECK(fits.varint_as<std::uint32_t>(65'536) == 65'536);
  CHECK(fits.done());
}

TEST_CASE("bytes: after a failure all reads as nothing", "[persistence][bytes]") {
  const std::string text = bytes({1, 2, 3, 4, 5, 6, 7, 8, 9});
  ByteReader in(text);
  CHECK(in.fixed<std::uint64_t>() == 0x0807'0605'0403'0201);
  CHECK(in.fixed<std::uint16_t>() == 0);
  CHECK_FALSE(in.ok());
  CHECK(in.fixed<std::uint8_t>() == 0);  // Though one byte is left.
  CHECK(in.varint() == 0);
  CHECK(in.zigzag() == 0);
  CHECK(in.raw(0).empty());
  CHECK(in.sized().empty());
  CHECK(in.text<Sku>().empty());
  CHECK(in.count(1) == 0);
  CHECK_FALSE(in.done());
}

TEST_CASE("bytes: a count is bounded by what is left, whatever it says", "[persistence][bytes]") {
  const auto [count, each, read] = GENERATE(table<std::uint64_t, std::size_t, std::size_t>({
      {0, 4, 0},
      {2, 4, 2},  // Eight bytes are left.
      {3, 4, 0},
      {8, 1, 8},
      {9, 1, 0},
      {~std::uint64_t{0}, 1, 0},
      {~std::uint64_t{0}, 8, 0},
  }));
  ByteWriter out;
  out.varint(count);
  out.fixed(std::uint64_t{0});
  ByteReader in(out.view());
  CHECK(in.count(each) == read);
  CHECK(in.ok() == (read == count));
}

TEST_CASE("bytes: text longer than its type is a failure, not a cut", "[persistence][bytes]") {
  std::string text = bytes({static_cast<int>(kNameBytesMax) + 1}) + std::string(kNameBytesMax + 1, 'x');
  ByteReader in(text);
  CHECK(in.text<Sku>().empty());
  CHECK_FALSE(in.ok());
  ByteReader longer(text);
  CHECK(longer.text<IdempotencyKey>().size() == kNameBytesMax + 1);
  text[0] = static_cast<char>(kNameBytesMax + 2);
  ByteReader beyond(text);
  CHECK(beyond.text<IdempotencyKey>().empty());
  CHECK_FALSE(beyond.ok());
}

TEST_CASE("bytes: a writer grows, is patched, cleared and taken", "[persistence][bytes]") {
  ByteWriter out(1);
  out.fixed(std::uint32_t{0});
  for (int i = 0; i < 1'000; ++i) out.sized("abc");
  out.patch(0, std::uint32_t{0x0403'0201});
  CHECK(out.size() == 4 + 4'000);
  CHECK(out.view().substr(0, 8) == std::string_view("\x01\x02\x03\x04\x03"
                                                    "abc"));
  const std::string taken = out.take();
  CHECK(taken.size() == 4'004);
  CHECK(out.size() == 0);
  out.text(sku("mug"));
  CHECK(out.view() == std::string_view("\x03"
                                       "mug"));
  out.clear();
  CHECK(out.view().empty());
}

TEST_CASE("bytes: what is written is read back", "[persistence][bytes]") {
  property("random fields in random order", 300, [] {
    const auto fields = *rc::gen::container<std::vector<std::pair<int, std::uint64_t>>>(
        rc::gen::pair(rc::gen::inRange(0, 6), rc::gen::arbitrary<std::uint64_t>()));
    const auto shifted = [](std::uint64_t value) { return value >> (value % 64); };
    ByteWriter out(*rc::gen::inRange<std::size_t>(0, 10));
    const auto each = [&](auto&& visit) {
      for (const auto& [what, value] : fields) visit(what, shifted(value));
    };
    each([&](int what, std::uint64_t value) {
      switch (what) {
        case 0: return out.varint(value);
        case 1: return out.zigzag(static_cast<Signed>(value) * (value % 2 == 0 ? 1 : -1));
        case 2: return out.fixed(static_cast<std::uint8_t>(value));
        case 3: return out.fixed(value);
        case 4: return out.text(IdempotencyKey::unchecked(std::string(value % 64, 'k')));
        default: return out.sized(std::string(value % 300, 's'));
      }
    });
    ByteReader in(out.view());
    each([&](int what, std::uint64_t value) {
      switch (what) {
        case 0: RC_ASSERT(in.varint() == value); break;
        case 1: RC_ASSERT(in.zigzag() == static_cast<Signed>(value) * (value % 2 == 0 ? 1 : -1)); break;
        case 2: RC_ASSERT(in.fixed<std::uint8_t>() == static_cast<std::uint8_t>(value)); break;
        case 3: RC_ASSERT(in.fixed<std::uint64_t>() == value); break;
        case 4: RC_ASSERT(in.text<IdempotencyKey>().size() == value % 64); break;
        default: RC_ASSERT(in.sized().size() == value % 300); break;
      }
    });
    RC_ASSERT(in.done());
  });
}

}  // namespace kontor::persistence

#include "domain/text.hpp"

#include "domain/ids.hpp"
#include "tests/domain/values.hpp"
#include "tests/support/property.hpp"

namespace kontor::tests {

TEST_CASE("text: ids are well-formed UTF-8 without control characters", "[domain][text]") {
  const auto [text, good] = GENERATE(table<std::string, bool>({
      {"a", true},
      {"SKU 85123A/b_é", true},
      {" ", true},
      {"~", true},
      {"\x1f", false},  // The last control character, and its neighbour the space above.
      {"\x7f", false},
      {std::string("a\0b", 3), false},
      {"a\nb", false},
      {"\xc2\x7f", false},
      {"\xc2\x80", false},  // C1 controls are U+0080 to U+009F.
      {"\xc2\x9f", false},
      {"\xc2\xa0", true},
      {"\xc0\x80", false},  // Overlong.
      {"\xc1\xbf", false},
      {"\xdf\xbf", true},
      {"\xe0\x9f\xbf", false},
      {"\xe0\xa0\x80", true},
      {"\xed\x9f\xbf", true},
      {"\xed\xa0\x80", false},  // A surrogate.
      {"\xee\x80\x80", true},
      {"\xef\xbf\xbf", true},
      {"\xf0\x8f\xbf\xbf", false},
      {"\xf0\x90\x80\x80", true},
      {"\xf4\x8f\xbf\xbf", true},
      {"\xf4\x90\x80\x80", false},  // Beyond U+10FFFF.
      {"\xf5\x80\x80\x80", false},
      {"\xff", false},
      {"\x80", false},  // A tail without its lead.
      {"\xc3", false},  // Cut short, in each length.
      {"\xe2\x82", false},
      {"\xf0\x9f\x98", false},
      {"\xe2\x82x", false},
      {"\xf0\x9f\x98x", false},
      {"é\x80", false},
  }));
  CAPTURE(text);
  CHECK(is_name(text, 39) == good);
  CHECK(Sku::parse(text).code() == (good ? Errc::none : Errc::invalid_argument));
}

TEMPLATE_TEST_CASE("text: an id is as long as its type allows and no longer", "[domain][text]", Sku, AccountId,
                   IdempotencyKey) {
  CHECK(TestType::parse("").code() == Errc::invalid_argument);
  for (std::size_t size = 1; size <= TestType::kBytesMax; ++size) {
    const auto text = TestType::parse(std::string(size, 'x'));
    REQUIRE(text);
    CHECK(text->size() == size);
    CHECK(text->view() == std::string(size, 'x'));
  }
  CHECK(TestType::parse(std::string(TestType::kBytesMax + 1, 'x')).code() == Errc::too_large);
  CHECK(TestType::parse(std::string(100'000, 'x')).code() == Errc::too_large);
}

TEST_CASE("text: the limits are those of limits.hpp, in bytes and not in characters", "[domain][text]") {
  STATIC_REQUIRE(Sku::kBytesMax == kNameBytesMax);
  STATIC_REQUIRE(AccountId::kBytesMax == kNameBytesMax);
  STATIC_REQUIRE(IdempotencyKey::kBytesMax == kKeyBytesMax);
  std::string euros;
  while (euros.size() < kNameBytesMax) euros += "\u20ac";  // Three bytes each.
  CHECK(AccountId::parse(euros));
  CHECK(AccountId::parse(euros + "\u20ac").code() == Errc::too_large);
}

TEST_CASE("text: nothing is left of what stood there before", "[domain][text]") {
  Sku text = sku("a longer name");
  text = sku("a");
  CHECK(text == sku("a"));
  CHECK(text.hash() == sku("a").hash());
  text = Sku{};
  CHECK(text.empty());
  CHECK(text == Sku{});
  CHECK(Sku::unchecked(std::string(100, 'y')) == sku(std::string(kNameBytesMax, 'y')));
}

TEST_CASE("text: a hash is the same on every machine, since placement depends on it", "[domain][text]") {
  CHECK(sku("mug").hash() == account("mug").hash());
  CHECK(sku("mug").hash() == XXH3_64bits("mug", 3));
}

TEST_CASE("text: equality and order are those of the bytes", "[domain][text]") {
  property("two names", 500, [] {
    const auto letters = rc::gen::container<std::string>(rc::gen::element('a', 'b', '\xc3', '\xa9'));
    const std::string a = (*letters).substr(0, kNameBytesMax), b = (*letters).substr(0, kNameBytesMax);
    const Sku x = Sku::unchecked(a), y = Sku::unchecked(b);
    RC_ASSERT((x == y) == (a == b));
    RC_ASSERT((x != y) == (a != b));
    RC_ASSERT((x < y) == (a < b));
    RC_ASSERT(a != b || x.hash() == y.hash());
    RC_ASSERT(x.str() == a);
  });
}

}  // namespace kontor::tests

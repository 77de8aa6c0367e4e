// The views' bytes: what is written is read again, in the order of its numbers, and never when it is damaged.
#include "persistence/views/view_store.hpp"

#include <fstream>
#include <iterator>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::persistence::views {
namespace {

AccountId id(const char* name) { return *AccountId::parse(name); }
constexpr Currency kPounds{826};

/// `written` is read back, no part of it is, and nothing longer.
template <class Value>
void check_bytes(const std::string& written, Result<Value> (*read)(std::string_view), const std::string& again) {
  CHECK(again == written);
  for (std::size_t size = 0; size < written.size(); ++size)
    CHECK(read(std::string_view(written).substr(0, size)).code() == Errc::corrupt_journal);
  CHECK(read(written + "x").code() == Errc::corrupt_journal);
}

Fact sale(std::uint64_t number, Minor amount) {
  Fact fact{number, {0, 1, number}, 5, OperationKind::checkout, {}, {}, id("alice"), {id("shop")}};
  fact.payments = {{id("alice"), PaymentAction::post, AccountKind::wallet, kPounds, -amount},
                   {id("shop"), PaymentAction::post, AccountKind::wallet, kPounds, amount}};
  fact.stocks = {{*Sku::parse("mug"), StockAction::sell, kPounds, 0, 1}};
  return fact;
}

std::unique_ptr<ViewStore> opened(const std::filesystem::path& dir, std::uint16_t shards = 1) {
  std::string why;
  auto store = ViewStore::open(dir, shards, kMapBytesDefault, &why);
  CAPTURE(why);
  REQUIRE(store);
  return std::move(*store);
}

}  // namespace

TEST_CASE("views: each value is read as it was written, whole or not at all", "[persistence][views]") {
  const std::string head = write_head({kViewsVersion, 3, 9, 1'000'000'007, 2});
  check_bytes(head, read_head, write_head(*read_head(head)));
  const std::string shard = write_shard({1u << 20, 77, {2, 3, 1u << 30}});
  check_bytes(shard, read_shard, write_shard(*read_shard(shard)));
  const std::string account = write_account({300, kPounds, -5'000'000'000, 70'000});
  check_bytes(account, read_account, write_account(*read_account(account)));
  const std::string product = write_product({1'000, -300, 128, 0});
  check_bytes(product, read_product, write_product(*read_product(product)));
  const std::string entry = write_entry({{1, 2, 3}, 1'700'000'000'000'000'000, OperationKind::refund, -1'299, 4'701});
  check_bytes(entry, read_entry, write_entry(*read_entry(entry)));
  const std::string order = write_order({1, 2, 300});
  check_bytes(order, read_order, write_order(*read_order(order)));
  const std::string sequence = write_sequence(1u << 31);
  check_bytes(sequence, read_sequence, write_sequence(*read_sequence(sequence)));
  CHECK(*sequence_of(row_key("any", 258)) == 258);
  CHECK(sequence_of("short").code() == Errc::corrupt_journal);
}

TEST_CASE("views: keys are in the order of their numbers, and lists apart", "[persistence][views]") {
  const std::string list = list_prefix(ListKind::entries, 7);
  CHECK(row_key(list, 255) < row_key(list, 256));
  CHECK(row_key(list, ~std::uint64_t{0}) < row_key(list_prefix(ListKind::entries, 8), 0));
  CHECK(place_key({0, 1, 255}) < place_key({0, 1, 256}));
  CHECK(place_key({0, 255, 9}) < place_key({0, 256, 0}));
  CHECK_FALSE(list_prefix(ListKind::orders_of_both, 7, 8).starts_with(list_prefix(ListKind::orders_of_payee, 7)));
}

TEST_CASE("views: a stretch is in as a whole, and still there after reopening", "[persistence][views]") {
  const testing::TempDir dir;
  auto store = opened(dir.path() / "views");
  const std::vector<Fact> facts{sale(1, 10), sale(2, 20), sale(3, 30)};
  REQUIRE(store->apply(0, facts, 9));
  store.reset();
  store = opened(dir.path() / "views");
  CHECK(store->applied() == 3);
  CHECK(store->place(0).reached == 9);
  CHECK(store->place(0).last == 3);
  CHECK(store->account(id("alice"))->balance == -60);
  const auto page = store->entries(id("shop"), {2, {}, false});
  REQUIRE(page);
  CHECK(page->more);
  REQUIRE(page->rows.size() == 2);
  CHECK(page->rows[0].balance == 60);
  CHECK(page->rows[1].balance == 30);
  CHECK(store->orders(id("alice"), id("shop"), {9, {}, false})->rows.size() == 3);
  CHECK(store->orders({}, {}, {9, {}, false}).code() == Errc::invalid_argument);
  CHECK(store->entries(id("nobody"), {9, {}, false}).code() == Errc::unknown_account);
  CHECK(store->entries(id("shop"), {9, TransactionId{0, 1, 99}, false}).code() == Errc::not_found);
  store.reset();
  CHECK(opened(dir.path() / "views", 2)->applied() == 0);  // Of another number of shards: made anew.
}

TEST_CASE("views: postings that do not sum to zero are counted", "[persistence][views]") {
  const testing::TempDir dir;
  const auto store = opened(dir.path() / "views");
  Fact wrong = sale(2, 20);
  wrong.payments.front().amount = -19;
  REQUIRE(store->apply(0, std::vector<Fact>{sale(1, 10), wrong}, 2));
  CHECK(ViewStore::Snapshot(*store).head()->unbalanced == 1);
}

TEST_CASE("views: a damaged row is never shown", "[persistence][views]") {
  const testing::TempDir dir;
  const auto views = dir.path() / "views";
  auto store = opened(views);
  REQUIRE(store->apply(0, std::vector<Fact>{sale(1, 123'456'789)}, 1));
  store.reset();
  std::string bytes;
  {
    std::ifstream in(views / "data.mdb", std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::string entry = write_entry({{0, 1, 1}, 5, OperationKind::checkout, 123'456'789, 123'456'789});
  const auto at = bytes.find(entry);
  REQUIRE(at != bytes.npos);
  for (auto next = at; next != bytes.npos; next = bytes.find(entry, next + 1))
    bytes[next + entry.size() - 1] = static_cast<char>(bytes[next + entry.size() - 1] ^ 1);
  std::ofstream(views / "data.mdb", std::ios::binary) << bytes;
  store = opened(views);
  CHECK(store->entries(id("shop"), {9, {}, false}).code() == Errc::corrupt_journal);
  CHECK(store->entries(id("alice"), {9, {}, false}));
}

}  // namespace kontor::persistence::views

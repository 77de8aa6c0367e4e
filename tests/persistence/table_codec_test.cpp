// Keys and values of the tables that checkpoints write.
#include "persistence/table_codec.hpp"

#include "tests/domain/values.hpp"
#include "tests/persistence/damage.hpp"
#include "tests/support/any_operation.hpp"
#include "tests/support/property.hpp"

namespace kontor::persistence {
namespace {

using namespace kontor::tests;

Position any_position() { return any_number<Position>(0, ~Position{0}); }
AsOf any_as_of() { return {any_position(), any_position()}; }
std::int64_t any_figure() { return any_number<std::int64_t>(-kBalanceMinorMax, kBalanceMinorMax); }

Account any_account() {
  return {any_name<AccountId>(), any_currency(), *rc::gen::element(AccountKind::wallet, AccountKind::external),
          any_figure(),          any_figure(),   any_figure(),
          any_figure()};
}
Product any_product() {
  Product out;
  out.sku = any_name<Sku>();
  out.currency = any_currency();
  out.version = any_version();
  out.pricing = *rc::gen::arbitrary<bool>();
  for (std::int64_t* figure :
       {&out.price, &out.on_hand, &out.held, &out.incoming, &out.received, &out.adjusted, &out.sold, &out.returned})
    *figure = any_figure();
  if (*rc::gen::arbitrary<bool>()) out.reserved = any_figure(), out.leaving = any_figure();
  return out;
}

bool same_row(const Account& a, const Account& b) {
  return a.id == b.id && a.currency == b.currency && a.kind == b.kind && a.credit_limit == b.credit_limit &&
         a.balance == b.balance && a.held == b.held && a.incoming == b.incoming;
}
bool same_row(const Product& a, const Product& b) {
  return a.sku == b.sku && a.currency == b.currency && a.version == b.version && a.pricing == b.pricing &&
         a.price == b.price && a.on_hand == b.on_hand && a.held == b.held && a.incoming == b.incoming &&
         a.received == b.received && a.adjusted == b.adjusted && a.sold == b.sold && a.returned == b.returned &&
         a.reserved == b.reserved && a.leaving == b.leaving;
}

template <class Row>
Row any_row() {
  if constexpr (std::is_same_v<Row, Account>) {
    return any_account();
  } else {
    return any_product();
  }
}
template <class Row>
std::string block(const std::vector<Row>& rows) {
  return write_block(AsOf{1, 2}, std::span<const Row>(rows));
}
template <class Row>
Errc block_code(std::string_view payload) {
  std::vector<Row> rows;
  return read_block(payload, rows).code();
}

OrderProgress any_progress() {
  OrderProgress out;
  out.version = any_version();
  out.status = *rc::gen::element(OrderStatus::placed, OrderStatus::cancelled, OrderStatus::reserved,
                                 OrderStatus::released, OrderStatus::expired);
  out.lines = any_list<LineProgress>(0, 6, [] {
    return LineProgress{any_number<Units>(0, kQuantityUnitsMax), any_number<Units>(0, kQuantityUnitsMax),
                        any_number<Units>(0, kQuantityUnitsMax)};
  });
  return out;
}

CoordinatorCheckpoint any_checkpoint() {
  CoordinatorCheckpoint out{any_position(), any_version(), {}, {}};
  for (auto n = *rc::gen::inRange(0, 5); n > 0; --n)
    out.unacknowledged.emplace_back(any_transaction(), any_number<std::uint64_t>(0, ~std::uint64_t{0}));
  for (auto n = *rc::gen::inRange(0, 5); n > 0; --n) {
    const TransactionId id = any_transaction();
    out.high_water[id.shard] = id;
  }
  return out;
}

template <class Read>
void require_sound(const std::string& payload, const Read& read) {
  RC_ASSERT(read_exactly(payload, read) == Errc::none);
  RC_ASSERT(truncated(payload, read).others == 0u);
  RC_ASSERT(extended(payload, read).others == 0u);
  RC_ASSERT(overwritten(payload, read).others == 0u);
}

}  // namespace

TEST_CASE("table codec: keys sort as what they name", "[persistence][codec]") {
  property("blocks, orders and positions", 300, [] {
    const auto a = any_number<std::uint32_t>(0, 0xffff'ffff), b = any_number<std::uint32_t>(0, 0xffff'ffff);
    RC_ASSERT((block_key(a) < block_key(b)) == (a < b));
    const Position p = any_position(), q = any_position();
    RC_ASSERT((position_key(p) < position_key(q)) == (p < q));
    TransactionId x = any_transaction(), y = any_transaction();
    if (*rc::gen::arbitrary<bool>()) x.shard = y.shard;
    if (*rc::gen::arbitrary<bool>()) x.incarnation = y.incarnation;
    RC_ASSERT((order_key(x) < order_key(y)) == (x < y));
    RC_ASSERT(order_of_key(order_key(x)) == x);
  });
}

TEST_CASE("table codec: a reservation's row", "[persistence][codec]") {
  property("any time", 100, [] {
    const std::int64_t expires_at_ns = any_time();
    const std::string payload = write_reservation_row(expires_at_ns);
    RC_ASSERT(*read_reservation_row(payload) == expires_at_ns);
    require_sound(payload, [](std::string_view bytes) { return read_reservation_row(bytes).code(); });
    const OrderId order = any_transaction();
    const std::string key = reservation_key(order);
    RC_ASSERT(key.starts_with(kReservationPrefix));
    RC_ASSERT(order_of_key(std::string_view(key).substr(kReservationPrefix.size())) == order);
  });
}

TEST_CASE("table codec: the ages of keys", "[persistence][codec]") {
  property("any marks", 100, [] {
    KeyAges ages{0, any_number<Position>(0, 1'000), {}};
    KeyAges::Mark mark{0, ages.forgotten_before};
    for (auto marks = any_number<std::size_t>(0, 5); marks > 0; --marks) {
      mark.age_ns += any_number<std::int64_t>(0, 1'000);
      mark.before += any_number<Position>(1, 1'000);
      ages.marks.push_back(mark);
    }
    ages.age_ns = mark.age_ns + any_number<std::int64_t>(0, 1'000);
    const std::string payload = write_key_ages(ages);
    RC_ASSERT(*read_key_ages(payload) == ages);
    // A whole mark less is sound too; all other lengths are not.
    for (std::size_t size = 0; size < payload.size(); ++size)
      RC_ASSERT(static_cast<bool>(read_key_ages(payload.substr(0, size))) == (size >= 16 && size % 16 == 0));
  });
}

TEST_CASE("table codec: ages of keys that contradict themselves are corrupt", "[persistence][codec]") {
  const auto code_of = [](const KeyAges& ages) { return read_key_ages(write_key_ages(ages)).code(); };
  CHECK(code_of({9, 5, {{8, 6}, {9, 7}}}) == Errc::none);
  CHECK(code_of({9, 5, {{8, 6}, {7, 7}}}) == Errc::corrupt_journal);  // Younger than the one before it.
  CHECK(code_of({9, 5, {{8, 6}, {9, 6}}}) == Errc::corrupt_journal);  // Says nothing new.
  CHECK(code_of({9, 5, {{8, 5}}}) == Errc::corrupt_journal);          // Of what is forgotten.
  CHECK(code_of({9, 5, {{10, 6}}}) == Errc::corrupt_journal);         // Older than the shard.
  CHECK(code_of({-1, 5, {}}) == Errc::corrupt_journal);
}

TEST_CASE("table codec: a product's flags that nobody knows are corrupt", "[persistence][codec]") {
  Product product;
  product.sku = sku("mug");
  std::string payload = block(std::vector{product});
  const std::size_t flags = 16 + 1 + 3 + 2 + 1;  // As of, SKU, currency, version.
  REQUIRE(payload[flags] == 0);
  CHECK(block_code<Product>(payload) == Errc::none);
  payload[flags] = 4;
  CHECK(block_code<Product>(payload) == Errc::corrupt_journal);
}

TEST_CASE("table codec: keys are big-endian and of fixed width", "[persistence][codec]") {
  CHECK(block_key(0x0102'0304) == "\x01\x02\x03\x04");
  CHECK(position_key(0x0102'0304'0506'0708) == "\x01\x02\x03\x04\x05\x06\x07\x08");
  CHECK(order_key({0x0102, 0x0304'0506, 0x0708'090a'0b0c'0d0e}) ==
        "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e");
  CHECK_FALSE(order_of_key(""));
  CHECK_FALSE(order_of_key(std::string(13, '\x01')));
  CHECK_FALSE(order_of_key(std::string(15, '\x01')));
  CHECK(checkpoint_key(Stream::coordinator) == "checkpoint/coordinator");
  CHECK(checkpoint_key(Stream::order) == "checkpoint/order");
  CHECK(checkpoint_key(Stream::payment) == "checkpoint/payment");
  CHECK(checkpoint_key(Stream::inventory) == "checkpoint/inventory");
}

TEMPLATE_TEST_CASE("table codec: a block of rows", "[persistence][codec]", Account, Product) {
  property("random rows", 100, [] {
    const AsOf as_of = any_as_of();
    const auto written = any_list<TestType>(0, 6, any_row<TestType>);
    std::vector<TestType> read{TestType{}};  // What stood there before is gone.
    const auto result = read_block(write_block(as_of, std::span<const TestType>(written)), read);
    RC_ASSERT(static_cast<bool>(result));
    RC_ASSERT((result->appended == as_of.appended && result->decided == as_of.decided));
    RC_ASSERT(read.size() == written.size());
    for (std::size_t i = 0; i < read.size(); ++i) RC_ASSERT(same_row(read[i], written[i]));
  });
  property("damaged", 15,
           [] { require_sound(block(any_list<TestType>(0, 4, any_row<TestType>)), block_code<TestType>); });
}

TEST_CASE("table codec: a block holds kRowsPerBlock rows and no more", "[persistence][codec][limits]") {
  CHECK(block_code<Account>(block(std::vector<Account>(kRowsPerBlock))) == Errc::none);
  CHECK(block_code<Account>(block(std::vector<Account>(kRowsPerBlock + 1))) == Errc::corrupt_journal);
  CHECK(block_code<Product>(block(std::vector<Product>(kRowsPerBlock))) == Errc::none);
  CHECK(block_code<Product>(block(std::vector<Product>(kRowsPerBlock + 1))) == Errc::corrupt_journal);
}

TEST_CASE("table codec: the progress of an order", "[persistence][codec]") {
  const auto read_code = [](std::string_view bytes) { return read_order_row(bytes).code(); };
  property("random progress", 200, [=] {
    const OrderProgress written = any_progress();
    const Position decided = any_position();
    const std::string payload = write_order_row(decided, written);
    const auto read = read_order_row(payload);
    RC_ASSERT(static_cast<bool>(read));
    RC_ASSERT((read->decided == decided && read->progress == written));
    RC_ASSERT(truncated(payload, read_code).corrupt == payload.size());
    RC_ASSERT(extended(payload, read_code).corrupt == 4u);
  });
  property("damaged", 20, [=] { require_sound(write_order_row(any_position(), any_progress()), read_code); });
  OrderProgress beyond{1, OrderStatus::placed, {{kQuantityUnitsMax + 1, 0, 0}}};
  CHECK(read_code(write_order_row(1, beyond)) == Errc::corrupt_journal);
}

TEST_CASE("table codec: the outcomes of a batch", "[persistence][codec]") {
  property("random states", 100, [] {
    const Position decided = any_position();
    const auto states = *rc::gen::container<std::string>(rc::gen::inRange<char>(0, 4));
    const auto read = read_outcomes(write_outcomes(decided, states));
    RC_ASSERT(static_cast<bool>(read));
    RC_ASSERT((read->decided == decided && read->states == states));
  });
  CHECK(read_outcomes("1234567").code() == Errc::corrupt_journal);
  CHECK(static_cast<int>(ItemState::absent) == 0);
  CHECK(static_cast<int>(ItemState::undecided) == 1);
  CHECK(static_cast<int>(ItemState::committed) == 2);
  CHECK(static_cast<int>(ItemState::aborted) == 3);
}

TEST_CASE("table codec: where replay begins", "[persistence][codec]") {
  const auto position_code = [](std::string_view bytes) { return read_checkpoint(bytes).code(); };
  const auto coordinator_code = [](std::string_view bytes) { return read_coordinator_checkpoint(bytes).code(); };
  property("random checkpoints", 100, [=] {
    const Position position = any_position();
    const auto read = read_checkpoint(write_checkpoint(position));
    RC_ASSERT((static_cast<bool>(read) && *read == position));
    RC_ASSERT(truncated(write_checkpoint(position), position_code).corrupt == 8u);
    RC_ASSERT(extended(write_checkpoint(position), position_code).corrupt == 4u);

    const CoordinatorCheckpoint written = any_checkpoint();
    const auto back = read_coordinator_checkpoint(write_checkpoint(written));
    RC_ASSERT(static_cast<bool>(back));
    RC_ASSERT((back->replay_from == written.replay_from && back->incarnation == written.incarnation));
    RC_ASSERT(back->unacknowledged == written.unacknowledged);
    RC_ASSERT(back->high_water == written.high_water);
  });
  property("damaged", 20, [=] {
    const std::string payload = write_checkpoint(any_checkpoint());
    require_sound(payload, coordinator_code);
    RC_ASSERT(truncated(payload, coordinator_code).corrupt == payload.size());
  });
}

TEST_CASE("table codec: the format of a directory", "[persistence][codec]") {
  CHECK(kFormatVersion == 1);
  CHECK(kFormatKey == "format");
  const std::string payload = write_format({1, 2, 3});
  CHECK(payload == std::string("\x01\0\x02\0\x03\0", 6));
  const auto format = read_format(payload);
  REQUIRE(format);
  CHECK(format->version == 1);
  CHECK(format->shard == 2);
  CHECK(format->shards == 3);
  const auto read = [](std::string_view bytes) { return read_format(bytes).code(); };
  CHECK(truncated(payload, read).corrupt == payload.size());
  CHECK(extended(payload, read).corrupt == 4);
}

TEST_CASE("table codec: noise is a code, never a crash", "[persistence][codec]") {
  property("random bytes", 1'000, [] {
    const std::string noise = *rc::gen::arbitrary<std::string>();
    const auto sound = [&](auto read) {
      const Errc code = read_exactly(noise, read);
      RC_ASSERT((code == Errc::none || code == Errc::corrupt_journal));
    };
    sound(block_code<Account>), sound(block_code<Product>);
    sound([](std::string_view bytes) { return read_order_row(bytes).code(); });
    sound([](std::string_view bytes) { return read_outcomes(bytes).code(); });
    sound([](std::string_view bytes) { return read_checkpoint(bytes).code(); });
    sound([](std::string_view bytes) { return read_coordinator_checkpoint(bytes).code(); });
    sound([](std::string_view bytes) { return read_format(bytes).code(); });
  });
}

}  // namespace kontor::persistence

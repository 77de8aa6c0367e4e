// Payloads of journal records: what is written is read back, and damage is a code and never a crash.
#include "persistence/record_codec.hpp"

#include <numeric>

#include "tests/domain/values.hpp"
#include "tests/persistence/any_demand.hpp"
#include "tests/persistence/damage.hpp"
#include "tests/support/property.hpp"

namespace kontor::persistence {
namespace {

using namespace kontor::tests;

BatchHead any_head() {
  const TransactionId id = any_transaction();
  return {id.shard, id.incarnation, id.sequence};
}

/// Ascending numbers with gaps, as the yes votes of a batch.
std::vector<std::uint32_t> any_deltas(std::size_t most) {
  std::vector<std::uint32_t> out;
  std::uint32_t delta = *rc::gen::inRange(0u, 3u);
  for (auto n = *rc::gen::inRange<std::size_t>(0, most + 1); n > 0; --n) {
    out.push_back(delta);
    delta += *rc::gen::element(1u, 1u, 1u, 2u, 300u);
  }
  return out;
}

template <class Demand>
Demand any_demand() {
  if constexpr (std::is_same_v<Demand, PaymentDemand>) {
    return any_payment();
  } else {
    return any_stock();
  }
}

template <class Demand>
struct Item {
  TransactionId transaction;
  Position prepared = 0;
  std::vector<Demand> demands;
};
template <class Demand>
bool same_items(const std::vector<Item<Demand>>& a, const std::vector<Item<Demand>>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].transaction != b[i].transaction || a[i].prepared != b[i].prepared || !all_same(a[i].demands, b[i].demands))
      return false;
  return true;
}

template <class Demand>
std::string any_prepared(std::vector<Item<Demand>>& items) {
  const BatchHead head = any_head();
  PreparedWriter out(head, *rc::gen::inRange<std::size_t>(0, 200));
  for (const std::uint32_t delta : any_deltas(5)) {
    items.push_back({head.at(delta), 0, any_list<Demand>(0, 4, any_demand<Demand>)});
    out.item(delta, std::span<const Demand>(items.back().demands));
  }
  RC_ASSERT(out.items() == items.size());
  return out.take();
}
template <class Demand>
Result<void> read_items(std::string_view payload, std::vector<Item<Demand>>& items) {
  return read_prepared<Demand>(payload, [&](const TransactionId& transaction, std::span<const Demand> demands) {
    items.push_back({transaction, 0, {demands.begin(), demands.end()}});
  });
}

template <class Demand>
std::string any_open(Position decided, std::vector<Item<Demand>>& items) {
  OpenWriter out(decided);
  for (auto n = *rc::gen::inRange(0, 5); n > 0; --n) {
    items.push_back(
        {any_transaction(), any_number<Position>(1, ~Position{0}), any_list<Demand>(0, 4, any_demand<Demand>)});
    out.item(items.back().transaction, items.back().prepared, std::span<const Demand>(items.back().demands));
  }
  return out.take();
}
template <class Demand>
Result<Position> read_open_items(std::string_view payload, std::vector<Item<Demand>>& items) {
  return read_open<Demand>(payload,
                           [&](const TransactionId& transaction, Position prepared, std::span<const Demand> demands) {
                             items.push_back({transaction, prepared, {demands.begin(), demands.end()}});
                           });
}

struct Enrolment {
  std::uint32_t delta = 0;
  std::vector<OrderDemand> demands;
  std::string body;
};

/// An order_prepared record: some items enroll, some amend, some do both.
std::string any_order_prepared(const TransactionId& own, const BatchHead& head, std::vector<Enrolment>& items) {
  std::string bodies;
  OrderPreparedWriter out({own.shard, 7, 7}, head, 0);
  for (const std::uint32_t delta : any_deltas(5)) {
    Enrolment item{delta, {}, {}};
    if (*rc::gen::inRange(0, 4) != 0) {
      OrderDemand enroll;
      enroll.kind = static_cast<OperationKind>(*rc::gen::inRange(0, static_cast<int>(kOperationKinds)));
      enroll.fingerprint = any_number<std::uint64_t>(0, ~std::uint64_t{0});
      enroll.key = any_name<IdempotencyKey>();
      item.body = *rc::gen::arbitrary<std::string>();
      enroll.body_begin = static_cast<std::uint32_t>(bodies.size());
      bodies += item.body;
      enroll.body_end = static_cast<std::uint32_t>(bodies.size());
      item.demands.push_back(enroll);
    }
    for (auto n = *rc::gen::inRange(0, 3); n > 0; --n) item.demands.push_back(any_amendment());
    out.item(delta, item.demands, bodies);
    items.push_back(std::move(item));
  }
  RC_ASSERT(out.items() == items.size());
  out.own(own);
  return out.take();
}

Errc order_code(std::string_view payload) {
  const auto read = read_order_prepared(payload, [](const OrderItem&) { return true; });
  return read.code();
}
template <class Demand>
Errc prepared_code(std::string_view payload) {
  return read_prepared<Demand>(payload, [](const TransactionId&, std::span<const Demand>) {}).code();
}
template <class Demand>
Errc open_code(std::string_view payload) {
  return read_open<Demand>(payload, [](const TransactionId&, Position, std::span<const Demand>) {}).code();
}

/// No damage may crash a reader or come out as anything but a value or corrupt_journal.
template <class Read>
void require_sound(const std::string& payload, const Read& read) {
  RC_ASSERT(read_exactly(payload, read) == Errc::none);
  RC_ASSERT(truncated(payload, read).others == 0u);
  RC_ASSERT(extended(payload, read).others == 0u);
  RC_ASSERT(overwritten(payload, read).others == 0u);
}

}  // namespace

TEMPLATE_TEST_CASE("record codec: prepared and open records of claims", "[persistence][codec]", PaymentDemand,
                   StockDemand) {
  property("prepared", 150, [] {
    std::vector<Item<TestType>> written, read;
    const std::string payload = any_prepared(written);
    RC_ASSERT(static_cast<bool>(read_items(payload, read)));
    RC_ASSERT(same_items(written, read));
  });
  property("open", 150, [] {
    std::vector<Item<TestType>> written, read;
    const auto decided = any_number<Position>(0, ~Position{0});
    const std::string payload = any_open(decided, written);
    const auto as_of = read_open_items(payload, read);
    RC_ASSERT(static_cast<bool>(as_of));
    RC_ASSERT(*as_of == decided);
    RC_ASSERT(same_items(written, read));
  });
  property("damaged", 15, [] {
    std::vector<Item<TestType>> unused;
    require_sound(any_prepared(unused), prepared_code<TestType>);
    require_sound(any_open(1, unused), open_code<TestType>);
  });
}

TEST_CASE("record codec: a prepared record cut short tells of whole items only", "[persistence][codec]") {
  property("every prefix", 50, [] {
    std::vector<Item<PaymentDemand>> written;
    const std::string payload = any_prepared(written);
    for (std::size_t size = 0; size < payload.size(); ++size) {
      std::vector<Item<PaymentDemand>> read;
      const auto result = read_items(std::string_view(payload).substr(0, size), read);
      RC_ASSERT(read.size() <= written.size());
      const std::vector<Item<PaymentDemand>> first(written.begin(),
                                                   written.begin() + static_cast<std::ptrdiff_t>(read.size()));
      RC_ASSERT(same_items(first, read));
      RC_ASSERT((static_cast<bool>(result) || result.code() == Errc::corrupt_journal));
    }
  });
}

TEST_CASE("record codec: enrolments and amendments", "[persistence][codec]") {
  property("order_prepared", 150, [] {
    const TransactionId own = any_transaction();
    const BatchHead head = any_head();
    std::vector<Enrolment> written;
    const std::string payload = any_order_prepared(own, head, written);

    const auto read_head = read_order_head(payload);
    RC_ASSERT(static_cast<bool>(read_head));
    RC_ASSERT((read_head->own.incarnation == own.incarnation && read_head->own.sequence == own.sequence));
    RC_ASSERT((read_head->batch.at(3) == head.at(3)));

    std::size_t at = 0;
    const auto read = read_order_prepared(payload, [&](const OrderItem& item) {
      RC_ASSERT(at < written.size());
      RC_ASSERT(item.delta == written[at].delta);
      RC_ASSERT(item.transaction == head.at(written[at].delta));
      RC_ASSERT(all_same(item.demands, written[at].demands));
      RC_ASSERT(item.body == written[at].body);
      ++at;
      return true;
    });
    RC_ASSERT(static_cast<bool>(read));
    RC_ASSERT(at == written.size());
  });
}

TEST_CASE("record codec: one item is found by its delta, or not", "[persistence][codec]") {
  property("every delta there is, and those between", 60, [] {
    const BatchHead head = any_head();
    std::vector<Enrolment> written;
    const std::string payload = any_order_prepared(any_transaction(), head, written);
    std::vector<OrderDemand> storage;
    std::uint32_t delta = 0;
    for (const Enrolment& item : written) {
      for (; delta < item.delta; ++delta) RC_ASSERT(read_order_item(payload, delta, storage).code() == Errc::not_found);
      const auto found = read_order_item(payload, delta, storage);
      RC_ASSERT(static_cast<bool>(found));
      RC_ASSERT(found->transaction == head.at(delta));
      RC_ASSERT(all_same(found->demands, item.demands));
      RC_ASSERT(found->body == item.body);
      ++delta;
    }
    RC_ASSERT(read_order_item(payload, delta, storage).code() == Errc::not_found);
    RC_ASSERT(read_order_item(payload, 0xffff'ffff, storage).code() == Errc::not_found);
  });
}

TEST_CASE("record codec: reading stops when the visitor has seen enough", "[persistence][codec]") {
  OrderPreparedWriter out({0, 1, 1}, {0, 1, 1}, 0);
  for (const std::uint32_t delta : {0u, 1u, 2u}) out.item(delta, {}, {});
  const std::string payload = out.take();
  std::size_t seen = 0;
  CHECK(read_order_prepared(payload, [&](const OrderItem&) { return ++seen < 2; }));
  CHECK(seen == 2);
}

TEST_CASE("record codec: damaged enrolments are a code, never a crash", "[persistence][codec]") {
  property("order_prepared", 20, [] {
    std::vector<Enrolment> unused;
    const std::string payload = any_order_prepared(any_transaction(), any_head(), unused);
    require_sound(payload, order_code);
    require_sound(payload, [](std::string_view bytes) { return read_order_head(bytes).code(); });
    std::vector<OrderDemand> storage;
    const auto find = [&](std::string_view bytes) {
      const Errc code = read_order_item(bytes, 1, storage).code();
      return code == Errc::not_found ? Errc::none : code;
    };
    require_sound(payload, find);
  });
}

TEST_CASE("record codec: decisions, with the sites that must acknowledge", "[persistence][codec]") {
  const auto any = [](ShardId shard, std::uint32_t incarnation) {
    std::vector<OwnDecision> out;
    std::uint64_t sequence = any_number<std::uint64_t>(1, std::uint64_t{1} << 60);
    for (auto n = *rc::gen::inRange(0, 8); n > 0; --n) {
      const bool commit = *rc::gen::arbitrary<bool>();
      out.push_back(
          {{shard, incarnation, sequence}, commit, commit ? any_number<std::uint64_t>(0, ~std::uint64_t{0}) : 0});
      sequence += *rc::gen::element<std::uint64_t>(1, 1, 2, 1'000'000);
    }
    return out;
  };
  property("decided", 200, [=] {
    const TransactionId id = any_transaction();
    const auto written = any(id.shard, id.incarnation);
    const auto read = read_decided(write_decided(id.shard, id.incarnation, written));
    RC_ASSERT(static_cast<bool>(read));
    RC_ASSERT(read->size() == written.size());
    for (std::size_t i = 0; i < written.size(); ++i) {
      RC_ASSERT((*read)[i].transaction == written[i].transaction);
      RC_ASSERT((*read)[i].commit == written[i].commit);
      RC_ASSERT((*read)[i].sites == written[i].sites);
    }
  });
  property("damaged", 20, [=] {
    require_sound(write_decided(1, 1, any(1, 1)), [](std::string_view bytes) { return read_decided(bytes).code(); });
  });
}

TEST_CASE("record codec: an abort's sites need not acknowledge, so they are not written", "[persistence][codec]") {
  const std::vector<OwnDecision> written{{{1, 1, 5}, false, 0b110}, {{1, 1, 6}, true, 0b110}};
  const auto read = read_decided(write_decided(1, 1, written));
  REQUIRE(read);
  CHECK((*read)[0].sites == 0);
  CHECK((*read)[1].sites == 0b110);
}

TEST_CASE("record codec: what was learned and what has ended", "[persistence][codec]") {
  const auto any = [] {
    return any_list<commit::Decision>(0, 8, [] {
      return commit::Decision{any_transaction(), *rc::gen::arbitrary<bool>()};
    });
  };
  property("learned and ended", 200, [=] {
    const auto written = any();
    const auto learned = read_learned(write_learned(written));
    RC_ASSERT(static_cast<bool>(learned));
    std::vector<TransactionId> names;
    for (const commit::Decision& decision : written) names.push_back(decision.transaction);
    const auto ended = read_ended(write_ended(names));
    RC_ASSERT(static_cast<bool>(ended));
    RC_ASSERT(*ended == names);
    RC_ASSERT(learned->size() == written.size());
    for (std::size_t i = 0; i < written.size(); ++i)
      RC_ASSERT(((*learned)[i].transaction == names[i] && (*learned)[i].commit == written[i].commit));
  });
  property("damaged", 20, [=] {
    require_sound(write_learned(any()), [](std::string_view bytes) { return read_learned(bytes).code(); });
    require_sound(write_ended(any_list<TransactionId>(0, 8, any_transaction)),
                  [](std::string_view bytes) { return read_ended(bytes).code(); });
  });
}

Stances any_stances() {
  using rc::gen::inRange;
  Stances out;
  for (const TransactionId& transaction : any_list<TransactionId>(0, 8, any_transaction)) {
    commit::Stance stance;
    stance.protocol = commit::kProtocols[*inRange<std::size_t>(0, commit::kProtocols.size())];
    stance.phase = static_cast<commit::Phase>(*inRange(0, 5));
    stance.voted = *rc::gen::arbitrary<bool>();
    stance.sites = *rc::gen::arbitrary<std::uint64_t>(), stance.voters = *rc::gen::arbitrary<std::uint64_t>();
    for (commit::Election* election : {&stance.elected, &stance.attempt})
      *election = {*rc::gen::arbitrary<std::uint32_t>(), *inRange<ShardId>(0, kShardsMax)};
    out.emplace_back(transaction, stance);
  }
  return out;
}

TEST_CASE("record codec: stances", "[persistence][codec]") {
  property("round trip", 100, [=] {
    const Stances written = any_stances();
    const auto read = read_stances(write_stances(written));
    RC_ASSERT(static_cast<bool>(read));
    RC_ASSERT(*read == written);
  });
  property("damaged", 20, [=] {
    require_sound(write_stances(any_stances()), [](std::string_view bytes) { return read_stances(bytes).code(); });
  });
}

TEST_CASE("record codec: what was asked of this site", "[persistence][codec]") {
  const auto any = [] {
    std::vector<Asked> out;
    for (const TransactionId& transaction : any_list<TransactionId>(0, 8, any_transaction))
      out.push_back({transaction, *rc::gen::arbitrary<std::uint32_t>(), *rc::gen::arbitrary<std::uint64_t>(),
                     *rc::gen::arbitrary<std::int64_t>()});
    return out;
  };
  property("round trip", 100, [=] {
    const std::vector<Asked> written = any();
    const auto read = read_asked(write_asked(written));
    RC_ASSERT(static_cast<bool>(read));
    RC_ASSERT(*read == written);
  });
  property("damaged", 20,
           [=] { require_sound(write_asked(any()), [](std::string_view bytes) { return read_asked(bytes).code(); }); });
}

TEST_CASE("record codec: what was asked at once, of the same sites, is one entry", "[persistence][codec]") {
  std::vector<Asked> list;
  for (const std::uint64_t sequence : {4U, 5U, 6U}) add_asked(list, {2, 1, sequence}, 0b101, 7);
  CHECK(list == std::vector<Asked>{{{2, 1, 4}, 3, 0b101, 7}});
  add_asked(list, {2, 1, 8}, 0b101, 7);  // One between them was not.
  add_asked(list, {2, 1, 9}, 0b111, 7);
  add_asked(list, {2, 1, 10}, 0b111, 8);
  add_asked(list, {2, 2, 11}, 0b111, 8);  // Of its coordinator's next life.
  add_asked(list, {3, 2, 12}, 0b111, 8);
  REQUIRE(list.size() == 6);
  for (std::size_t i = 1; i < list.size(); ++i) CHECK(list[i].count == 1);
}

TEST_CASE("record codec: a new incarnation", "[persistence][codec]") {
  const std::string payload = write_opened(3, 7);
  const auto opened = read_opened(payload);
  REQUIRE(opened);
  CHECK(*opened == TransactionId{3, 7, 0});
  CHECK(read_opened(write_opened(3, 0)).code() == Errc::corrupt_journal);
  CHECK(read_opened(write_opened(kShardsMax - 1, 1)));
  CHECK(read_opened(write_opened(kShardsMax, 1)).code() == Errc::corrupt_journal);
  const auto read = [](std::string_view bytes) { return read_opened(bytes).code(); };
  CHECK(truncated(payload, read).corrupt == payload.size());
  CHECK(extended(payload, read).corrupt == 4);
  CHECK(overwritten(payload, read).others == 0);
}

TEST_CASE("record codec: a batch of nobody is corrupt", "[persistence][codec]") {
  const auto [head, code] = GENERATE(table<BatchHead, Errc>({
      {{0, 1, 1}, Errc::none},
      {{kShardsMax - 1, 1, 1}, Errc::none},
      {{kShardsMax, 1, 1}, Errc::corrupt_journal},
      {{0, 0, 1}, Errc::corrupt_journal},
  }));
  CHECK(prepared_code<StockDemand>(PreparedWriter(head, 0).take()) == code);
  CHECK(order_code(OrderPreparedWriter({0, 1, 1}, head, 0).take()) == code);
  CHECK(read_decided(write_decided(head.shard, head.incarnation, {})).code() == code);
}

TEST_CASE("record codec: demands of no known action or kind are corrupt", "[persistence][codec]") {
  for (int number = 0; number < 256; ++number) {
    INFO(number);
    ByteWriter stock, payment;
    write_stock(stock, {sku("mug"), static_cast<StockAction>(number), kGbp, 0, 1});
    ByteReader stock_in(stock.view());
    read_stock(stock_in);
    CHECK(stock_in.ok() == (number >= 1 && number <= 9));
    payment.fixed(static_cast<std::uint8_t>(number));
    payment.text(account("alice"));
    payment.fixed(kGbp.number);
    payment.zigzag(1);
    ByteReader payment_in(payment.view());
    read_payment(payment_in);
    const int action = number >> 4, kind = number & 15;
    CHECK(payment_in.ok() == (action >= 1 && action <= 2 && kind >= 1 && kind <= 2));
  }
}

TEST_CASE("record codec: noise is a code, never a crash", "[persistence][codec]") {
  property("random bytes", 1'000, [] {
    const std::string noise = std::string("\0\0\1\0\0\0", 6) + *rc::gen::arbitrary<std::string>();
    const auto sound = [&](auto read) {
      const Errc code = read_exactly(noise, read);
      RC_ASSERT((code == Errc::none || code == Errc::corrupt_journal || code == Errc::not_found));
    };
    std::vector<OrderDemand> storage;
    sound(prepared_code<PaymentDemand>), sound(prepared_code<StockDemand>);
    sound(open_code<PaymentDemand>), sound(open_code<StockDemand>), sound(order_code);
    sound([&](std::string_view bytes) { return read_order_item(bytes, 0, storage).code(); });
    sound([](std::string_view bytes) { return read_decided(bytes).code(); });
    sound([](std::string_view bytes) { return read_learned(bytes).code(); });
    sound([](std::string_view bytes) { return read_ended(bytes).code(); });
    sound([](std::string_view bytes) { return read_opened(bytes).code(); });
    sound([](std::string_view bytes) { return read_stances(bytes).code(); });
    sound([](std::string_view bytes) { return read_asked(bytes).code(); });
  });
}

}  // namespace kontor::persistence

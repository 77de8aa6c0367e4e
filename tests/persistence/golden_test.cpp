// One file for each kind of record, written once by the version that introduced its layout: this one reads it, field by
// field, and still writes the same bytes. The grammars are in record_codec.hpp, table_codec.hpp and key_run.hpp.
#include <functional>
#include <set>

#include "persistence/key_index.hpp"
#include "persistence/key_run.hpp"
#include "persistence/placement_store.hpp"
#include "persistence/record_codec.hpp"
#include "persistence/table_codec.hpp"
#include "tests/domain/good_operations.hpp"
#include "tests/persistence/golden_file.hpp"
#include "tests/persistence/last_written.hpp"
#include "tests/persistence/same_demand.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::persistence {
namespace {

using namespace kontor::tests;

constexpr std::uint64_t kKey = 0x0001'0203'0405'0000;
constexpr std::int64_t kWrittenAt = 1'700'000'000'123'456'789;
constexpr TransactionId kOwn{3, 7, 99}, kOther{5, 2, 300};
constexpr BatchHead kHead{3, 7, 1'000};
const std::vector<TransactionId> kEnded{kOwn, kOther};
const std::vector<Asked> kAsked{{kOther, 300, 0b1'000'000'000'001, kWrittenAt}, {kOwn, 1, 0b11, 1}};

/// What a record holds, how it is written, and what must be found in it.
struct Golden {
  std::string file;
  RecordKind kind;
  std::function<std::string()> write;
  std::function<void(std::string_view)> check;
};

const std::vector<PaymentDemand> kLegs = {
    {account("alice"), PaymentAction::post, AccountKind::wallet, kGbp, -4'900},
    {account("bank"), PaymentAction::post, AccountKind::external, kJpy, kAmountMinorMax},
    {account("eve"), PaymentAction::open_account, AccountKind::wallet, kKwd, 500},
};
const std::vector<StockDemand> kClaims = {
    {sku("bowl"), StockAction::define, kGbp, 0, 1'200}, {sku("cup"), StockAction::sell, kGbp, 2, 3},
    {sku("fork"), StockAction::take_back, {}, 0, 1},    {sku("mug"), StockAction::receive, {}, 0, 1'000'000'000},
    {sku("pan"), StockAction::adjust, {}, 0, -7},       {sku("tasse"), StockAction::set_price, kEur, 9, 0},
};

const std::vector<StockDemand> kReservedClaims = {{sku("bowl"), StockAction::reserve, kGbp, 7, 300},
                                                  {sku("cup"), StockAction::redeem, {}, 0, 1'000'000'000},
                                                  {sku("mug"), StockAction::release, {}, 0, 1}};

/// Each kind of operation but those of reservations once, as it is enrolled.
std::vector<Operation> operations() {
  return {good_wallet(),
          good_deposit(),
          good_withdrawal(),
          good_transfer(),
          good_product(),
          good_price(),
          good_receipt(),
          good_adjustment(),
          good_checkout(),
          Cancel{kOther},
          Refund{kOther, {{0, 2}, {4, 1}}, false},
          Fulfil{kOther, {}},
          good_return()};
}
Plan plan_of(const Operation& operation) {
  Plan plan;
  if (std::holds_alternative<Checkout>(operation)) plan.unit_prices = {1'250, 800};
  if (!std::holds_alternative<Cancel>(operation) && !std::holds_alternative<Refund>(operation)) return plan;
  plan.payments.assign(kLegs.begin(), kLegs.end());
  plan.stocks.assign(kClaims.begin(), kClaims.end());
  return plan;
}

constexpr std::int64_t kBegun = 1'700'000'000'000'000'001;
/// A reservation and its two ends.
std::vector<Operation> reservations() {
  Reserve reserve = good_reservation();
  reserve.begun_at_ns = kBegun;
  return {reserve, Redeem{kOther, kBegun}, Release{kOther, ReleaseReason::expired, kBegun}};
}
Plan plan_of_reservation(const Operation& operation) {
  Plan plan;
  plan.begun_at_ns = kBegun;
  if (std::holds_alternative<Reserve>(operation)) {
    plan.unit_prices = {1'250, 800};
    plan.expires_at_ns = kExpiry;
    return plan;
  }
  plan.stocks.assign(kReservedClaims.begin(), kReservedClaims.end());
  if (std::holds_alternative<Redeem>(operation)) plan.payments.assign(kLegs.begin(), kLegs.end());
  return plan;
}

OrderDemand enroll(std::uint32_t number, OperationKind kind) {
  OrderDemand out;
  out.kind = kind;
  out.key = key("key-" + std::to_string(number));
  out.fingerprint = 0x0102'0304'0506'0708 + number;
  return out;
}
const std::vector<OrderDemand> kAmendments = [] {
  std::vector<OrderDemand> out(2);
  out[0].action = OrderAction::refund, out[0].line = 1, out[0].quantity = 2;
  out[1].action = OrderAction::fulfil, out[1].line = 300, out[1].quantity = 1'000'000'000;
  for (OrderDemand& demand : out) demand.order = kOther, demand.expected_version = 4;
  return out;
}();

/// Items 0 to 12 enroll each kind of request; item 20 amends an order whose request lives elsewhere.
std::string write_orders() {
  OrderPreparedWriter out(kOwn, kHead, 0);
  std::uint32_t number = 0;
  for (const Operation& operation : operations()) {
    ByteWriter body;
    write_body(body, operation, plan_of(operation));
    std::vector<OrderDemand> demands{enroll(number, kind_of(operation))};
    demands[0].body_end = static_cast<std::uint32_t>(body.size());
    out.item(number++, demands, body.view());
  }
  out.item(20, kAmendments, {});
  return out.take();
}
void check_orders(std::string_view payload) {
  const auto head = read_order_head(payload);
  REQUIRE(head);
  CHECK(head->own == TransactionId{0, kOwn.incarnation, kOwn.sequence});
  CHECK(head->batch.at(2) == TransactionId{3, 7, 1'002});
  auto expected = operations();
  std::get<Checkout>(expected[8]).lines[1].unit_price = 800;
  std::uint32_t number = 0;
  REQUIRE(read_order_prepared(payload, [&](const OrderItem& item) {
    CHECK(item.transaction == kHead.at(item.delta));
    if (number == expected.size()) {
      CHECK(item.delta == 20);
      CHECK(all_same(item.demands, kAmendments));
      CHECK(item.body.empty());
      return true;
    }
    const Operation& operation = expected[number];
    CHECK(item.delta == number);
    CHECK(all_same(item.demands, std::vector{enroll(number++, kind_of(operation))}));
    const auto stored = read_body(item.body);
    REQUIRE(stored);
    CHECK(fingerprint(stored->operation) == fingerprint(operation));
    CHECK(all_same(stored->payments, plan_of(operation).payments));
    CHECK(all_same(stored->stocks, plan_of(operation).stocks));
    return true;
  }));
  CHECK(number == expected.size());
}

/// What becomes of a reservation, beside its request: `reserve` when it is made, then an end.
std::vector<OrderDemand> demands_of_reservation(std::uint32_t number, const Operation& operation) {
  std::vector<OrderDemand> out{enroll(number, kind_of(operation)), {}};
  constexpr OrderAction kActions[] = {OrderAction::reserve, OrderAction::redeem, OrderAction::expire};
  out[1].action = kActions[number];
  if (number == 0) return out[1].expires_at_ns = kExpiry, out;
  out[1].order = kOther, out[1].expected_version = 1;
  return out;
}
std::string write_reservations() {
  OrderPreparedWriter out(kOwn, kHead, 0);
  std::uint32_t number = 0;
  for (const Operation& operation : reservations()) {
    ByteWriter body;
    write_body(body, operation, plan_of_reservation(operation));
    auto demands = demands_of_reservation(number, operation);
    demands[0].body_end = static_cast<std::uint32_t>(body.size());
    out.item(number++, demands, body.view());
  }
  OrderDemand release = demands_of_reservation(1, Redeem{})[1];
  release.action = OrderAction::release;
  out.item(20, std::span<const OrderDemand>(&release, 1), {});
  return out.take();
}
void check_reservations(std::string_view payload) {
  auto expected = reservations();
  std::get<Reserve>(expected[0]).checkout.lines[1].unit_price = 800;
  std::uint32_t number = 0;
  REQUIRE(read_order_prepared(payload, [&](const OrderItem& item) {
    if (number == expected.size()) {
      CHECK(item.demands.front().action == OrderAction::release);
      CHECK(item.demands.front().order == kOther);
      return true;
    }
    const Operation& operation = expected[number];
    CHECK(all_same(item.demands, demands_of_reservation(number++, operation)));
    const auto stored = read_body(item.body);
    REQUIRE(stored);
    CHECK(fingerprint(stored->operation) == fingerprint(operation));
    CHECK(all_same(stored->payments, plan_of_reservation(operation).payments));
    if (number > 1) CHECK(all_same(stored->stocks, plan_of_reservation(operation).stocks));
    if (const auto* reserve = std::get_if<Reserve>(&stored->operation)) CHECK(reserve->begun_at_ns == kBegun);
    if (const auto* redeem = std::get_if<Redeem>(&stored->operation)) CHECK(redeem->begun_at_ns == kBegun);
    if (const auto* release = std::get_if<Release>(&stored->operation)) CHECK(release->begun_at_ns == kBegun);
    return true;
  }));
  CHECK(number == expected.size());
}

template <class Demand>
std::string write_claims(const std::vector<Demand>& demands) {
  PreparedWriter out(kHead, 0);
  out.item(0, std::span<const Demand>(demands));
  out.item(130, std::span<const Demand>(demands).first(1));
  return out.take();
}
template <class Demand>
void check_claims(std::string_view payload, const std::vector<Demand>& demands) {
  std::vector<TransactionId> seen;
  REQUIRE(read_prepared<Demand>(payload, [&](const TransactionId& id, std::span<const Demand> read) {
    CHECK(all_same(read, std::span<const Demand>(demands).first(seen.empty() ? demands.size() : 1)));
    seen.push_back(id);
  }));
  CHECK(seen == std::vector{kHead.at(0), kHead.at(130)});
}
template <class Demand>
std::string write_promises(const std::vector<Demand>& demands) {
  OpenWriter out(4'321);
  out.item(kOther, 1'234, std::span<const Demand>(demands));
  return out.take();
}
template <class Demand>
void check_promises(std::string_view payload, const std::vector<Demand>& demands) {
  std::size_t seen = 0;
  const auto decided = read_open<Demand>(payload, [&](const TransactionId& id, Position prepared, auto read) {
    CHECK(id == kOther);
    CHECK(prepared == 1'234);
    CHECK(all_same(read, demands));
    ++seen;
  });
  REQUIRE(decided);
  CHECK(*decided == 4'321);
  CHECK(seen == 1);
}

Stances some_stances() {
  commit::Stance voted, tombstone;
  voted.sites = 0b100'110, voted.voters = 0b110, voted.phase = commit::Phase::pre_committed, voted.voted = true;
  voted.elected = {300, 5}, voted.attempt = {1, 3};
  tombstone.protocol = commit::Protocol::three_phase_optimised, tombstone.phase = commit::Phase::aborted;
  tombstone.sites = ~std::uint64_t{0}, tombstone.voters = 1;
  return {{kOwn, voted}, {kOther, tombstone}};
}

std::vector<Golden> of_coordinator() {
  const std::vector<OwnDecision> made{
      {{3, 7, 1'000}, true, 0b100'010}, {{3, 7, 1'001}, false, 0}, {{3, 7, 1'500}, true, 0}};
  const std::vector<commit::Decision> learned{{kOther, true}, {{5, 2, 301}, false}};
  const Stances stances = some_stances();
  return {
      {"opened", RecordKind::opened, [] { return write_opened(3, 7); },
       [](auto payload) {
         CHECK(*read_opened(payload) == TransactionId{3, 7, 0});
       }},
      {"decided", RecordKind::decided, [=] { return write_decided(3, 7, made); },
       [=](auto payload) {
         const auto read = read_decided(payload);
         REQUIRE(read);
         REQUIRE(read->size() == made.size());
         for (std::size_t i = 0; i < made.size(); ++i) {
           CHECK((*read)[i].transaction == made[i].transaction);
           CHECK((*read)[i].commit == made[i].commit);
           CHECK((*read)[i].sites == made[i].sites);
         }
       }},
      {"learned", RecordKind::learned, [=] { return write_learned(learned); },
       [=](auto payload) {
         const auto read = read_learned(payload);
         REQUIRE(read);
         REQUIRE(read->size() == 2);
         CHECK(((*read)[0].transaction == kOther && (*read)[0].commit));
         CHECK(((*read)[1].transaction == TransactionId{5, 2, 301} && !(*read)[1].commit));
       }},
      {"ended", RecordKind::ended, [] { return write_ended(kEnded); },
       [](auto payload) { CHECK(*read_ended(payload) == kEnded); }},
      {"stances", RecordKind::stances, [=] { return write_stances(stances); },
       [=](auto payload) { CHECK(*read_stances(payload) == stances); }},
      {"asked", RecordKind::asked, [] { return write_asked(kAsked); },
       [](auto payload) { CHECK(*read_asked(payload) == kAsked); }},
  };
}

std::vector<Golden> of_participants() {
  return {
      {"order_prepared", RecordKind::order_prepared, write_orders, check_orders},
      {"payment_prepared", RecordKind::payment_prepared, [] { return write_claims(kLegs); },
       [](auto payload) { check_claims(payload, kLegs); }},
      {"payment_open", RecordKind::payment_open, [] { return write_promises(kLegs); },
       [](auto payload) { check_promises(payload, kLegs); }},
      {"inventory_prepared", RecordKind::inventory_prepared, [] { return write_claims(kClaims); },
       [](auto payload) { check_claims(payload, kClaims); }},
      {"inventory_open", RecordKind::inventory_open, [] { return write_promises(kClaims); },
       [](auto payload) { check_promises(payload, kClaims); }},
      {"order_prepared_reservations", RecordKind::order_prepared, write_reservations, check_reservations},
      {"inventory_prepared_reservations", RecordKind::inventory_prepared, [] { return write_claims(kReservedClaims); },
       [](auto payload) { check_claims(payload, kReservedClaims); }},
  };
}

const std::vector<Account> kAccounts = {{account("alice"), kGbp, AccountKind::wallet, 100, -50, 10, 2'000},
                                        {account("bank"), kJpy, AccountKind::external, 0, -kBalanceMinorMax, 0, 0}};
const Product kProduct = {sku("mug"), kGbp, 9, true, 1'250, 7, 3, 2, 10, -1, 3, 1};

void check_accounts(std::string_view payload) {
  std::vector<Account> rows;
  const auto as_of = read_block(payload, rows);
  REQUIRE(as_of);
  CHECK((as_of->appended == 11 && as_of->decided == 12));
  REQUIRE(rows.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK((rows[i].id == kAccounts[i].id && rows[i].currency == kAccounts[i].currency));
    CHECK((rows[i].kind == kAccounts[i].kind && rows[i].credit_limit == kAccounts[i].credit_limit));
    CHECK((rows[i].balance == kAccounts[i].balance && rows[i].held == kAccounts[i].held));
    CHECK(rows[i].incoming == kAccounts[i].incoming);
  }
}
void check_products(std::string_view payload) {
  std::vector<Product> rows;
  const auto as_of = read_block(payload, rows);
  REQUIRE(as_of);
  CHECK((as_of->appended == 13 && as_of->decided == 14));
  REQUIRE(rows.size() == 1);
  const Product& row = rows[0];
  CHECK((row.sku == sku("mug") && row.currency == kGbp && row.version == 9 && row.pricing && row.price == 1'250));
  CHECK((row.on_hand == 7 && row.held == 3 && row.incoming == 2 && row.reserved == 0 && row.leaving == 0));
  CHECK((row.received == 10 && row.adjusted == -1 && row.sold == 3 && row.returned == 1));
}
/// With units set aside; the other one has none, and looks as before there were reservations.
const std::vector<Product> kSetAside = {{sku("mug"), kGbp, 9, false, 1'250, 7, 1, 0, 10, 0, 3, 0, 5, 2},
                                        {sku("pan"), kGbp, 1, true, 5, 1, 0, 0, 1, 0, 0, 0}};
void check_set_aside(std::string_view payload) {
  std::vector<Product> rows;
  REQUIRE(read_block(payload, rows));
  REQUIRE(rows.size() == 2);
  CHECK((rows[0].reserved == 5 && rows[0].leaving == 2 && !rows[0].pricing && rows[0].sold == 3));
  CHECK((rows[1].sku == sku("pan") && rows[1].reserved == 0 && rows[1].leaving == 0 && rows[1].pricing));
}

const KeyAges kAges{900, 17, {{300, 20}, {899, 0x0102'0304'0506}}};
const std::vector<Holding> kHoldings{{{0, kFirstEpoch, 0}, {}}, {{2, 5, 0x0102'0304'0506'0708}, Arrival{2, 6, 9}}, {}};
const std::vector<Member> kMembers{{"node-1", "10.0.0.1", 7'000}, {"node-2", "node-2.example", 65'535}};

std::vector<Golden> of_tables() {
  const OrderProgress progress{5, OrderStatus::cancelled, {{2, 2, 0}, {1'000'000'000, 300, 7}}};
  const CoordinatorCheckpoint checkpoint{77, 7, {{kOther, 0b110}}, {{5, kOther}, {9, {9, 1, 1}}}, {}};
  CoordinatorCheckpoint with_stances = checkpoint;
  with_stances.stances = some_stances();
  return {
      {"meta_format", RecordKind::meta_format,
       [] {
         return write_format({1, 2, 3});
       },
       [](auto payload) {
         const auto format = read_format(payload);
         REQUIRE(format);
         CHECK((format->version == 1 && format->shard == 2 && format->shards == 3));
       }},
      {"meta_checkpoint", RecordKind::meta_checkpoint, [] { return write_checkpoint(Position{123'456'789}); },
       [](auto payload) { CHECK(*read_checkpoint(payload) == 123'456'789); }},
      {"meta_checkpoint_coordinator", RecordKind::meta_checkpoint, [=] { return write_checkpoint(checkpoint); },
       [=](auto payload) {
         const auto read = read_coordinator_checkpoint(payload);
         REQUIRE(read);
         CHECK((read->replay_from == 77 && read->incarnation == 7));
         CHECK(read->unacknowledged == checkpoint.unacknowledged);
         CHECK(read->high_water == checkpoint.high_water);
         CHECK(read->stances.empty());
       }},
      {"meta_checkpoint_stances", RecordKind::meta_checkpoint, [=] { return write_checkpoint(with_stances); },
       [=](auto payload) {
         const auto read = read_coordinator_checkpoint(payload);
         REQUIRE(read);
         CHECK(read->unacknowledged == checkpoint.unacknowledged);
         CHECK(read->stances == with_stances.stances);
       }},
      {"account_block", RecordKind::account_block,
       [] {
         return write_block({11, 12}, std::span<const Account>(kAccounts));
       },
       check_accounts},
      {"product_block", RecordKind::product_block,
       [] {
         return write_block({13, 14}, std::span<const Product>(&kProduct, 1));
       },
       check_products},
      {"product_block_reserved", RecordKind::product_block,
       [] {
         return write_block({13, 14}, std::span<const Product>(kSetAside));
       },
       check_set_aside},
      {"reservation_row", RecordKind::reservation_row, [] { return write_reservation_row(kExpiry); },
       [](auto payload) { CHECK(*read_reservation_row(payload) == kExpiry); }},
      {"key_ages", RecordKind::key_ages, [] { return write_key_ages(kAges); },
       [](auto payload) { CHECK(*read_key_ages(payload) == kAges); }},
      {"holdings", RecordKind::meta_place, [] { return write_holdings(kHoldings); },
       [](auto payload) { CHECK(*read_holdings(payload) == kHoldings); }},
      {"members", RecordKind::meta_members, [] { return write_members(kMembers); },
       [](auto payload) { CHECK(*read_members(payload) == kMembers); }},
      {"order_row", RecordKind::order_row, [=] { return write_order_row(15, progress); },
       [=](auto payload) {
         const auto read = read_order_row(payload);
         REQUIRE(read);
         CHECK((read->decided == 15 && read->progress == progress));
       }},
      {"outcome_bitmap", RecordKind::outcome_bitmap, [] { return write_outcomes(16, std::string("\0\1\2\3", 4)); },
       [](auto payload) {
         const auto read = read_outcomes(payload);
         REQUIRE(read);
         CHECK((read->decided == 16 && read->states == std::string("\0\1\2\3", 4)));
       }},
  };
}

std::vector<Golden> all() {
  std::vector<Golden> out = of_coordinator();
  for (auto part : {of_participants(), of_tables()}) out.insert(out.end(), part.begin(), part.end());
  return out;
}

std::string sealed(RecordKind kind, const std::string& payload, std::uint64_t key) {
  RecordHeader header;
  header.key = key;
  header.written_at_ns = kWrittenAt;
  header.kind = kind;
  std::string out(sizeof header + payload.size(), '\0');
  seal(header, payload, out.data());
  return out;
}

const std::vector<KeyEntry> kEntries = {{0x0102'0304'0506'0708, 1 << 20}, {0x0102'0304'0506'0709, 5 << 20 | 3}};

}  // namespace

TEST_CASE("golden: each kind of record is read as it was written once", "[persistence][golden]") {
  for (const Golden& golden : all()) {
    INFO(golden.file);
    const std::string name = golden.file + ".bin";
    if (may_write_golden(name)) write_golden(name, sealed(golden.kind, golden.write(), kKey));
    const std::string bytes = read_golden(name);
    const auto record = unseal(bytes, kKey);
    REQUIRE(record);
    CHECK(record->header.kind == golden.kind);
    CHECK(record->header.version == 1);
    CHECK(record->header.written_at_ns == kWrittenAt);
    golden.check(record->payload);
    CHECK(golden.write() == record->payload);  // A new layout needs a new version, and this file stays as it is.
  }
}

TEST_CASE("golden: a run of keys is read as it was written once", "[persistence][golden]") {
  Written written;
  RunWriter writer(written, 7, 2, kRunBlockEntries);
  for (const KeyEntry& entry : kEntries) writer.add(entry);
  std::vector<std::unique_ptr<KeyRun>> written_runs;
  written_runs.push_back(writer.finish());
  written_runs[0]->listed = true;
  if (may_write_golden("key_run_block.bin"))
    write_golden("key_run_block.bin", sealed(RecordKind::key_run_block, written.block, kKey));
  if (may_write_golden("key_run_list.bin"))
    write_golden("key_run_list.bin", sealed(RecordKind::key_run_list, encode_run_list(written_runs), kKey));
  const std::string block_bytes = read_golden("key_run_block.bin"), list_bytes = read_golden("key_run_list.bin");
  const auto block = unseal(block_bytes, kKey), list = unseal(list_bytes, kKey);
  REQUIRE((block && list));
  CHECK(written.block == block->payload);
  CHECK(encode_run_list(written_runs) == list->payload);

  const testing::TempDir dir;
  const auto store = Store::open({dir.path(), 1u << 20, false});
  REQUIRE(store);
  Store::Writer out(**store);
  REQUIRE(out.put(Table::keys, block_key(BlockPlace{7, 0}), block->header, block->payload));
  REQUIRE(out.put(Table::keys, kRunListKey, list->header, list->payload));
  REQUIRE(out.commit());
  const Store::Reader reader(**store);
  const auto runs = read_run_list(reader);
  REQUIRE(runs);
  REQUIRE(runs->size() == 1);
  CHECK(((*runs)[0]->id == 7 && (*runs)[0]->level == 2 && (*runs)[0]->entries == 2));
  std::vector<KeyEntry> entries;
  REQUIRE(read_run_blocks(reader, *runs, [&](auto read) { entries.assign(read.begin(), read.end()); }));
  CHECK(entries == kEntries);
}

TEST_CASE("golden: every kind of record that is written has its file", "[persistence][golden]") {
  std::set<RecordKind> covered{RecordKind::key_run_block, RecordKind::key_run_list};
  for (const Golden& golden : all()) covered.insert(golden.kind);
  for (int kind = 0; kind < 1'000; ++kind) {
    const auto as = static_cast<RecordKind>(kind);
    if (to_string(as) == "unlisted" || as == RecordKind::coordinator_open) continue;  // The latter was never written.
    INFO(to_string(as));
    CHECK(covered.contains(as));
  }
}

}  // namespace kontor::persistence

// Messages between nodes as bytes: what is written is read back, and damage is refused and never a crash.
#include "actors/cluster/wire.hpp"

#include "actors/cluster/wire_reads.hpp"
#include "tests/persistence/any_demand.hpp"
#include "tests/support/property.hpp"

namespace kontor::actors::wire {
namespace {

using namespace kontor::tests;
using persistence::ByteReader;
using persistence::ByteWriter;

constexpr std::uint16_t kShards = 5;
constexpr std::int64_t kNow = 1'800'000'000'000'000'000;

/// As it is read where it is enrolled: all its times are set, and a reservation's end is one of them.
Operation any_enrolled(OperationKind kind) {
  Operation operation = any_operation(kind);
  std::visit(
      [](auto& op) {
        if constexpr (requires { op.begun_at_ns; }) op.begun_at_ns = any_time();
        if constexpr (requires { op.expires_in_ns; }) op.expires_in_ns = 0;
      },
      operation);
  return operation;
}

std::int64_t begun_at_ns(const Operation& operation) {
  return std::visit(
      [](const auto& op) -> std::int64_t {
        if constexpr (requires { op.begun_at_ns; })
          return op.begun_at_ns;
        else
          return 0;
      },
      operation);
}

bool same(const TransactionRecord& a, const TransactionRecord& b) {
  return a.id == b.id && a.verdict == b.verdict && a.key == b.key && a.enrolled_at_ns == b.enrolled_at_ns &&
         kind_of(a.operation) == kind_of(b.operation) &&
         fingerprint(a.operation) == fingerprint(b.operation) &&  // Over all fields but the next.
         begun_at_ns(a.operation) == begun_at_ns(b.operation);
}

Error any_error() {
  if (*rc::gen::inRange(0, 3) == 0) return {};
  return {Errc::out_of_stock, *rc::gen::element<std::string_view>("sku", "account", ""), any_version(),
          any_number<std::int64_t>(-1, kStockUnitsMax)};
}

/// Demands of some of the transactions; enrolments bring a body with them.
template <class Demand, class Make>
Demands<Demand> any_demands(std::uint32_t transactions, const Make& make) {
  Demands<Demand> out;
  for (std::uint32_t transaction = 0; transaction < transactions; ++transaction) {
    if (*rc::gen::arbitrary<bool>()) continue;
    const auto begin = static_cast<std::uint32_t>(out.demands.size());
    for (int n = *rc::gen::inRange(1, 4); n > 0; --n) out.demands.push_back(make());
    out.items.push_back({transaction, begin, static_cast<std::uint32_t>(out.demands.size())});
  }
  return out;
}

std::shared_ptr<Submission> any_submission() {
  auto out = std::make_shared<Submission>();
  Bundle& bundle = out->bundle;
  const auto transactions = *rc::gen::inRange<std::uint32_t>(1, 6);
  for (std::uint32_t i = 0; i < transactions; ++i)
    bundle.transactions.push_back({any_number<std::uint64_t>(1, 31), any_number<std::int64_t>(0, 1LL << 60),
                                   any_error(), *rc::gen::elementOf(commit::kProtocols),
                                   any_number<std::uint64_t>(0, 31)});
  const auto any_enrolment = [&] {
    OrderDemand demand;
    demand.key = any_name<IdempotencyKey>(), demand.fingerprint = *rc::gen::arbitrary<std::uint64_t>();
    demand.kind = OperationKind::transfer;
    demand.body_begin = static_cast<std::uint32_t>(bundle.bodies.size());
    bundle.bodies += *rc::gen::arbitrary<std::string>();
    demand.body_end = static_cast<std::uint32_t>(bundle.bodies.size());
    return demand;
  };
  bundle.work.resize(kShards);
  for (Work& work : bundle.work) {
    work.order = any_demands<OrderDemand>(
        transactions, [&] { return *rc::gen::arbitrary<bool>() ? any_enrolment() : any_amendment(); });
    work.inventory = any_demands<StockDemand>(transactions, any_stock);
    work.payment = any_demands<PaymentDemand>(transactions, any_payment);
  }
  out->listings = any_list<Listing>(0, 3, [&] {
    return Listing{*rc::gen::inRange<std::uint32_t>(0, transactions), any_name<Sku>(), any_money(0), true};
  });
  return out;
}

Batch any_batch_head() {
  const TransactionId first = any_transaction();
  Batch batch;
  batch.coordinator = first.shard, batch.incarnation = first.incarnation, batch.first = first.sequence >> 1;
  batch.count = *rc::gen::inRange<std::uint32_t>(1, 5'000);
  return batch;
}

/// Whatever was read is written to the same bytes; less than all of them is refused, as is more.
template <class Read, class Write>
void round_trips(const std::string& bytes, const Read& read, const Write& write) {
  ByteReader in(bytes);
  const auto value = read(in);
  RC_ASSERT(in.ok());
  ByteWriter again;
  write(again, value);
  RC_ASSERT(again.view() == bytes);
  const auto cut = bytes.substr(0, *rc::gen::inRange<std::size_t>(0, bytes.size()));
  ByteReader less(cut);
  read(less);
  RC_ASSERT(!less.done());
  const std::string longer = bytes + '\1';
  ByteReader more(longer);
  read(more);
  RC_ASSERT(!more.ok());
  std::string damaged = bytes;
  damaged[*rc::gen::inRange<std::size_t>(0, bytes.size())] ^= static_cast<char>(*rc::gen::inRange(1, 256));
  ByteReader other(damaged);
  read(other);  // Anything but a crash.
}

}  // namespace

TEST_CASE("wire: submissions and prepares", "[cluster][wire]") {
  property("submission", 200, [] {
    ByteWriter out;
    write_submission(out, *any_submission(), kNow);
    round_trips(
        out.take(), [](ByteReader& in) { return read_submission(in, kShards, kNow); },
        [](ByteWriter& again, const auto& value) { write_submission(again, *value, kNow); });
  });
  property("prepare", 200, [] {
    Batch batch = any_batch_head();
    batch.begun_at_ns = *rc::gen::arbitrary<std::int64_t>();
    batch.count = 0;
    for (int parts = *rc::gen::inRange(1, 4); parts > 0; --parts) {
      auto submission = any_submission();
      batch.parts.push_back({submission, batch.count});
      batch.count += static_cast<std::uint32_t>(submission->bundle.transactions.size());
    }
    const auto to = *rc::gen::inRange<ShardId>(0, kShards);
    ByteWriter out;
    write_prepare(out, batch, to);
    round_trips(
        out.take(), [to](ByteReader& in) { return read_prepare(in, to, kShards); },
        [to](ByteWriter& again, const BatchPtr& value) { write_prepare(again, *value, to); });
  });
}

TEST_CASE("wire: a large batch of which little is asked can be read", "[cluster][wire]") {
  auto submission = std::make_shared<Submission>();
  submission->bundle.transactions.assign(4'096, TransactionHead{});
  for (auto& head : submission->bundle.transactions) head.sites = 1;
  submission->bundle.work.resize(kShards);
  Batch batch;
  batch.incarnation = 1, batch.first = 1, batch.count = 4'096;
  batch.parts.push_back({submission, 0});
  ByteWriter out;
  write_prepare(out, batch, 1);
  ByteReader in(out.view());
  const BatchPtr read = read_prepare(in, 1, kShards);
  REQUIRE(in.ok());
  CHECK(read->count == 4'096);
  CHECK(read->parts.front().submission->bundle.transactions.size() == 4'096);
}

TEST_CASE("wire: votes, decisions, notices", "[cluster][wire]") {
  property("site votes", 200, [] {
    SiteVotes votes;
    const auto batch = std::make_shared<Batch>(any_batch_head());
    votes.batch = batch, votes.site = any_number<ShardId>(0, kShardsMax - 1);
    votes.refusals = any_list<commit::Refusal>(0, 5, [&] {
      return commit::Refusal{*rc::gen::inRange<std::uint32_t>(0, batch->count), commit::Role::inventory, any_error(),
                             any_transaction()};
    });
    ByteWriter out;
    write_site_votes(out, votes);
    round_trips(out.take(), read_site_votes, write_site_votes);
  });
  property("decisions", 200, [] {
    auto decisions = any_list<commit::Decision>(0, 9, [] {
      return commit::Decision{any_transaction(), *rc::gen::arbitrary<bool>()};
    });
    const Decisions message{any_number<ShardId>(0, kShardsMax - 1),
                            std::make_shared<const std::vector<commit::Decision>>(std::move(decisions))};
    ByteWriter out;
    write_decisions(out, message);
    ByteReader in(out.view());
    RC_ASSERT(read_decisions(in).decisions->size() == message.decisions->size());
    RC_ASSERT(in.ok());
  });
  property("notices", 200, [] {
    auto notices = any_list<commit::Notice>(0, 5, [] {
      commit::Notice notice;
      notice.kind = static_cast<commit::Notice::Kind>(*rc::gen::inRange(0, 9));
      notice.transaction = any_transaction(), notice.sites = *rc::gen::arbitrary<std::uint64_t>();
      notice.voters = *rc::gen::arbitrary<std::uint64_t>(), notice.phase = commit::Phase::pre_aborted;
      notice.number = {any_version(), any_number<ShardId>(0, kShardsMax - 1)};
      return notice;
    });
    const Notices message{3, std::make_shared<const std::vector<commit::Notice>>(std::move(notices))};
    ByteWriter out;
    write_notices(out, message);
    round_trips(out.take(), read_notices, write_notices);
  });
}

TEST_CASE("wire: a deadline is as far away by the reader's clock as by the writer's", "[cluster][wire]") {
  constexpr std::int64_t kHour = 3'600'000'000'000, kMax = std::numeric_limits<std::int64_t>::max();
  struct Row {
    std::int64_t deadline, there, here, read;
  };
  for (const auto& [deadline, there, here, read] :
       {Row{kNow + 5, kNow, kNow + kHour, kNow + kHour + 5}, Row{kNow + 5, kNow, kNow - kHour, kNow - kHour + 5},
        Row{kNow - 7, kNow, kNow + kHour, kNow + kHour - 7}, Row{0, kNow, kNow + kHour, 0},
        Row{kMax, kNow, kNow + kHour, kMax}, Row{kNow, -kMax, kNow, kMax}}) {
    CAPTURE(deadline, there, here);
    Submission submission;
    submission.bundle.transactions = {TransactionHead{1, deadline, {}}};
    submission.bundle.work.resize(kShards);
    ByteWriter out;
    write_submission(out, submission, there);
    ByteReader in(out.view());
    CHECK(read_submission(in, kShards, here)->bundle.transactions.front().deadline_ns == read);
    Amend::List list;
    list.requests = {Request{IdempotencyKey::unchecked("k"), Cancel{OrderId{0, 1, 1}}, deadline, {}}};
    ByteWriter amend;
    write_amend(amend, list, there);
    ByteReader amended(amend.view());
    CHECK(read_amend(amended, 0, here)->requests.front().deadline_ns == read);
    CHECK(amended.ok());
  }
}

TEST_CASE("wire: amendments and outcomes", "[cluster][wire]") {
  property("amendments", 200, [] {
    Amend::List list;
    const auto to = any_number<ShardId>(0, kShardsMax - 1);
    list.requests = any_list<Request>(1, 4, [to] {
      OrderId order = any_transaction();
      order.shard = to;
      return Request{any_name<IdempotencyKey>(), Refund{order, any_order_lines(), true}, 5,
                     *rc::gen::elementOf(commit::kProtocols)};
    });
    ByteWriter out;
    write_amend(out, list, kNow);
    round_trips(
        out.take(), [to](ByteReader& in) { return read_amend(in, to, kNow); },
        [](ByteWriter& again, const auto& value) { write_amend(again, *value, kNow); });
  });
  property("outcomes", 200, [] {
    const auto outcomes = any_list<Outcome>(1, 5, [] {
      return Outcome{any_version(), Verdict::aborted, *rc::gen::arbitrary<bool>(), any_transaction(), any_error()};
    });
    ByteWriter out;
    write_outcomes(out, outcomes);
    round_trips(out.take(), read_outcomes,
                [](ByteWriter& again, const std::vector<Outcome>& value) { write_outcomes(again, value); });
  });
}

TEST_CASE("wire: lists are longer than what is stored together", "[cluster][wire]") {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, kRowsPerBlock, kRowsPerBlock + 1, kListedMax}) {
    CAPTURE(count);
    AccountPage accounts{{}, true};
    ProductPage products{{}, true};
    for (std::size_t i = 0; i < count; ++i) {
      accounts.accounts.emplace_back().id = AccountId::unchecked("account-" + std::to_string(i));
      products.products.emplace_back().sku = Sku::unchecked("sku-" + std::to_string(i));
    }
    ByteWriter accounts_out, products_out, prices_out;
    write_answer(accounts_out, Result<AccountPage>(accounts));
    write_answer(products_out, Result<ProductPage>(products));
    write_products(prices_out, products.products);
    ByteReader accounts_in(accounts_out.view()), products_in(products_out.view()), prices_in(prices_out.view());
    const auto accounts_read = read_answer<AccountPage>(accounts_in);
    const auto products_read = read_answer<ProductPage>(products_in);
    REQUIRE(accounts_read);
    REQUIRE(products_read);
    CHECK(accounts_read->accounts.size() == count);
    CHECK(products_read->products.size() == count);
    CHECK((accounts_read->more && products_read->more));
    CHECK(read_products(prices_in).size() == count);
    CHECK(prices_in.ok());
    if (count > 0) CHECK(accounts_read->accounts.back().id == accounts.accounts.back().id);
  }
}

TEST_CASE("wire: every operation is told as it was enrolled, with its times", "[cluster][wire]") {
  const auto kind = static_cast<OperationKind>(GENERATE(range(0, static_cast<int>(kOperationKinds))));
  property("of a transaction and of an event: " + std::string(to_string(kind)), 50, [=] {
    const TransactionRecord record{any_transaction(), Verdict::committed, any_name<IdempotencyKey>(), any_time(),
                                   any_enrolled(kind)};
    ByteWriter out;
    write_answer(out, Result<TransactionRecord>(record));
    ByteReader in(out.view());
    const auto told = read_answer<TransactionRecord>(in);
    RC_ASSERT(static_cast<bool>(told));
    RC_ASSERT(same(*told, record));
    EventPage page;
    page.events.push_back({7, record, {}, {}});
    ByteWriter page_out;
    write_answer(page_out, Result<EventPage>(page));
    ByteReader page_in(page_out.view());
    const auto page_told = read_answer<EventPage>(page_in);
    RC_ASSERT(static_cast<bool>(page_told));
    RC_ASSERT(page_told->events.size() == 1u);
    RC_ASSERT(same(page_told->events.front().record, record));
  });
}

TEST_CASE("wire: reads and their answers", "[cluster][wire]") {
  property("transaction", 200, [] {
    EventPage page;
    page.events = any_list<Event>(0, 3, [] {
      Event event{7, {any_transaction(), Verdict::committed, any_name<IdempotencyKey>(), 5, any_checkout()}, {}, {}};
      event.payments = any_list<PaymentDemand>(0, 3, any_payment);
      event.stocks = any_list<StockDemand>(0, 3, any_stock);
      return event;
    });
    page.reached = 9, page.newest = 12, page.more = true, page.held_up = *rc::gen::arbitrary<bool>();
    ByteWriter out;
    write_answer(out, Result<EventPage>(page));
    ByteReader in(out.view());
    const auto answer = read_answer<EventPage>(in);
    RC_ASSERT(static_cast<bool>(answer));
    RC_ASSERT(answer->events.size() == page.events.size() && answer->reached == 9 && answer->more);
    RC_ASSERT(answer->newest == 12 && answer->held_up == page.held_up);
    for (std::size_t i = 0; i < page.events.size(); ++i) {
      const Event &told = answer->events[i], &event = page.events[i];
      RC_ASSERT(fingerprint(told.record.operation) == fingerprint(event.record.operation));
      RC_ASSERT(told.payments.size() == event.payments.size() && told.stocks.size() == event.stocks.size());
      for (std::size_t n = 0; n < event.payments.size(); ++n)
        RC_ASSERT(told.payments[n].account == event.payments[n].account &&
                  told.payments[n].amount == event.payments[n].amount);
      for (std::size_t n = 0; n < event.stocks.size(); ++n)
        RC_ASSERT(told.stocks[n].sku == event.stocks[n].sku && told.stocks[n].amount == event.stocks[n].amount);
    }
  });
  property("a refusal", 50, [] {
    ByteWriter out;
    write_answer(out, Result<Account>(Error{Errc::unknown_account, "account"}));
    ByteReader in(out.view());
    RC_ASSERT(read_answer<Account>(in).code() == Errc::unknown_account);
    ByteReader nothing("");
    RC_ASSERT(read_answer<Account>(nothing).code() == Errc::io_error);
  });
}

TEST_CASE("wire: what points outside is refused", "[cluster][wire]") {
  auto submission = std::make_shared<Submission>();
  submission->bundle.transactions.resize(1);
  submission->bundle.work.resize(kShards);
  submission->bundle.work[2].payment.items.push_back({7, 0, 0});  // There is no transaction 7.
  ByteWriter out;
  write_submission(out, *submission, kNow);
  ByteReader in(out.view());
  read_submission(in, kShards, kNow);
  CHECK_FALSE(in.ok());

  submission->bundle.work[2].payment.items.clear();
  submission->bundle.transactions[0].sites = 1u << kShards;  // Nor such a shard.
  ByteWriter beyond;
  write_submission(beyond, *submission, kNow);
  ByteReader shard(beyond.view());
  read_submission(shard, kShards, kNow);
  CHECK_FALSE(shard.ok());

  ByteWriter kind;
  kind.fixed(ShardId{0}), kind.fixed(std::uint8_t{99}), kind.varint(0), kind.sized("");
  ByteReader unlisted(kind.view());
  read_envelope(unlisted);
  CHECK_FALSE(unlisted.ok());
}

TEST_CASE("wire: notices that speak of shards that are not there are told from others", "[cluster][wire]") {
  const auto within = [](TransactionId transaction, std::uint64_t sites, std::uint64_t voters, std::uint16_t shards) {
    commit::Notice notice;
    notice.transaction = transaction, notice.sites = sites, notice.voters = voters;
    ByteWriter out;
    write_notices(out, {0, std::make_shared<const std::vector<commit::Notice>>(2, notice)});
    ByteReader in(out.view());
    const Notices read = read_notices(in);
    REQUIRE(in.ok());
    return stays_within(read, shards);
  };
  constexpr std::uint64_t kAll = (1u << kShards) - 1, kBeyond = 1u << kShards;
  CHECK(within({kShards - 1, 1, 1}, kAll, kAll, kShards));
  CHECK_FALSE(within({kShards, 1, 1}, kAll, kAll, kShards));
  CHECK_FALSE(within({0, 1, 1}, kAll | kBeyond, kAll, kShards));
  CHECK_FALSE(within({0, 1, 1}, kAll, kAll | kBeyond, kShards));
  CHECK(within({kShardsMax - 1, 1, 1}, ~std::uint64_t{0}, ~std::uint64_t{0}, kShardsMax));
}

TEST_CASE("wire: what amends no order of the shard that it is for is refused", "[cluster][wire]") {
  constexpr ShardId kTo = 2;
  const auto reads = [](const Operation& operation, std::size_t times = 1) {
    Amend::List list;
    list.requests.assign(times, Request{IdempotencyKey::unchecked("k"), operation, 0, {}});
    ByteWriter out;
    write_amend(out, list, kNow);
    ByteReader in(out.view());
    read_amend(in, kTo, kNow);
    return in.ok();
  };
  CHECK(reads(Cancel{OrderId{kTo, 1, 1}}));
  CHECK_FALSE(reads(Cancel{OrderId{kTo + 1, 1, 1}}));
  CHECK_FALSE(reads(ReceiveStock{{{Sku::unchecked("s"), 1}}}));
  CHECK_FALSE(reads(Transfer{}));
  CHECK(reads(Cancel{OrderId{kTo, 1, 1}}, kSubmitRequestsMax));
  CHECK_FALSE(reads(Cancel{OrderId{kTo, 1, 1}}, kSubmitRequestsMax + 1));
}

TEST_CASE("wire: a batch has transactions, and so has each of its parts", "[cluster][wire]") {
  const auto part_of = [](std::uint32_t transactions) {
    auto submission = std::make_shared<Submission>();
    submission->bundle.transactions.resize(transactions), submission->bundle.work.resize(kShards);
    return submission;
  };
  const auto reads = [&](const std::vector<std::uint32_t>& parts) {
    Batch batch;
    batch.incarnation = 1, batch.first = 1;
    for (const std::uint32_t transactions : parts) {
      batch.parts.push_back({part_of(transactions), batch.count});
      batch.count += transactions;
    }
    ByteWriter out;
    write_prepare(out, batch, 1);
    ByteReader in(out.view());
    read_prepare(in, 1, kShards);
    return in.ok();
  };
  CHECK(reads({1, 2}));
  CHECK_FALSE(reads({}));
  CHECK_FALSE(reads({0}));
  CHECK_FALSE(reads({1, 0}));

  // Of which such parts would be made.
  ByteWriter out;
  write_submission(out, *part_of(0), kNow);
  ByteReader in(out.view());
  read_submission(in, kShards, kNow);
  CHECK_FALSE(in.ok());
}

}  // namespace kontor::actors::wire

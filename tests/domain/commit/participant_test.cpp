// The participant's side of two-phase commit, the same for each resource. Source of the cases: PROTOCOLS.md, two_phase.
#include "domain/commit/participant.hpp"

#include "domain/inventory.hpp"
#include "domain/ledger.hpp"
#include "domain/order.hpp"
#include "tests/domain/values.hpp"

namespace kontor::commit {
namespace {

using namespace kontor::tests;

TransactionId transaction(std::uint64_t sequence) { return {3, 1, sequence}; }

constexpr auto kFirst = 1, kSecond = 2;

/// What each resource is asked in these tests, and what of it is promised or had.
struct LedgerCase {
  using Resource = Ledger;
  static Ledger make() {
    Ledger ledger;
    ledger.add({account("alice"), kGbp, AccountKind::wallet, 0, 1'000, 0, 0});
    return ledger;
  }
  static PaymentDemand demand(int) { return {account("alice"), PaymentAction::post, AccountKind::wallet, kGbp, -600}; }
  static std::int64_t promised(const Ledger& ledger) { return ledger.find(account("alice"))->held / 600; }
  static std::int64_t had(const Ledger& ledger) { return (1'000 - ledger.find(account("alice"))->balance) / 600; }
  static Errc second_refusal() { return Errc::insufficient_funds; }
};
struct InventoryCase {
  using Resource = Inventory;
  static Inventory make() {
    Inventory inventory;
    Product mug;
    mug.sku = sku("mug");
    mug.on_hand = mug.received = 5;
    inventory.add(mug);
    return inventory;
  }
  static StockDemand demand(int) { return {sku("mug"), StockAction::sell, {}, 0, 3}; }
  static std::int64_t promised(const Inventory& inventory) { return inventory.find(sku("mug"))->held / 3; }
  static std::int64_t had(const Inventory& inventory) { return inventory.find(sku("mug"))->sold / 3; }
  static Errc second_refusal() { return Errc::out_of_stock; }
};
struct OrderCase {
  using Resource = OrderBook;
  static constexpr OrderId kOrder{0, 1, 7};
  static OrderBook make() {
    OrderBook book;
    book.load(kOrder, {1, OrderStatus::placed, {{5, 0, 0}}}, 0);
    return book;
  }
  static OrderDemand demand(int) {
    OrderDemand out;
    out.action = OrderAction::refund;
    out.expected_version = 1;
    out.quantity = 3;
    out.order = kOrder;
    return out;
  }
  static std::int64_t promised(const OrderBook& book) { return book.amending(kOrder) ? 1 : 0; }
  static std::int64_t had(const OrderBook& book) { return book.find(kOrder)->lines[0].refunded / 3; }
  static Errc second_refusal() { return Errc::conflict; }
};

/// A participant with one resource, and the words of the protocol.
template <class Case>
struct Fixture {
  using Resource = typename Case::Resource;
  Participant<Resource> participant;
  Position position = 0;

  Fixture() { participant.resource = Case::make(); }

  Errc vote(std::uint64_t sequence) {
    const std::vector demands{Case::demand(0)};
    const std::span<const typename Resource::Demand> asked(demands);
    if (participant.holds(transaction(sequence))) return Errc::none;  // A repeat: the same answer, nothing changes.
    auto promise = [&] {
      if constexpr (std::is_same_v<Resource, OrderBook>) {
        const Enrolled* earlier = nullptr;
        return participant.decide(transaction(sequence), asked, earlier);
      } else {
        return participant.decide(transaction(sequence), asked);
      }
    }();
    if (!promise) return promise.code();
    if constexpr (std::is_same_v<Resource, OrderBook>) {
      participant.hold(transaction(sequence), std::move(promise->claim), ++position);
    } else {
      participant.hold(transaction(sequence), std::move(*promise), ++position);
    }
    return Errc::none;
  }
  bool settle(std::uint64_t sequence, bool commit, bool early = false) {
    return participant.settle({transaction(sequence), commit}, ++position, early);
  }
  std::int64_t promised() const { return Case::promised(participant.resource); }
  std::int64_t had() const { return Case::had(participant.resource); }
};

}  // namespace

TEMPLATE_TEST_CASE("participant: a promise ends by decision, once", "[domain][commit][participant]", LedgerCase,
                   InventoryCase, OrderCase) {
  Fixture<TestType> f;
  const bool commit = GENERATE(true, false);
  CHECK(f.vote(kFirst) == Errc::none);
  CHECK(f.participant.holds(transaction(kFirst)));
  CHECK(f.participant.open().at(transaction(kFirst)).prepared == 1);
  CHECK(f.promised() == 1);
  CHECK(f.had() == 0);
  CHECK(f.settle(kFirst, commit));
  CHECK(f.promised() == 0);
  CHECK(f.had() == (commit ? 1 : 0));
  CHECK(f.participant.open().empty());
  for (const bool again : {true, false}) CHECK_FALSE(f.settle(kFirst, again));  // Repeated, or even contradicted.
  CHECK(f.promised() == 0);
  CHECK(f.had() == (commit ? 1 : 0));
}

TEMPLATE_TEST_CASE("participant: a repeated prepare promises once", "[domain][commit][participant]", LedgerCase,
                   InventoryCase, OrderCase) {
  Fixture<TestType> f;
  CHECK(f.vote(kFirst) == Errc::none);
  CHECK(f.vote(kFirst) == Errc::none);
  CHECK(f.promised() == 1);
  CHECK(f.participant.open().size() == 1);
}

TEMPLATE_TEST_CASE("participant: a no is forgotten", "[domain][commit][participant]", LedgerCase, InventoryCase,
                   OrderCase) {
  Fixture<TestType> f;
  CHECK(f.vote(kFirst) == Errc::none);
  CHECK(f.vote(kSecond) == TestType::second_refusal());
  CHECK_FALSE(f.participant.holds(transaction(kSecond)));
  CHECK_FALSE(f.settle(kSecond, false));  // The abort that answers a no: not early, so nothing is left behind.
  CHECK(f.participant.tombstones() == 0);
  CHECK(f.settle(kFirst, false));
  CHECK(f.vote(kSecond) == Errc::none);
}

TEMPLATE_TEST_CASE("participant: an abort before its prepare says no to it", "[domain][commit][participant]",
                   LedgerCase, InventoryCase, OrderCase) {
  Fixture<TestType> f;
  CHECK_FALSE(f.settle(kFirst, false, true));
  CHECK_FALSE(f.settle(kFirst, false, true));
  CHECK(f.participant.tombstones() == 1);
  CHECK(f.vote(kFirst) == Errc::transaction_aborted);
  CHECK(f.vote(kFirst) == Errc::transaction_aborted);
  CHECK(f.vote(kSecond) == Errc::none);
  CHECK(f.promised() == 1);
}

TEMPLATE_TEST_CASE("participant: a commit of what is not promised does nothing", "[domain][commit][participant]",
                   LedgerCase, InventoryCase, OrderCase) {
  Fixture<TestType> f;
  const bool early = GENERATE(true, false);
  CHECK_FALSE(f.settle(kFirst, true, early));
  CHECK(f.participant.tombstones() == 0);
  CHECK(f.had() == 0);
  CHECK(f.vote(kFirst) == Errc::none);
}

TEST_CASE("participant: an early abort of what is promised is an abort", "[domain][commit][participant]") {
  Fixture<LedgerCase> f;
  CHECK(f.vote(kFirst) == Errc::none);
  CHECK(f.settle(kFirst, false, true));
  CHECK(f.participant.tombstones() == 0);
  CHECK(f.promised() == 0);
}

TEST_CASE("participant: at most kTombstonesMax aborts are remembered, the newest", "[domain][commit][limits]") {
  Fixture<LedgerCase> f;
  for (std::uint64_t sequence = 1; sequence <= kTombstonesMax; ++sequence) f.settle(sequence, false, true);
  CHECK(f.participant.tombstones() == kTombstonesMax);
  CHECK(f.vote(1) == Errc::transaction_aborted);
  f.settle(kTombstonesMax, false, true);  // A repeat takes no room.
  CHECK(f.vote(1) == Errc::transaction_aborted);
  f.settle(kTombstonesMax + 1, false, true);
  CHECK(f.participant.tombstones() == kTombstonesMax);
  CHECK(f.vote(kTombstonesMax + 1) == Errc::transaction_aborted);
  CHECK(f.vote(2) == Errc::transaction_aborted);
  CHECK(f.vote(1) == Errc::none);  // The oldest is gone; the coordinator still says no when it is asked.
}

TEST_CASE("participant: an abort that is remembered again is the newest", "[domain][commit][limits]") {
  Fixture<LedgerCase> f;
  f.participant.tombstones_max = 3;
  for (const std::uint64_t sequence : {1u, 2u, 3u, 1u, 4u}) f.settle(sequence, false, true);
  CHECK(f.participant.tombstones() == 3);
  CHECK(f.vote(1) == Errc::transaction_aborted);
  CHECK(f.vote(4) == Errc::transaction_aborted);
  for (int i = 0; i < 100; ++i) f.settle(1, false, true);
  CHECK(f.participant.tombstones() == 3);
  CHECK(f.vote(3) == Errc::transaction_aborted);
  CHECK(f.vote(2) == Errc::none);
}

TEST_CASE("participant: replay skips rows that have an event in", "[domain][commit][participant]") {
  Participant<Ledger> participant;
  participant.resource.add({account("alice"), kGbp, AccountKind::wallet, 0, 1'000, 0, 0});
  participant.resource.add({account("bob"), kGbp, AccountKind::wallet, 0, 0, 0, 0});
  const std::vector<PaymentDemand> demands{
      {account("alice"), PaymentAction::post, AccountKind::wallet, kGbp, -600},
      {account("bob"), PaymentAction::post, AccountKind::wallet, kGbp, 600},
  };
  const auto only_bob = [](Ledger::Index row) { return row == 1; };
  participant.hold(transaction(1), std::move(*participant.resource.resolve(demands)), 1, only_bob);
  CHECK(participant.holds(transaction(1)));
  CHECK(participant.resource.find(account("alice"))->held == 0);
  CHECK(participant.resource.find(account("bob"))->incoming == 600);
  CHECK(participant.settle({transaction(1), true}, 2, false, only_bob));
  CHECK(participant.resource.find(account("alice"))->balance == 1'000);
  CHECK(participant.resource.find(account("bob"))->balance == 600);
}

TEST_CASE("participant: what is created is there when it is committed", "[domain][commit][participant]") {
  const bool commit = GENERATE(true, false);
  Participant<Ledger> ledger;
  Participant<Inventory> inventory;
  const std::vector<PaymentDemand> open{{account("eve"), PaymentAction::open_account, AccountKind::wallet, kGbp, 0}};
  const std::vector<StockDemand> define{{sku("fork"), StockAction::define, kGbp, 0, 250}};
  ledger.hold(transaction(1), std::move(*ledger.decide(transaction(1), std::span(open))), 1);
  inventory.hold(transaction(1), std::move(*inventory.decide(transaction(1), std::span(define))), 1);
  CHECK(ledger.resource.find(account("eve")) == nullptr);
  CHECK(ledger.settle({transaction(1), commit}, 2));
  CHECK(inventory.settle({transaction(1), commit}, 2));
  CHECK((ledger.resource.find(account("eve")) != nullptr) == commit);
  CHECK((inventory.resource.find(sku("fork")) != nullptr) == commit);
}

}  // namespace kontor::commit

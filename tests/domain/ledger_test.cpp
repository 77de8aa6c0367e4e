// The payment resource: each demand against each state of an account, and what hold and settle do to it.
#include "domain/ledger.hpp"

#include <limits>

#include "tests/domain/values.hpp"

namespace kontor::tests {
namespace {

constexpr auto kWallet = AccountKind::wallet;
constexpr auto kExternal = AccountKind::external;
constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();

using Demands = std::vector<PaymentDemand>;

PaymentDemand post(std::string_view name, Minor amount, AccountKind kind = kWallet, Currency currency = kGbp) {
  return {account(name), PaymentAction::post, kind, currency, amount};
}
PaymentDemand open(std::string_view name, AccountKind kind = kWallet, Minor limit = 0) {
  return {account(name), PaymentAction::open_account, kind, kGbp, limit};
}

/// Alice owns 10.00, 3.00 of it promised away and 2.00 on their way in; Carol may owe 1.00 and owes 0.50.
Ledger some_accounts() {
  Ledger ledger;
  ledger.add({account("alice"), kGbp, kWallet, 0, 1'000, 300, 200});
  ledger.add({account("carol"), kGbp, kWallet, 100, -50, 0, 0});
  ledger.add({account("bank"), kGbp, kExternal, 0, -950, 0, 0});
  ledger.add({account("rich"), kGbp, kWallet, 0, kBalanceMinorMax - 100, 0, 40});
  ledger.add({account("abyss"), kGbp, kExternal, 0, -kBalanceMinorMax + 100, 40, 0});
  ledger.add({account("zoe"), kEur, kWallet, 0, 1'000, 0, 0});
  return ledger;
}

/// Every figure of an account within what the invariants allow.
void check_sound(const Ledger& ledger) {
  for (Ledger::Index i = 0; i < ledger.rows().size(); ++i) {
    const Account& row = ledger.rows()[i];
    INFO(row.id.view());
    CHECK(row.held >= 0);
    CHECK(row.incoming >= 0);
    CHECK(row.balance + row.incoming <= kBalanceMinorMax);
    CHECK(row.balance - row.held >= (row.kind == kExternal ? -kBalanceMinorMax : -row.credit_limit));
  }
}

void hold(Ledger& ledger, const Ledger::Claim& claim) {
  for (const auto& posting : claim.postings) ledger.hold(posting);
  if (claim.creation) ledger.hold_creation(*claim.creation);
}
void settle(Ledger& ledger, const Ledger::Claim& claim, bool commit) {
  for (const auto& posting : claim.postings) ledger.settle(posting, commit);
  if (claim.creation) ledger.settle_creation(*claim.creation, commit);
}

Ledger::Claim promised(Ledger& ledger, const Demands& demands) {
  auto claim = ledger.decide(demands);
  REQUIRE(claim);
  hold(ledger, *claim);
  check_sound(ledger);
  return std::move(*claim);
}

}  // namespace

TEST_CASE("ledger: each posting against each account, refusals first", "[domain][ledger]") {
  struct Row {
    std::string what;
    PaymentDemand demand;
    Errc code;
    std::int64_t figure = 0;
  };
  constexpr Errc kOk = Errc::none, kOut = Errc::amount_out_of_range, kFunds = Errc::insufficient_funds;
  const auto row = GENERATE(values<Row>({
      {"of nobody", post("nobody", 1), Errc::unknown_account},
      {"of no name", {}, Errc::unknown_account},
      {"in euros", post("alice", 1, kWallet, kEur), Errc::currency_mismatch},
      {"in no currency", post("alice", 1, kWallet, {}), Errc::currency_mismatch},
      {"a wallet as external", post("alice", 1, kExternal), Errc::account_kind},
      {"an external as wallet", post("bank", 1, kWallet), Errc::account_kind},
      {"the currency before the kind", post("bank", 1, kWallet, kEur), Errc::currency_mismatch},
      {"more than one amount can be", post("alice", kAmountMinorMax + 1), kOut},
      {"less than one amount can be", post("bank", -kAmountMinorMax - 1, kExternal), kOut},
      {"the lowest number", post("bank", kLowest, kExternal), kOut},
      {"all that is not promised", post("alice", -700), kOk},
      {"a penny more", post("alice", -701), kFunds, 700},  // What comes in cannot be spent.
      {"nothing", post("alice", 0), kOk},
      {"up to the credit limit", post("carol", -50), kOk},
      {"beyond it", post("carol", -51), kFunds, 50},
      {"as much as there is room for", post("rich", 60), kOk},
      {"a penny more than room", post("rich", 61), kOut},
      {"far more than room", post("rich", kAmountMinorMax), kOut},
      {"to an external", post("bank", kAmountMinorMax, kExternal), kOk},
      {"from an external, without limit", post("bank", -kAmountMinorMax, kExternal), kOk},
      {"from an external, to the end of numbers", post("abyss", -60, kExternal), kOk},
      {"beyond the end of numbers", post("abyss", -61, kExternal), kOut},
  }));
  INFO(row.what);
  Ledger ledger = some_accounts();
  const auto claim = ledger.decide(Demands{row.demand});
  REQUIRE(claim.code() == row.code);
  if (!claim) {
    CHECK(claim.error().figure == row.figure);
    return;
  }
  const bool commit = GENERATE(true, false);
  const Account before = *ledger.find(row.demand.account);
  hold(ledger, *claim);
  check_sound(ledger);
  CHECK(ledger.find(row.demand.account)->balance == before.balance);  // Promised is not had.
  settle(ledger, *claim, commit);
  check_sound(ledger);
  const Account& after = *ledger.find(row.demand.account);
  CHECK(after.balance == before.balance + (commit ? row.demand.amount : 0));
  CHECK(after.held == before.held);
  CHECK(after.incoming == before.incoming);
}

TEST_CASE("ledger: each opening against each state, refusals first", "[domain][ledger]") {
  struct Row {
    std::string what;
    Demands demands;
    Errc code;
  };
  const auto row = GENERATE(values<Row>({
      {"of an account that is there", {open("alice")}, Errc::already_exists},
      {"of one being opened", {open("dave")}, Errc::conflict},
      {"beside a posting", {post("alice", 1), open("eve")}, Errc::invalid_argument},
      {"before a posting", {open("eve"), post("rich", 1)}, Errc::invalid_argument},
      {"of two", {open("eve"), open("fred")}, Errc::invalid_argument},
      {"of one", {open("eve", kWallet, 500)}, Errc::none},
      {"of an external", {open("eve", kExternal)}, Errc::none},
  }));
  INFO(row.what);
  Ledger ledger = some_accounts();
  const auto other = promised(ledger, {open("dave")});
  const auto claim = ledger.decide(row.demands);
  REQUIRE(claim.code() == row.code);
  if (!claim) return;
  hold(ledger, *claim);
  CHECK(ledger.find(account("eve")) == nullptr);
  CHECK(ledger.decide(Demands{post("eve", 1)}).code() == Errc::unknown_account);
  CHECK(ledger.decide(Demands{open("eve")}).code() == Errc::conflict);
  const bool commit = GENERATE(true, false);
  settle(ledger, *claim, commit);
  CHECK(ledger.decide(Demands{open("eve")}).code() == (commit ? Errc::already_exists : Errc::none));
  if (!commit) return;
  const Account* eve = ledger.find(account("eve"));
  REQUIRE(eve);
  CHECK(eve->credit_limit == row.demands[0].amount);
  CHECK(eve->kind == row.demands[0].kind);
  CHECK(eve->balance == 0);
}

TEST_CASE("ledger: a transaction is promised as a whole or not at all", "[domain][ledger]") {
  const Ledger ledger = some_accounts();
  CHECK(ledger.decide(Demands{post("alice", -700), post("carol", 700)}));
  CHECK(ledger.decide(Demands{post("alice", -701), post("carol", 701)}).code() == Errc::insufficient_funds);
  CHECK(ledger.decide(Demands{post("alice", -1), post("nobody", 1)}).code() == Errc::unknown_account);
  CHECK(ledger.decide(Demands{}));  // Nothing asked, nothing to refuse.
}

TEST_CASE("ledger: accounts must be sorted and named once", "[domain][ledger]") {
  const Ledger ledger = some_accounts();
  CHECK(ledger.decide(Demands{post("alice", -1), post("alice", 1)}).code() == Errc::invalid_argument);
  CHECK(ledger.decide(Demands{post("carol", 1), post("alice", -1)}).code() == Errc::invalid_argument);
}

TEST_CASE("ledger: many may hold one account as long as it lasts", "[domain][ledger]") {
  Ledger ledger = some_accounts();
  std::vector<Ledger::Claim> claims;
  for (int i = 0; i < 7; ++i) claims.push_back(promised(ledger, {post("alice", -100)}));
  CHECK(ledger.decide(Demands{post("alice", -1)}).code() == Errc::insufficient_funds);
  settle(ledger, claims[3], false);
  CHECK(ledger.decide(Demands{post("alice", -100)}));
  for (const std::size_t i : {0u, 1u, 2u, 4u, 5u, 6u}) settle(ledger, claims[i], true);
  CHECK(ledger.find(account("alice"))->balance == 400);
  CHECK(ledger.find(account("alice"))->held == 300);
  check_sound(ledger);
}

TEST_CASE("ledger: credits count when they are committed and not before", "[domain][ledger]") {
  Ledger ledger = some_accounts();
  const auto credit = promised(ledger, {post("alice", 500)});
  CHECK(ledger.decide(Demands{post("alice", -701)}).code() == Errc::insufficient_funds);
  settle(ledger, credit, true);
  CHECK(ledger.decide(Demands{post("alice", -1'200)}));
}

TEST_CASE("ledger: room for promised credits is kept", "[domain][ledger]") {
  Ledger ledger = some_accounts();
  const auto credit = promised(ledger, {post("rich", 60)});
  CHECK(ledger.decide(Demands{post("rich", 1)}).code() == Errc::amount_out_of_range);
  settle(ledger, credit, true);
  CHECK(ledger.find(account("rich"))->balance == kBalanceMinorMax - 40);
  CHECK(ledger.decide(Demands{post("rich", 1)}).code() == Errc::amount_out_of_range);
  check_sound(ledger);
}

TEST_CASE("ledger: a claim is described by demands that resolve to it again", "[domain][ledger]") {
  const Demands demands = GENERATE(values<Demands>({
      {},
      {post("alice", -10)},
      {post("alice", -10), post("bank", 25, kExternal), post("carol", -15)},
      {open("eve", kWallet, 70)},
      {open("eve", kExternal)},
  }));
  const Ledger ledger = some_accounts();
  const auto claim = ledger.decide(demands);
  REQUIRE(claim);
  Demands described;
  ledger.describe(*claim, described);
  REQUIRE(described.size() == demands.size());
  for (std::size_t i = 0; i < demands.size(); ++i) {
    CHECK(described[i].account == demands[i].account);
    CHECK(described[i].action == demands[i].action);
    CHECK(described[i].kind == demands[i].kind);
    CHECK(described[i].currency == demands[i].currency);
    CHECK(described[i].amount == demands[i].amount);
  }
  const auto resolved = ledger.resolve(described);
  REQUIRE(resolved);
  REQUIRE(resolved->postings.size() == claim->postings.size());
  for (std::size_t i = 0; i < claim->postings.size(); ++i) {
    CHECK(resolved->postings[i].row == claim->postings[i].row);
    CHECK(resolved->postings[i].amount == claim->postings[i].amount);
  }
  CHECK((resolved->creation == nullptr) == (claim->creation == nullptr));
}

TEST_CASE("ledger: what was promised before resolves even if it would be refused now", "[domain][ledger]") {
  const Ledger ledger = some_accounts();
  CHECK(ledger.resolve(Demands{post("alice", -1'000'000)}));
  CHECK(ledger.resolve(Demands{post("nobody", 1)}).code() == Errc::unknown_account);
}

TEST_CASE("ledger: no more accounts than kAccountsMax, those being opened included", "[domain][ledger][limits]") {
  CHECK(Ledger(kAccountsMax).decide(Demands{open("a")}));
  Ledger ledger(3);
  settle(ledger, promised(ledger, {open("a")}), true);
  settle(ledger, promised(ledger, {open("b")}), true);
  const auto third = promised(ledger, {open("c")});
  CHECK(ledger.decide(Demands{open("d")}).code() == Errc::too_large);
  settle(ledger, third, false);
  settle(ledger, promised(ledger, {open("d")}), true);
  CHECK(ledger.decide(Demands{open("e")}).code() == Errc::too_large);
  CHECK(ledger.decide(Demands{open("d")}).code() == Errc::already_exists);
}

TEST_CASE("ledger: a row that is there is not added again", "[domain][ledger]") {
  Ledger ledger = some_accounts();
  CHECK_FALSE(ledger.add({account("alice"), kEur, kExternal, 0, 0, 0, 0}));
  CHECK(ledger.find(account("alice"))->balance == 1'000);
  CHECK(ledger.rows().size() == 6);
}

}  // namespace kontor::tests

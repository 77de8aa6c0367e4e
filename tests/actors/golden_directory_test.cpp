// A whole directory, made once by the engine with every kind of request, a checkpoint in the middle and a second life:
// copied, audited, opened, read, and asked every request again. A change of format cannot go unnoticed.
#include <fstream>
#include <string>

#include <zlib.h>

#include "actors/engine.hpp"
#include "persistence/audit.hpp"
#include "persistence/directory_lock.hpp"
#include "persistence/verify.hpp"
#include "tests/domain/values.hpp"
#include "tests/persistence/golden_file.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::tests {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;

constexpr const char* kFile = "directory.mdb.gz";
constexpr OrderId kFirstOrder{0, 1, 19}, kSecondOrder{0, 2, 4};

EngineOptions options(const fs::path& dir) {
  EngineOptions out;
  out.dir = dir;
  out.map_bytes = 4u << 20;
  out.reserve_bytes = 256u << 10;
  out.checkpoint_journal_bytes = 0;  // Only when told.
  out.worker_threads = 2;
  return out;
}

Checkout purchase() {
  Checkout out;
  out.customer = account("alice");
  out.currency = kGbp;
  out.payees = {account("shop"), account("potter")};
  out.lines = {{sku("mug"), 2, kCatalogPrice, 2, 0}, {sku("cup"), 3, kCatalogPrice, 0, 1}};
  out.fee = {account("platform"), 250};
  return out;
}

/// What the first life did before its checkpoint, after it, and what the second did.
std::vector<Operation> before_checkpoint() {
  return {OpenAccount{account("bank"), kGbp, AccountKind::external, 0},
          OpenAccount{account("alice"), kGbp, AccountKind::wallet, 10'000},
          OpenAccount{account("shop"), kGbp, AccountKind::wallet, 0},
          OpenAccount{account("potter"), kGbp, AccountKind::wallet, 0},
          OpenAccount{account("platform"), kGbp, AccountKind::wallet, 0},
          Deposit{account("bank"), account("alice"), gbp(10'000)},
          Withdraw{account("alice"), account("bank"), gbp(500)},
          Transfer{account("alice"), account("shop"), gbp(1'000)},
          DefineProduct{sku("mug"), gbp(1'200)},
          DefineProduct{sku("cup"), gbp(800)},
          SetPrice{sku("mug"), gbp(1'250), 1},
          ReceiveStock{{{sku("mug"), 10}, {sku("cup"), 5}}},
          AdjustStock{{{sku("mug"), -1}, {sku("cup"), 2}}}};
}
std::vector<Operation> after_checkpoint() {
  return {Fulfil{kFirstOrder, {{0, 1}}}, Refund{kFirstOrder, {{1, 1}}, true}};
}

/// Numbers of keys and transactions are pinned by the file: each request is sent alone, and waited for.
class Session {
 public:
  explicit Session(Engine& engine, int first_key) : engine_(engine), number_(first_key) {}
  Outcome send(const Operation& operation) {
    return engine_.submit({key("key-" + std::to_string(number_++)), operation, 0}).get();
  }
  void must(const Operation& operation) {
    const Outcome outcome = send(operation);
    INFO(number_ << ": " << to_string(kind_of(operation)) << ": " << outcome.error.code);
    REQUIRE(outcome.verdict == Verdict::committed);
    last = outcome.transaction;
    CHECK(outcome.replayed == expect_replay);
  }
  TransactionId last;
  bool expect_replay = false;

 private:
  Engine& engine_;
  int number_;
};

UnmatchedRefund return_of_a_cup() { return {account("alice"), account("shop"), kGbp, {{sku("cup"), 1, 300}}}; }
Checkout agreed_purchase() { return {account("alice"), kGbp, {account("shop")}, {{sku("mug"), 1, 1'000, 0, 0}}, {}}; }

/// All requests, in their order. The checkouts must get the ids that the others name.
void first_life(Session& session, const std::function<void()>& checkpoint) {
  for (const Operation& operation : before_checkpoint()) session.must(operation);
  for (int i = 0; i < 5; ++i)  // Refused: their numbers are used up and nothing is written of them.
    CHECK(session.send(Withdraw{account("shop"), account("bank"), gbp(99'999)}).error.code == Errc::insufficient_funds);
  session.must(purchase());
  CHECK(session.last == kFirstOrder);
  checkpoint();
  for (const Operation& operation : after_checkpoint()) session.must(operation);
}
void second_life(Session& session) {
  session.must(return_of_a_cup());
  CHECK(session.send(Cancel{kFirstOrder}).error.code == Errc::order_state);
  CHECK(session.send(Transfer{account("platform"), account("shop"), gbp(1'000)}).error.code ==
        Errc::insufficient_funds);
  session.must(agreed_purchase());
  CHECK(session.last == kSecondOrder);
  session.must(Cancel{kSecondOrder});
}

fs::path data_file(const fs::path& dir) { return persistence::shard_dir(dir, 0) / "data.mdb"; }

/// The shard's file, up to the last byte that is not zero: the rest of the file is room that LMDB has not used.
void pack(const fs::path& from, const fs::path& to) {
  std::ifstream in(from, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const std::size_t used = bytes.find_last_not_of('\0') + 1;
  bytes.resize((used + 4'095) / 4'096 * 4'096);
  const gzFile out = gzopen(to.c_str(), "wb9");
  REQUIRE(out);
  CHECK(gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  CHECK(gzclose(out) == Z_OK);
}
void unpack(const fs::path& from, const fs::path& to) {
  fs::create_directories(to.parent_path());
  std::ofstream out(to, std::ios::binary);
  const gzFile in = gzopen(from.c_str(), "rb");
  REQUIRE(in);
  char buffer[65'536];
  for (int size = gzread(in, buffer, sizeof buffer); size > 0; size = gzread(in, buffer, sizeof buffer))
    out.write(buffer, size);
  CHECK(gzclose(in) == Z_OK);
  REQUIRE(out.good());
}

void write_directory() {
  const TempDir dir;
  {
    const auto engine = Engine::open(options(dir.path()));
    REQUIRE(engine);
    Session session(**engine, 0);
    first_life(session, [&] { (*engine)->checkpoint(); });
  }
  {
    const auto engine = Engine::open(options(dir.path()));
    REQUIRE(engine);
    Session session(**engine, 100);
    second_life(session);
  }
  pack(data_file(dir.path()), golden_path(kFile));
}

void check_audit(const fs::path& dir) {
  std::string explanation;
  const auto report = persistence::audit(dir, &explanation);
  INFO(explanation);
  REQUIRE(report);
  for (const std::string& fault : report->faults) UNSCOPED_INFO(fault);
  CHECK(report->clean());
  CHECK(report->shards == 1);
  CHECK(report->accounts == 5);
  CHECK(report->products == 2);
  CHECK(report->orders == 2);
  CHECK(report->transactions == 19);
  CHECK(report->keys == 19);
  CHECK(report->open_transactions == 0);
}

void check_accounts(Engine& engine) {
  const std::pair<const char*, Minor> balances[] = {
      {"bank", -9'500}, {"alice", 4'700}, {"shop", 3'138}, {"potter", 1'560}, {"platform", 102}};
  for (const auto& [name, balance] : balances) {
    INFO(name);
    const auto row = engine.account(account(name)).get();
    REQUIRE(row);
    CHECK(row->balance == balance);
    CHECK(row->held == 0);
    CHECK(row->incoming == 0);
    CHECK(row->credit_limit == (std::string_view(name) == "alice" ? 10'000 : 0));
    CHECK(row->kind == (std::string_view(name) == "bank" ? AccountKind::external : AccountKind::wallet));
  }
  CHECK(engine.account(account("nobody")).get().code() == Errc::unknown_account);
}

void check_products(Engine& engine) {
  const auto mug = engine.product(sku("mug")).get(), cup = engine.product(sku("cup")).get();
  REQUIRE((mug && cup));
  CHECK((mug->price == 1'250 && mug->version == 2 && mug->on_hand == 7 && mug->held == 0));
  CHECK((mug->received == 10 && mug->adjusted == -1 && mug->sold == 3 && mug->returned == 1));
  CHECK((cup->price == 800 && cup->version == 1 && cup->on_hand == 6 && cup->held == 0));
  CHECK((cup->received == 5 && cup->adjusted == 2 && cup->sold == 3 && cup->returned == 2));
}

void check_orders(Engine& engine) {
  const auto first = engine.order(kFirstOrder).get(), second = engine.order(kSecondOrder).get();
  REQUIRE((first && second));
  CHECK(first->progress == OrderProgress{3, OrderStatus::placed, {{2, 0, 1}, {3, 1, 0}}});
  CHECK(first->checkout.lines[0].unit_price == 1'250);
  CHECK(first->checkout.lines[1].unit_price == 800);
  CHECK(first->checkout.fee.basis_points == 250);
  CHECK(second->progress == OrderProgress{2, OrderStatus::cancelled, {{1, 1, 0}}});
  CHECK(engine.order({0, 1, 14}).get().code() == Errc::unknown_order);  // Refused, or no order.
}

}  // namespace

TEST_CASE("golden: a directory made once is audited, opened, and knows every request", "[persistence][golden]") {
  if (may_write_golden(kFile)) write_directory();
  CHECK(fs::file_size(golden_path(kFile)) < 200'000);
  const TempDir dir;
  unpack(golden_path(kFile), data_file(dir.path()));
  std::ofstream(dir.path() / "LOCK").close();
  check_audit(dir.path());
  const auto verified = persistence::verify(dir.path());
  REQUIRE(verified);
  CHECK(verified->sound());
  {
    std::string explanation;
    const auto engine = Engine::open(options(dir.path()), &explanation);
    INFO(explanation);
    REQUIRE(engine);
    check_accounts(**engine);
    check_products(**engine);
    check_orders(**engine);
    Session again(**engine, 0), later(**engine, 100);
    again.expect_replay = later.expect_replay = true;
    first_life(again, [] {});
    second_life(later);
    check_accounts(**engine);  // Nothing happened twice.
    check_products(**engine);
  }
  check_audit(dir.path());
}

}  // namespace kontor::tests

// A truncated or bit-flipped file is detected and named, or the damage lies where nothing is read: never served.
#include <fstream>
#include <map>
#include <random>

#include <fcntl.h>
#include <unistd.h>

#include "actors/engine.hpp"
#include "persistence/verify.hpp"
#include "tests/faults/answered.hpp"
#include "tests/support/engine_fixture.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kFlips = 400;
constexpr std::uint64_t kMapBytes = 64u << 20, kReserveBytes = 1u << 20;

Request request(const std::string& key, Operation operation) {
  return {*IdempotencyKey::parse(key), std::move(operation), 0};
}

/// A small shop with some history: accounts, products, checkouts, a refund, a checkpoint, and more checkouts after it.
void make_shop(const fs::path& dir) {
  EngineOptions options;
  options.dir = dir;
  options.map_bytes = kMapBytes;
  options.reserve_bytes = kReserveBytes;
  auto engine = Engine::open(options);
  REQUIRE(engine);
  const Currency gbp = *parse_currency("GBP");
  const auto id = [](const char* name) { return *AccountId::parse(name); };
  const auto sku = [](int i) { return *Sku::parse("sku-" + std::to_string(i)); };
  const auto submit = [&](const std::string& key, Operation operation) {
    const Outcome outcome = (*engine)->submit(request(key, std::move(operation))).get();
    REQUIRE(outcome.verdict == Verdict::committed);
    return outcome.transaction;
  };
  submit("bank", OpenAccount{id("bank"), gbp, AccountKind::external, 0});
  submit("shop", OpenAccount{id("shop"), gbp, AccountKind::wallet, 0});
  submit("alice", OpenAccount{id("alice"), gbp, AccountKind::wallet, 0});
  submit("fund", Deposit{id("bank"), id("alice"), {1'000'000, gbp}});
  for (int i = 0; i < 5; ++i) {
    submit("define-" + std::to_string(i), DefineProduct{sku(i), {100 + i, gbp}});
    submit("receive-" + std::to_string(i), ReceiveStock{{{sku(i), 1'000}}});
  }
  for (int i = 0; i < 60; ++i) {
    Checkout checkout{id("alice"), gbp, {id("shop")}, {{sku(i % 5), 1}, {sku((i + 1) % 5), 2}}, {}};
    const TransactionId order = submit("buy-" + std::to_string(i), checkout);
    if (i == 30) submit("refund", Refund{order, {}, true});
    if (i == 40) (*engine)->checkpoint();
  }
  (*engine)->close();
}

/// All that the directory says, or why it says nothing.
std::string contents(const fs::path& dir) {
  std::string why;
  const auto set = persistence::ShardSet::open(dir, &why);
  if (!set) {
    CHECK((set.code() == Errc::corrupt_journal || set.code() == Errc::incompatible_format ||
           set.code() == Errc::io_error));
    CHECK(why.find("shard-00") != std::string::npos);
    return "refused";
  }
  const auto report = persistence::audit(dir, &why);
  if (!report) return "refused";
  std::string out = "clean " + std::to_string(report->clean()) + " keys " + std::to_string(report->keys);
  for (const auto& shard : set->shards) {
    const auto& accounts = shard.state.payment.resource.rows();
    for (Ledger::Index i = 0; i < accounts.size(); ++i)
      out += ' ' + accounts[i].id.str() + '=' + std::to_string(accounts[i].balance);
    const auto& products = shard.state.inventory.resource.rows();
    for (Inventory::Index i = 0; i < products.size(); ++i)
      out += ' ' + products[i].sku.str() + '=' + std::to_string(products[i].on_hand);
  }
  return out;
}

void flip(const fs::path& file, std::uint64_t bit) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(bit / 8));
  const int byte = stream.get();
  stream.seekp(static_cast<std::streamoff>(bit / 8));
  stream.put(static_cast<char>(byte ^ (1 << (bit % 8))));
}

/// Bytes that were ever written: the file is longer, room is reserved ahead.
std::uint64_t used_bytes(const fs::path& dir) {
  const auto store = persistence::Store::open({persistence::shard_dir(dir, 0), kMapBytes, true});
  REQUIRE(store);
  return (*store)->space().used_bytes;
}

}  // namespace

TEST_CASE("journal: a flipped bit anywhere is named or harmless", "[faults]") {
  const TempDir temp;
  const fs::path good = temp.path() / "good", bad = temp.path() / "bad";
  make_shop(good);
  const std::string expected = contents(good);
  REQUIRE(expected.starts_with("clean 1"));
  const std::uint64_t bits = used_bytes(good) * 8;
  fs::resize_file(persistence::shard_dir(good, 0) / "data.mdb", bits / 8);  // Cheaper to copy.
  REQUIRE(contents(good) == expected);

  std::mt19937_64 random(7);
  int refused = 0;
  for (int i = 0; i < kFlips; ++i) {
    fs::remove_all(bad);
    fs::copy(good, bad, fs::copy_options::recursive);
    const std::uint64_t bit = random() % bits;
    flip(persistence::shard_dir(bad, 0) / "data.mdb", bit);
    CAPTURE(bit / 8, bit % 8);
    const std::string found = contents(bad);
    // Damage to what is read only when somebody asks for it, such as an old order, is named by the auditor.
    if (found == "refused" || found.starts_with("clean 0")) {
      ++refused;
      const auto verified = persistence::verify(bad);
      CHECK((!verified || !verified->sound()));
      std::string why;
      EngineOptions options;
      options.dir = bad;
      options.map_bytes = kMapBytes;
      options.reserve_bytes = kReserveBytes;
      if (auto engine = Engine::open(options, &why)) (*engine)->close();  // Archive damage shows when it is read.
    } else {
      CHECK(found == expected);
    }
  }
  CHECK(refused > kFlips / 10);  // Much of the file is in use.
}

TEST_CASE("journal: a file that lost a page in use is named", "[faults]") {
  const TempDir temp;
  const fs::path good = temp.path() / "good", bad = temp.path() / "bad";
  make_shop(good);
  const std::string expected = contents(good);
  const std::uint64_t bytes = used_bytes(good);
  for (const std::uint64_t kept :
       {bytes - 1, bytes - 4096, bytes / 2, std::uint64_t{8192}, std::uint64_t{4096}, std::uint64_t{100}}) {
    CAPTURE(bytes, kept);
    fs::remove_all(bad);
    fs::copy(good, bad, fs::copy_options::recursive);
    fs::resize_file(persistence::shard_dir(bad, 0) / "data.mdb", kept);
    std::string why;
    EngineOptions options;
    options.dir = bad;
    if (contents(bad) == expected) {  // Only pages that were given back are gone: nothing is lost.
      CHECK(kept > bytes / 2);
      continue;
    }
    const auto engine = Engine::open(options, &why);
    REQUIRE_FALSE(engine);
    CHECK(engine.code() == Errc::corrupt_journal);
    CHECK(why.find("data.mdb") != std::string::npos);
  }
}

}  // namespace kontor::testing

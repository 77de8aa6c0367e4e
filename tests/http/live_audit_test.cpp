// The audit of a running engine: clean while it works, and every planted fault is named.
#include "cmd/kontor/serve/live_audit.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "cmd/kontor/serve/audit_rules.hpp"
#include "persistence/store.hpp"
#include "persistence/table_codec.hpp"
#include "tests/http/served_shop.hpp"
#include "tests/support/engine_fixture.hpp"
#include "tests/support/random_operations.hpp"

namespace kontor::testing {
namespace {

using namespace cmd::serve;
namespace persisted = persistence::views;
using persisted::AccountView;
using persisted::ProductView;

LiveAuditReport audited(Shop& shop) {
  ViewsOptions options;
  options.dir = shop.dir() / "views";
  Views views(shop.engine(), options);
  std::atomic<bool> cancelled{false};
  AuditProgress progress;
  const auto report = LiveAudit(shop.engine(), views, cancelled, progress).run();
  CAPTURE(to_string(report.code()));
  REQUIRE(report);
  CHECK(progress.checked >= report->entries + report->accounts + report->products);
  return *report;
}

/// A closed shop of two shards or one, with orders, refunds and a checkpoint.
void trade(Shop& shop) {
  for (const Operation& operation : opening_day()) shop.done(operation);
  for (const Operation& operation : opening_stock()) shop.done(operation);
  for (int i = 0; i < 4; ++i) {
    const OrderId order = shop.buy("w0", "w2", "s0");
    if (i == 0) shop.done(Refund{order, {}, true});
    if (i == 1) shop.done(Cancel{order});
  }
  shop.done(Transfer{acc("w0"), acc("w1"), gbp(5)});
}

/// Changes a stored row of a closed shop of one shard as no transaction would, checksums and all.
template <class Row, class Change>
void tamper(Shop& shop, persistence::Table table, persistence::RecordKind kind, const Change& change) {
  shop.checkpoint();
  shop.close();
  auto store = persistence::Store::open({shop.dir() / "shard-00"});
  REQUIRE(store);
  std::vector<Row> rows;
  persistence::AsOf as_of;
  {
    const persistence::Store::Reader reader(**store);
    const auto record = reader.get(table, persistence::block_key(0));
    REQUIRE(record);
    const auto read = persistence::read_block(record->payload, rows);
    REQUIRE(read);
    as_of = *read;
  }
  change(rows);
  persistence::RecordHeader header;
  header.kind = kind;
  const std::string block = persistence::write_block(as_of, std::span<const Row>(rows));
  persistence::Store::Writer writer(**store);
  REQUIRE(writer.put(table, persistence::block_key(0), header, block));
  REQUIRE(writer.commit());
}

template <class Change>
void tamper_account(Shop& shop, const char* name, const Change& change) {
  tamper<Account>(shop, persistence::Table::accounts, persistence::RecordKind::account_block, [&](auto& rows) {
    for (Account& row : rows)
      if (row.id == acc(name)) change(row);
  });
}
template <class Change>
void tamper_product(Shop& shop, const char* name, const Change& change) {
  tamper<Product>(shop, persistence::Table::products, persistence::RecordKind::product_block, [&](auto& rows) {
    for (Product& row : rows)
      if (row.sku == sku(name)) change(row);
  });
}

/// Changes a row of the views.
void tamper_views(Shop& shop, persisted::ViewTable table, const std::string& from,
                  const std::function<std::string(std::string_view)>& change) {
  using persisted::ViewTransaction;
  shop.close();
  auto env = persisted::ViewEnv::open(shop.dir() / "views", kMapBytesDefault);
  REQUIRE(env);
  ViewTransaction write(**env, ViewTransaction::Kind::writes);
  std::string key, value;
  REQUIRE(write.walk(table, from, ViewTransaction::Way::onwards, [&](std::string_view k, std::string_view v) {
    key = k, value = change(v);
    return false;
  }));
  write.put(table, key, value);
  REQUIRE(write.commit());
}

bool names(const LiveAuditReport& report, const std::string& what) {
  return std::any_of(report.faults.begin(), report.faults.end(),
                     [&](const std::string& fault) { return fault.find(what) != std::string::npos; });
}

}  // namespace

TEST_CASE("live audit: an engine that works is clean", "[http][audit]") {
  Shop shop(GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  for (const Operation& operation : opening_day()) shop.done(operation);
  for (const char* name : {"w0", "w1"}) shop.done(Deposit{acc("bank"), acc(name), gbp(1'000'000)});
  shop.done(ReceiveStock{{{sku("s0"), 1'000'000}, {sku("s1"), 1'000'000}}});
  ViewsOptions options;
  options.dir = shop.dir() / "views";
  Views views(shop.engine(), options);
  std::atomic<bool> over{false};
  std::vector<std::thread> buyers;
  for (int b = 0; b < 2; ++b)
    buyers.emplace_back([&, b] {
      Engine& engine = shop.engine();
      for (int i = 0; !over; ++i) {
        const auto key = *IdempotencyKey::parse("b" + std::to_string(b) + "-" + std::to_string(i));
        const Operation what = i % 5 == 0 ? Operation(AdjustStock{{{sku("s1"), i % 2 == 0 ? 3 : -2}}})
                                          : Operation(purchase(b == 0 ? "w0" : "w1", "w2", {{sku("s0"), 1}}));
        engine.submit(Request{key, what, 0, {}}).get();
      }
    });
  std::atomic<bool> cancelled{false};
  std::uint64_t entries = 0;
  for (int i = 0; i < 10; ++i) {
    const std::uint64_t committed = shop.engine().counters().committed;
    REQUIRE(eventually([&] { return shop.engine().counters().committed > committed + 5; }));
    AuditProgress progress;
    const auto report = LiveAudit(shop.engine(), views, cancelled, progress).run();
    REQUIRE(report);
    for (const std::string& fault : report->faults) FAIL_CHECK(fault);
    CHECK(report->clean());
    CHECK(report->accounts == 6);
    CHECK(report->products == 3);
    CHECK(report->entries > entries);
    entries = report->entries;
  }
  over = true;
  for (std::thread& buyer : buyers) buyer.join();
  AuditProgress progress;
  const auto still = LiveAudit(shop.engine(), views, cancelled, progress).run();
  REQUIRE(still);
  CHECK(still->clean());
  CHECK(still->in_motion == 0);
  CHECK(still->events == shop.engine().counters().committed);
}

TEST_CASE("live audit: a row that no transaction made so is named", "[http][audit]") {
  Shop shop;
  trade(shop);
  CHECK(audited(shop).clean());
  SECTION("a balance") {
    tamper_account(shop, "w1", [](Account& row) { row.balance += 1; });
    const auto report = audited(shop);
    CHECK(report.faults == std::vector<std::string>{"account w1: balance is 306, its entries add up to 305"});
    CHECK(report.faults_total == 1);
  }
  SECTION("a balance below its limit") {
    tamper_account(shop, "w1", [](Account& row) { row.balance = -31; });
    CHECK(names(audited(shop), "account w1: balance -31 with 0 held is below its limit"));
  }
  SECTION("stock that was sold and is there") {
    tamper_product(shop, "s0", [](Product& row) { row.on_hand += 1; });
    CHECK(names(audited(shop), "sku s0: received + adjusted + returned is not on hand + sold"));
  }
  SECTION("stock that came from nowhere") {
    tamper_product(shop, "s0", [](Product& row) { row.on_hand += 1, row.received += 1; });
    CHECK(names(audited(shop), "sku s0: received 21, adjusted 0, sold 4, returned 2; the log adds up to received 20"));
  }
  SECTION("units that stay held") {
    tamper_product(shop, "s0", [](Product& row) { row.held = row.on_hand + 1; });
    CHECK(names(audited(shop), "sku s0: held and reserved are not between 0 and on hand"));
  }
  SECTION("an account that nobody opened") {
    tamper<Account>(shop, persistence::Table::accounts, persistence::RecordKind::account_block, [](auto& rows) {
      Account more = rows.back();
      more.id = acc("phantom"), more.balance = 0;
      rows.push_back(more);
    });
    CHECK(audited(shop).faults == std::vector<std::string>{"account phantom: no committed request opened it"});
  }
  SECTION("a product that is gone") {
    tamper<Product>(shop, persistence::Table::products, persistence::RecordKind::product_block,
                    [](auto& rows) { rows.pop_back(); });
    CHECK(audited(shop).faults == std::vector<std::string>{"sku s2: is in committed requests but missing"});
  }
}

TEST_CASE("live audit: a log that does not add up is named", "[http][audit]") {
  Shop shop;
  trade(shop);
  CHECK(audited(shop).clean());
  using persisted::ViewTable;
  SECTION("an entry") {
    tamper_views(shop, ViewTable::rows, persisted::list_prefix(persisted::ListKind::entries, 1), [](auto value) {
      auto entry = *persisted::read_entry(value);
      entry.amount += 1;
      return persisted::write_entry(entry);
    });
    const auto report = audited(shop);
    CHECK(names(report, "with a balance that does not follow from those before"));
    CHECK(names(report, "add up to"));
  }
  SECTION("a balance, and with it the currency") {
    tamper_views(shop, ViewTable::accounts, "w0", [](auto value) {
      auto account = *persisted::read_account(value);
      account.balance += 1;
      return persisted::write_account(account);
    });
    const auto report = audited(shop);
    CHECK(names(report, "currency GBP: balances sum to 1, not 0"));
    CHECK(names(report, "account w0: balance is"));
  }
  SECTION("postings of one request") {
    tamper_views(shop, ViewTable::meta, persisted::head_key(), [](auto value) {
      auto head = *persisted::read_head(value);
      head.unbalanced = 2;
      return persisted::write_head(head);
    });
    CHECK(audited(shop).faults == std::vector<std::string>{"log: 2 request(s) whose postings do not sum to zero"});
  }
}

TEST_CASE("accounts: a shard's come in pages, in the order in which they were opened", "[http][audit][limits]") {
  Shop shop;
  const std::vector<std::string> names{"bank", "a", "c", "b"};
  shop.external("bank");
  for (const char* name : {"a", "c", "b"}) shop.wallet(name);
  const auto page = [&](ShardId shard, std::optional<AccountId> from, std::size_t most) {
    std::promise<Result<AccountPage>> told;
    shop.engine().accounts(shard, from, most, [&](const Result<AccountPage>& read) { told.set_value(read); });
    return told.get_future().get();
  };
  std::vector<std::string> walked;
  for (std::optional<AccountId> from;;) {
    const auto read = page(0, from, 1);
    REQUIRE(read);
    REQUIRE(read->accounts.size() == 1);
    walked.push_back(read->accounts.front().id.str());
    if (!read->more) break;
    from = read->accounts.front().id;
  }
  CHECK(walked == names);
  CHECK(page(0, acc("b"), kListedMax)->accounts.empty());
  CHECK(page(0, acc("nobody"), 1).code() == Errc::unknown_account);
  CHECK(page(1, {}, 1).code() == Errc::invalid_argument);
  CHECK(page(0, {}, 0).code() == Errc::invalid_argument);
  CHECK(page(0, {}, kListedMax + 1).code() == Errc::invalid_argument);
}

TEST_CASE("live audit: no more faults are named than may be", "[http][audit][limits]") {
  Shop shop;
  shop.external("bank");
  for (std::size_t i = 0; i < kAuditFaultsMax + 10; ++i) shop.wallet("a" + std::to_string(i));
  tamper<Account>(shop, persistence::Table::accounts, persistence::RecordKind::account_block, [](auto& rows) {
    for (Account& row : rows) row.balance = 7;
  });
  const auto report = audited(shop);
  CHECK(report.faults.size() == kAuditFaultsMax);
  CHECK(report.faults_total == kAuditFaultsMax + 11);
}

TEST_CASE("audit rules: what a row may be between two looks", "[http][audit]") {
  const auto account = [](Minor balance, Minor held, Minor incoming) {
    return Account{acc("a"), kGbp, AccountKind::wallet, 0, balance, held, incoming};
  };
  const auto view = [](Minor balance, std::uint64_t entries) { return AccountView{1, kGbp, balance, entries}; };
  struct Row {
    Account account;
    AccountSpan span;
    Finding want;
  };
  const AccountSpan still{view(10, 1), view(10, 1)}, moved{view(10, 1), view(12, 3), -3, 5};
  for (const Row& row : std::vector<Row>{
           {account(10, 0, 0), still, Finding::exact},
           {account(11, 0, 0), still, Finding::differs},
           {account(11, 1, 0), still, Finding::in_motion},  // A debit is decided and on its way.
           {account(9, 0, 1), still, Finding::in_motion},
           {account(9, 1, 0), still, Finding::differs},
           {account(11, 0, 1), still, Finding::differs},
           {account(10, 0, 0), moved, Finding::in_motion},
           {account(12, 0, 0), moved, Finding::in_motion},
           {account(7, 0, 0), moved, Finding::in_motion},
           {account(15, 0, 0), moved, Finding::in_motion},
           {account(6, 0, 0), moved, Finding::differs},
           {account(16, 0, 0), moved, Finding::differs},
           {account(16, 1, 0), moved, Finding::in_motion},
           {account(10, 0, 0), {{}, {}}, Finding::differs},
           {account(0, 0, 0), {{}, view(0, 0)}, Finding::exact},
       }) {
    CAPTURE(row.account.balance, row.account.held, row.account.incoming, row.span.debits);
    CHECK(judge(row.account, row.span) == row.want);
  }
  AccountSpan euros = still;
  euros.after->currency = kEur;
  CHECK(judge(account(10, 0, 0), euros) == Finding::differs);

  Product product;
  product.received = 5, product.sold = 2, product.on_hand = 3;
  const ProductView same{5, 0, 2, 0}, later{5, 0, 4, 0};
  CHECK(judge(product, ProductSpan{same, same}) == Finding::exact);
  CHECK(judge(product, ProductSpan{same, later}) == Finding::in_motion);
  CHECK(judge(product, ProductSpan{later, later}) == Finding::differs);
  product.held = 2;
  CHECK(judge(product, ProductSpan{later, later}) == Finding::in_motion);
  CHECK(judge(product, ProductSpan{same, std::nullopt}) == Finding::differs);
}

}  // namespace kontor::testing

using namespace kontor::tests;

TEST_CASE("live audit: begun, asked for and remembered over HTTP", "[http][audit]") {
  ServedShop shop;
  shop.open_shop();
  auto client = shop.client();
  const auto begin = [&](const std::string& key) {
    return client.raw("POST /v1/audits HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n" +
                      (key.empty() ? std::string() : "Idempotency-Key: " + key + "\r\n") + "\r\n");
  };
  CHECK(begin("").param() == "Idempotency-Key");
  CHECK(client.post("/v1/audits", "{}", "with a body").status == 400);
  const Answer begun = begin("first");
  REQUIRE(begun.status == 201);
  const std::string path = begun.field("location");
  CHECK(path == "/v1/audits/" + begun.text("id"));
  CHECK(kontor::testing::eventually([&] { return client.get(path).text("status") != "running"; }));
  const Answer done = client.get(path);
  CHECK(done.text("status") == "clean");
  CHECK(done.json().at_pointer("/report/accounts") == 3);
  CHECK(done.json().at_pointer("/report/products") == 1);
  CHECK(begin("first").text("id") == begun.text("id"));  // The same one, once more.
  const Answer other = begin("second");
  CHECK(other.text("id") != begun.text("id"));
  CHECK(client.get(path).code() == "not_found");
  CHECK(client.get("/v1/audits/aud_0").status == 404);
}

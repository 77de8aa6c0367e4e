// Reservations on the engine: set aside, redeemed, released, expired; raced for, reopened, crashed, audited.
#include "persistence/story.hpp"
#include "tests/support/engine_fixture.hpp"
#include "tests/support/stage.hpp"

namespace kontor::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kHour = 3'600'000 * kMs;

Reserve reservation(std::string_view what, Units quantity, std::int64_t expires_in_ns = kHour) {
  return {purchase("alice", "ann", {{sku(what), quantity}}), 0, expires_in_ns};
}

/// Alice with 100.00, a merchant, ten mugs at 12.50 and ten cups at 4.00.
struct Store : Shop {
  explicit Store(std::uint16_t shards) : Shop(shards) {
    wallet("alice", 10'000);
    wallet("ann");
    product("mug", 1'250, 10);
    product("cup", 400, 10);
  }
  OrderStatus status(const OrderId& id) { return order(id).progress.status; }
  bool becomes(const OrderId& id, OrderStatus wanted) {
    return eventually([&] { return status(id) == wanted; });
  }
};

std::uint16_t shards() { return GENERATE(std::uint16_t{1}, std::uint16_t{3}); }

}  // namespace

TEST_CASE("reservations: units are set aside, then paid and sold", "[actors][engine][reservations]") {
  Store store(shards());
  Reserve both = reservation("mug", 3);
  both.checkout.lines.push_back({sku("cup"), 2});
  const OrderId id = store.done(both);
  CHECK(store.product_of("mug").reserved == 3);
  CHECK(store.product_of("mug").available() == 7);
  CHECK(store.balance("alice") == 10'000);
  CHECK(store.status(id) == OrderStatus::reserved);
  CHECK(payment_status(store.order(id).progress) == PaymentStatus::unpaid);
  CHECK(store.engine().counters().reservations == 1);
  CHECK(store.refused(purchase("alice", "ann", {{sku("mug"), 8}})).code == Errc::out_of_stock);
  CHECK(store.refused(Refund{id, {}}).code == Errc::order_state);
  store.survives();
  CHECK(store.engine().counters().reservations == 1);

  store.done(Redeem{id});
  CHECK(store.balance("ann") == 3 * 1'250 + 2 * 400);
  CHECK(store.product_of("mug").sold == 3);
  CHECK(store.product_of("mug").reserved == 0);
  CHECK(store.on_hand("cup") == 8);
  CHECK(store.status(id) == OrderStatus::placed);
  CHECK(eventually([&] { return store.engine().counters().reservations == 0; }));
  CHECK(store.refused(Redeem{id}).code == Errc::order_state);
  CHECK(store.refused(Release{id}).code == Errc::order_state);
  store.survives();
  store.done(Cancel{id});
  CHECK(store.balance("alice") == 10'000);
  store.survives();
}

TEST_CASE("reservations: what is released can be sold again, once", "[actors][engine][reservations]") {
  Store store(shards());
  const OrderId id = store.done(reservation("mug", 10));
  store.survives();
  store.done(Release{id});
  CHECK(store.product_of("mug").available() == 10);
  CHECK(store.status(id) == OrderStatus::released);
  CHECK(store.refused(Release{id}).code == Errc::order_state);
  CHECK(store.refused(Redeem{id}).code == Errc::order_state);
  CHECK(store.product_of("mug").available() == 10);
  store.buy("alice", "ann", "mug", 8);
  store.survives();
}

TEST_CASE("reservations: one is refused what a checkout is refused, and holds nothing then",
          "[actors][engine][reservations]") {
  Store store(shards());
  CHECK(store.refused(reservation("mug", 11)).code == Errc::out_of_stock);
  CHECK(store.refused(reservation("mug", 11)).figure == 10);
  Reserve unknown = reservation("mug", 1);
  unknown.checkout.customer = acc("nobody");
  CHECK(store.refused(unknown).code == Errc::unknown_account);
  unknown = reservation("mug", 1);
  unknown.checkout.lines[0].expected_version = 9;
  CHECK(store.refused(unknown).code == Errc::price_changed);
  CHECK(store.refused(Redeem{{0, 1, 999'999}}).code == Errc::unknown_order);
  CHECK(store.product_of("mug").available() == 10);
  // Who cannot pay keeps it.
  const OrderId dear = store.done(reservation("mug", 10));
  CHECK(store.refused(Redeem{dear}).code == Errc::insufficient_funds);
  CHECK(store.status(dear) == OrderStatus::reserved);
  store.survives();
}

TEST_CASE("reservations: what is late is not redeemed, and given back once", "[actors][engine][reservations]") {
  Store store(shards());
  const Request request = store.request(reservation("mug", 4, 30 * kMs));
  const Outcome made = store.run(request);
  REQUIRE(made.verdict == Verdict::committed);
  std::this_thread::sleep_for(40ms);
  CHECK(store.refused(Redeem{made.transaction}).code == Errc::reservation_expired);
  CHECK(store.becomes(made.transaction, OrderStatus::expired));
  // Nobody was answered that it is over: the product's shard may hear of it after the order's.
  CHECK(eventually([&] { return store.product_of("mug").available() == 10; }));
  CHECK(store.refused(Redeem{made.transaction}).code == Errc::reservation_expired);
  CHECK(store.refused(Release{made.transaction}).code == Errc::order_state);
  CHECK(eventually([&] { return store.engine().counters().expired == 1; }));
  std::this_thread::sleep_for(250ms);  // Two more looks.
  CHECK(store.engine().counters().expired == 1);
  CHECK(store.engine().counters().reservations == 0);
  const Outcome again = store.run(request);
  CHECK(again.replayed);
  CHECK(again.transaction == made.transaction);
  store.survives();
}

TEST_CASE("reservations: who asks again for one with a time gone by hears of it", "[actors][engine][reservations]") {
  Store store(shards());
  const auto now = std::chrono::system_clock::now().time_since_epoch() / 1ns;
  Reserve late = reservation("mug", 1, 0);
  late.expires_at_ns = now + 300 * kMs;
  const Request request = store.request(late);
  const Outcome made = store.run(request);
  REQUIRE(made.verdict == Verdict::committed);
  REQUIRE(store.becomes(made.transaction, OrderStatus::expired));
  CHECK(store.run(request).replayed);
  CHECK(store.refused(late).code == Errc::reservation_expired);
  store.survives();
}

TEST_CASE("reservations: what became late while nobody was there is given back at the next opening",
          "[actors][engine][reservations]") {
  const bool checkpointed = GENERATE(false, true);
  Store store(shards());
  const OrderId late = store.done(reservation("mug", 4, 300 * kMs)), later = store.done(reservation("cup", 4));
  if (checkpointed) store.checkpoint();
  store.close();
  std::this_thread::sleep_for(310ms);
  CHECK(store.becomes(late, OrderStatus::expired));
  CHECK(eventually([&] { return store.product_of("mug").available() == 10; }));
  CHECK(store.status(later) == OrderStatus::reserved);
  CHECK(store.engine().counters().reservations == 1);
  store.survives();
  CHECK(store.engine().counters().expired == 0);  // It happened in an earlier life.
  store.done(Redeem{later});
  store.survives();
}

TEST_CASE("reservations: of who redeems and who releases exactly one wins", "[actors][engine][reservations]") {
  Store store(shards());
  store.done(ReceiveStock{{{sku("cup"), 90}}});
  constexpr std::size_t kRaces = 20;
  std::vector<OrderId> ids;
  for (std::size_t i = 0; i < kRaces; ++i) ids.push_back(store.done(reservation("cup", 1)));
  std::vector<Request> both;
  for (std::size_t i = 0; i < kRaces; ++i) {
    const Request redeem = store.request(Redeem{ids[i]}), release = store.request(Release{ids[i]});
    both.insert(both.end(), {i % 2 == 0 ? redeem : release, i % 2 == 0 ? release : redeem});
  }
  auto outcomes = store.run_all(both);
  // On several shards each may stand in the other's way, and both are told to come again: then one of them is there.
  for (std::size_t i = 0; i < both.size(); ++i)
    while (outcomes[i].verdict == Verdict::aborted && advice(outcomes[i].error.code) == Advice::retry_same_request)
      outcomes[i] = store.run(both[i]);
  Units sold = 0;
  for (std::size_t i = 0; i < kRaces; ++i) {
    const Outcome &first = outcomes[2 * i], &second = outcomes[2 * i + 1];
    CHECK((first.verdict == Verdict::committed) != (second.verdict == Verdict::committed));
    const Errc refusal = first.verdict == Verdict::committed ? second.error.code : first.error.code;
    CHECK(refusal == Errc::order_state);
    const OrderStatus status = store.status(ids[i]);
    CHECK((status == OrderStatus::placed || status == OrderStatus::released));
    sold += status == OrderStatus::placed ? 1 : 0;
  }
  CHECK(store.balance("ann") == sold * 400);
  const Product cup = store.product_of("cup");
  CHECK((cup.reserved == 0 && cup.sold == sold && cup.on_hand == 100 - sold));
  store.survives();
}

TEST_CASE("reservations: many who reserve and buy at once never take more than there is",
          "[actors][engine][reservations]") {
  Store store(shards());
  std::vector<Request> all;
  for (int i = 0; i < 60; ++i)
    all.push_back(store.request(i % 3 == 0 ? Operation(purchase("alice", "ann", {{sku("cup"), 1}}))
                                           : Operation(reservation("cup", 1))));
  const auto outcomes = store.run_all(all);
  std::vector<OrderId> reserved;
  std::size_t committed = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (outcomes[i].verdict != Verdict::committed) {
      CHECK(outcomes[i].error.code == Errc::out_of_stock);
      continue;
    }
    ++committed;
    if (i % 3 != 0) reserved.push_back(outcomes[i].transaction);
  }
  CHECK(committed == 10);
  CHECK(store.product_of("cup").available() == 0);
  for (const OrderId& id : reserved) store.done(Redeem{id});
  CHECK(store.product_of("cup").sold == 10);
  CHECK(store.on_hand("cup") == 0);
  store.survives();
}

TEST_CASE("reservations: explain tells how one ended, and who asked", "[actors][engine][reservations]") {
  Store store(shards());
  const OrderId id = store.done(reservation("mug", 2, 20 * kMs));
  REQUIRE(store.becomes(id, OrderStatus::expired));
  store.close();
  const auto set = persistence::ShardSet::open(store.dir());
  REQUIRE(set);
  const auto story = persistence::tell_story(*set, id);
  REQUIRE(story);
  REQUIRE(story->progress);
  CHECK(story->progress->status == OrderStatus::expired);
  REQUIRE(story->amendments.size() == 1);
  const auto end = persistence::tell_story(*set, story->amendments[0]);
  REQUIRE(end);
  CHECK(end->request->key.str() == "expiry/" + reservation_text(id));
  CHECK(persistence::describe(end->operation->operation)[0] == "release " + reservation_text(id) + ", which expired");
}

// --- The auditor.

namespace {

std::vector<std::string> faults_of(const std::filesystem::path& dir) {
  const auto report = persistence::audit(dir);
  REQUIRE(report);
  return report->faults;
}

void change_meta(const std::filesystem::path& dir, const std::function<bool(persistence::Store::Writer&)>& change) {
  const auto store = persistence::Store::open({persistence::shard_dir(dir, 0), std::uint64_t{1} << 30});
  REQUIRE(store);
  persistence::Store::Writer writer(**store);
  REQUIRE(change(writer));
  REQUIRE(writer.commit());
}

}  // namespace

TEST_CASE("reservations: the auditor finds one that would never expire, or twice", "[actors][engine][reservations]") {
  Store store(1);
  const OrderId open = store.done(reservation("mug", 2)), ended = store.done(reservation("mug", 1));
  store.done(Release{ended});
  store.checkpoint();
  store.close();
  CHECK(faults_of(store.dir()).empty());
  change_meta(store.dir(),
              [&](auto& writer) { return writer.erase(persistence::Table::meta, persistence::reservation_key(open)); });
  CHECK(faults_of(store.dir()) ==
        std::vector<std::string>{"reservation " + reservation_text(open) + ": holds stock and would never expire"});
  change_meta(store.dir(), [&](auto& writer) {
    persistence::RecordHeader header;
    header.kind = persistence::RecordKind::reservation_row;
    const std::string row = persistence::write_reservation_row(1);
    return writer.put(persistence::Table::meta, persistence::reservation_key(open), header, row) &&
           writer.put(persistence::Table::meta, persistence::reservation_key(ended), header, row);
  });
  CHECK(faults_of(store.dir()) == std::vector<std::string>{"1 reservations that ended would expire again"});
}

// --- Turn by turn.

namespace {

/// A shop over three shards with `units` cups.
void open_shop(Stage& stage, Units units) {
  stage.open();
  stage.done("1", OpenAccount{acc("alice"), kGbp});
  stage.done("2", OpenAccount{acc("ann"), kGbp});
  stage.done("3", DefineProduct{sku("cup"), gbp(0)});
  stage.done("4", ReceiveStock{{{sku("cup"), units}}});
}

Reserve free_cup(std::int64_t expires_in_ns) {
  return {purchase("alice", "ann", {{sku("cup"), 1, 0}}), 0, expires_in_ns};
}

}  // namespace

TEST_CASE("reservations: one sweep ends at most kExpiriesMax", "[actors][reservations][limits]") {
  Stage stage(1);
  constexpr std::size_t kAll = kExpiriesMax + 40;
  open_shop(stage, kAll);
  std::vector<Request> requests;
  for (std::size_t i = 0; i < kAll; ++i) requests.push_back({key("r" + std::to_string(i)), free_cup(1'000 * kMs)});
  stage.submit(requests);
  stage.settle();
  CHECK(stage.product("cup")->reserved == static_cast<Units>(kAll));
  CHECK(stage.fabric().shards[0].reservations == kAll);
  stage.tick(1s);
  stage.settle();
  CHECK(stage.fabric().totals.expired == kExpiriesMax);
  stage.tick();
  stage.settle();
  CHECK(stage.fabric().totals.expired == kAll);
  CHECK(stage.product("cup")->available() == static_cast<Units>(kAll));
  CHECK(stage.fabric().shards[0].reservations == 0);
}

TEST_CASE("reservations: a sweep that is lost with its shard is made again", "[actors][reservations][crash]") {
  Stage stage(3);
  open_shop(stage, 5);
  const OrderId id = stage.done("reserve", free_cup(1'000 * kMs));
  // Asked for, planned, perhaps promised; then the lights go out, at each of the turns.
  const int turns = GENERATE(0, 1, 2, 3, 5, 8, 13, 21);
  stage.tick(1s);
  for (int i = 0; i < turns; ++i) stage.step(static_cast<std::size_t>(i));
  stage.commit_all();
  stage.crash();
  stage.open();
  for (int i = 0; i < 60; ++i) {
    stage.tick();
    stage.settle();
  }
  CHECK(stage.order(id)->progress.status == OrderStatus::expired);
  CHECK(stage.order(id)->progress.version == 2);
  CHECK(stage.product("cup")->available() == 5);
  CHECK(stage.product("cup")->reserved == 0);
}

TEST_CASE("reservations: who began in time may be decided late", "[actors][reservations]") {
  Stage stage(3);
  open_shop(stage, 5);
  const OrderId id = stage.done("reserve", free_cup(1'000 * kMs));
  const std::size_t redeem = stage.submit("redeem", Redeem{id});
  stage.puppets().run_of(stage.actors_of(id.shard).order);  // Planned: it has begun.
  stage.now_ns += 5'000 * kMs;
  stage.settle();
  REQUIRE(stage.outcomes.contains(redeem));
  CHECK(stage.outcomes[redeem].verdict == Verdict::committed);
  for (int i = 0; i < 30; ++i) {
    stage.tick();
    stage.settle();
  }
  CHECK(stage.order(id)->progress.status == OrderStatus::placed);
  CHECK(stage.product("cup")->sold == 1);
  CHECK(stage.fabric().totals.expired == 0);
}

}  // namespace kontor::testing

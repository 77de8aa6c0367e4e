// Who may say what, and when: nothing that depends on a record leaves a shard before the record is durable; every
// message may come twice, late, or from a life that is over. On the deterministic scheduler, with journals that commit
// when the test says so.
#include <algorithm>
#include <array>

#include "persistence/audit.hpp"
#include "tests/support/stage.hpp"

namespace kontor::testing {
namespace {

using persistence::RecordKind;
using persistence::Stream;

/// A street with a buyer, a seller and goods, on one shard or on three; the customer's shard is `home`.
struct Street : Stage {
  explicit Street(std::uint16_t shards) : Stage(shards) {
    open();
    home = home_of(acc("alice"), shards);
    for (int i = 0; away_sku.empty(); ++i) {
      const std::string name = "thing-" + std::to_string(i);
      if (shards == 1 || home_of(sku(name), shards) != home) away_sku = name;
    }
    away = home_of(sku(away_sku), shards);
    done("bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
    done("alice", OpenAccount{acc("alice"), kGbp});
    done("shop", OpenAccount{acc("shop"), kGbp});
    done("fund", Deposit{acc("bank"), acc("alice"), gbp(10'000)});
    done("define", DefineProduct{sku(away_sku), gbp(100)});
    done("stock", ReceiveStock{{{sku(away_sku), 10}}});
  }
  /// One unit, whose key lives where the customer does.
  std::size_t buy(const char* name) {
    for (int i = 0;; ++i) {
      const std::string text = std::string(name) + "-" + std::to_string(i);
      if (home_of(key(text), size()) == home) return submit(text, purchase("alice", "shop", {{sku(away_sku), 1}}));
    }
  }
  bool answered(std::size_t number) const { return outcomes.contains(number); }
  /// What this shard's actors hold in its journal that is not durable, of one stream.
  std::size_t undurable(ShardId id, Stream stream) { return journal(id).undurable(stream).size(); }

  ShardId home = 0, away = 0;
  std::string away_sku;
};

}  // namespace

TEST_CASE("durability: one shard answers after one group commit, and not before", "[actors][durability]") {
  Street street(1);
  const std::size_t number = street.buy("mug");
  street.run();
  // Three prepared records and the decision wait together; nobody has heard a thing.
  CHECK(street.undurable(0, Stream::order) == 1);
  CHECK(street.undurable(0, Stream::inventory) == 1);
  CHECK(street.undurable(0, Stream::payment) == 1);
  CHECK(street.journal().undurable(Stream::coordinator) == std::vector{RecordKind::decided});
  CHECK_FALSE(street.answered(number));

  street.journal().commit(3);  // The votes alone prove nothing.
  street.run();
  CHECK_FALSE(street.answered(number));
  street.journal().commit();
  street.run();
  REQUIRE(street.answered(number));
  CHECK(street.outcomes[number].verdict == Verdict::committed);
  CHECK(street.product(street.away_sku)->on_hand == 9);
}

TEST_CASE("durability: a refusal depends on no record, and still its answer waits for its place",
          "[actors][durability]") {
  Street street(1);
  const std::size_t number = street.submit("poor", purchase("shop", "alice", {{sku(street.away_sku), 1}}));
  street.run();
  CHECK_FALSE(street.answered(number));
  street.settle();
  CHECK(street.outcomes.at(number).error.code == Errc::insufficient_funds);
  CHECK(street.product(street.away_sku)->held == 0);
}

TEST_CASE("durability: a site's vote leaves when its promise is durable", "[actors][durability]") {
  Street street(3);
  const std::size_t number = street.buy("mug");
  street.run();
  REQUIRE(street.undurable(street.away, Stream::inventory) == 1);

  for (ShardId id = 0; id < 3; ++id)  // Everybody else's disk works.
    if (id != street.away) street.journal(id).commit();
  street.run();
  for (ShardId id = 0; id < 3; ++id)  // Nobody decided.
    CHECK(street.journal(id).undurable(Stream::coordinator) ==
          std::vector(id == street.away ? 1 : 0, RecordKind::asked));
  CHECK_FALSE(street.answered(number));

  street.journal(street.away).commit();
  street.run();
  CHECK(street.journal(street.home).undurable(Stream::coordinator) == std::vector{RecordKind::decided});
  CHECK_FALSE(street.answered(number));
  street.settle();
  CHECK(street.outcomes.at(number).verdict == Verdict::committed);
}

TEST_CASE("durability: a commit is told to the sites when it is durable, and answered when they have it",
          "[actors][durability]") {
  Street street(3);
  const std::size_t number = street.buy("mug");
  street.run();
  street.commit_all();  // All votes.
  street.run();
  REQUIRE(street.journal(street.home).undurable(Stream::coordinator) == std::vector{RecordKind::decided});
  CHECK(street.undurable(street.away, Stream::coordinator) == 0);  // Nothing learned yet.

  street.journal(street.home).commit();
  street.run();
  CHECK(street.journal(street.away).undurable(Stream::coordinator) == std::vector{RecordKind::learned});
  CHECK_FALSE(street.answered(number));
  street.settle();
  CHECK(street.outcomes.at(number).verdict == Verdict::committed);
  CHECK(street.product(street.away_sku)->on_hand == 9);
}

TEST_CASE("durability: who waits for a silent shard holds the room of nobody else", "[actors][durability][limits]") {
  Street street(3);
  const std::size_t waits = street.buy("mug");
  street.run();
  street.commit_all();
  street.run();
  street.journal(street.home).commit();
  street.run_site(street.home);  // The other shard is told, and does not look.
  const std::size_t held = street.actors_of(street.home).open_bytes;
  CHECK(held > 0);
  for (int i = 0; i < 20; ++i) {
    const std::string name = "own-" + std::to_string(i) + "-";
    const std::size_t own = street.submit(std::string(named_at<IdempotencyKey>(name, street.home, 3).str()),
                                          OpenAccount{named_at<AccountId>(name, street.home, 3), kGbp});
    street.run_site(street.home);
    REQUIRE(street.answered(own));
    CHECK(street.actors_of(street.home).open_bytes == held);
  }
  CHECK_FALSE(street.answered(waits));
  street.settle();
  CHECK(street.outcomes.at(waits).verdict == Verdict::committed);
  CHECK(street.actors_of(street.home).open_bytes == 0);
}

TEST_CASE("durability: a crash before the decision is durable aborts, after it commits", "[actors][durability]") {
  Street street(3);
  const std::size_t number = street.buy("mug");
  street.run();
  street.commit_all();
  street.run();
  REQUIRE(street.undurable(street.home, Stream::coordinator) == 1);
  const bool durable = GENERATE(false, true);
  if (durable) street.journal(street.home).commit();
  street.crash();
  CHECK_FALSE(street.answered(number));
  street.open();
  for (int i = 0; i < 8; ++i) street.tick(std::chrono::seconds(1)), street.settle();  // Those in doubt ask.
  const Product product = *street.product(street.away_sku);
  CHECK(product.on_hand == (durable ? 9 : 10));
  CHECK(product.held == 0);
  CHECK(street.account("alice")->balance == (durable ? 9'900 : 10'000));
  CHECK(street.account("alice")->held == 0);
}

TEST_CASE("durability: a site in doubt promises on, whatever time it is", "[actors][durability]") {
  Street street(3);
  const std::size_t number = street.buy("mug");
  street.run();
  street.journal(street.away).commit();  // The site's yes is out; the home's own disk hangs.
  for (int i = 0; i < 50; ++i) {
    street.tick(std::chrono::hours(1));
    street.run();
    if (street.away != street.home) street.journal(street.away).commit();
  }
  CHECK_FALSE(street.answered(number));
  CHECK(street.undurable(street.away, Stream::coordinator) == 0);  // It learned nothing, and decided nothing.
  street.settle();
  CHECK(street.outcomes.at(number).verdict == Verdict::committed);
  CHECK(street.product(street.away_sku)->held == 0);
}

TEST_CASE("durability: messages that come twice or late change nothing", "[actors][durability]") {
  Street street(3);
  const std::size_t number = street.buy("mug");
  street.settle();
  REQUIRE(street.outcomes.at(number).verdict == Verdict::committed);
  const TransactionId id = street.outcomes[number].transaction;
  const auto state = [&] {
    return std::array{fact(*street.product(street.away_sku)), fact(*street.account("alice")),
                      fact(*street.account("shop"))};
  };
  const auto before = state();
  const auto decided = [&](TransactionId transaction, bool commit) {
    return std::make_shared<const std::vector<commit::Decision>>(std::vector<commit::Decision>{{transaction, commit}});
  };
  const auto transactions = std::make_shared<const std::vector<TransactionId>>(std::vector{id});
  const auto& away = street.actors_of(street.away).coordinator;
  const auto& home = street.actors_of(street.home).coordinator;
  caf::anon_send(away, actors::Decisions{street.home, decided(id, true)});  // Again.
  caf::anon_send(home, actors::Acknowledge{street.away, transactions});     // Again.
  caf::anon_send(home, actors::Inquire{street.away, transactions});         // Late.
  TransactionId other = id;
  other.incarnation += 7;  // Of a life that never was: nothing was prepared for it.
  caf::anon_send(away, actors::Decisions{street.home, decided(other, true)});
  caf::anon_send(away, actors::Decisions{street.home, decided(other, false)});
  street.settle();
  CHECK(state() == before);
  street.close_stores();
  REQUIRE(persistence::DirectoryLock::exclusive(street.dir(), nullptr));  // The mark of an engine.
  const auto report = persistence::audit(street.dir());
  REQUIRE(report);
  CHECK(report->faults_total == 0);
}

TEST_CASE("durability: a new life begins nothing before its beginning is durable", "[actors][durability]") {
  Street street(3);
  street.crash();
  street.open();
  REQUIRE(street.journal(street.home).undurable(Stream::coordinator) == std::vector{RecordKind::opened});
  const std::size_t number = street.buy("mug");
  street.run();
  CHECK(street.undurable(street.away, Stream::inventory) == 0);  // Its ids might be given out twice.
  CHECK(street.undurable(street.home, Stream::order) == 0);
  street.settle();
  CHECK(street.outcomes.at(number).verdict == Verdict::committed);
}

}  // namespace kontor::testing

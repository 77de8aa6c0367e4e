// The read cache against all orders in which reads, commits and answers can meet.
#include "cmd/kontor/serve/read_cache.hpp"

#include <deque>
#include <map>

#include <rapidcheck.h>

#include "tests/support/catch.hpp"
#include "tests/support/property.hpp"

using namespace kontor;
using cmd::serve::ReadCache;

namespace {

using Key = AccountId;
using Cache = ReadCache<Key, std::uint64_t>;
using namespace std::chrono_literals;

Key key_of(unsigned number) { return *Key::parse("k" + std::to_string(number)); }

/// An engine in small: one mailbox, in order; what it read is told at any time later.
class World {
 public:
  static constexpr unsigned kKeys = 3, kClients = 3;

  /// `forgets`: whether the cache hears of commits before callers do.
  explicit World(bool forgets)
      : forgets_(forgets),
        cache_({[this](const Key& key, OnRead<std::uint64_t> then) {
                  mailbox_.push_back([this, key, then = std::move(then)] {
                    read_.emplace_back([then, value = versions_[key.str()]] { then(value); });
                  });
                },
                16,
                1'000ms,
                {},
                [this] { return now_; }}) {}

  void commit(unsigned client, unsigned number) {
    const Key key = key_of(number);
    const std::uint64_t version = ++committed_[key.str()];
    mailbox_.emplace_back([this, key, version] { versions_[key.str()] = version; });
    if (forgets_) cache_.forget(key);
    seen_[{client, number}] = version;  // Its caller is answered.
  }
  void read(unsigned client, unsigned number) {
    const std::uint64_t least = seen_[{client, number}];
    ++asked_;
    cache_.read(key_of(number), [this, client, number, least](const Result<std::uint64_t>& value) {
      ++answered_;
      std::uint64_t& seen = seen_[{client, number}];
      if (*value < least) ++stale_;
      seen = std::max(seen, *value);
    });
  }
  void process() {
    if (mailbox_.empty()) return;
    const auto message = std::move(mailbox_.front());
    mailbox_.pop_front();
    message();
  }
  void tell(unsigned which) {
    if (read_.empty()) return;
    const auto at = read_.begin() + which % static_cast<unsigned>(read_.size());
    const auto told = std::move(*at);
    read_.erase(at);
    told();
  }
  void later(unsigned ms) { now_ += std::chrono::milliseconds(ms); }
  void finish() {
    while (!mailbox_.empty() || !read_.empty()) process(), tell(0);
  }

  std::size_t stale() const { return stale_; }
  bool all_answered() const { return asked_ == answered_; }
  const Cache& cache() const { return cache_; }

 private:
  const bool forgets_;
  Cache::Clock::time_point now_{1h};
  std::map<std::string, std::uint64_t> committed_, versions_;
  std::map<std::pair<unsigned, unsigned>, std::uint64_t> seen_;
  std::deque<std::function<void()>> mailbox_;
  std::vector<std::function<void()>> read_;
  std::size_t stale_ = 0, asked_ = 0, answered_ = 0;
  Cache cache_;
};

void run(World& world, const std::vector<unsigned>& steps) {
  for (const unsigned step : steps) {
    const unsigned client = step / 16 % World::kClients, number = step / 64 % World::kKeys;
    switch (step % 8) {
      case 0: world.commit(client, number); break;
      case 1:
      case 2:
      case 3: world.read(client, number); break;
      case 4:
      case 5: world.process(); break;
      case 6: world.tell(step / 8); break;
      default: world.later(step % 300);
    }
  }
  world.finish();
}

}  // namespace

TEST_CASE("cache: nobody is shown anything older than it was shown or told", "[http][cache][property]") {
  std::uint64_t hits = 0, forgotten = 0;
  tests::property("reads never go back", 400, [&](std::vector<std::uint16_t> any) {
    World world(true);
    std::vector<unsigned> steps(any.begin(), any.end());
    const auto more = *rc::gen::container<std::vector<std::uint16_t>>(200, rc::gen::arbitrary<std::uint16_t>());
    steps.insert(steps.end(), more.begin(), more.end());
    run(world, steps);
    RC_ASSERT(world.stale() == 0U);
    RC_ASSERT(world.all_answered());
    hits += world.cache().counters().hits, forgotten += world.cache().counters().forgotten;
  });
  CHECK(hits > 100);  // Otherwise nothing was held.
  CHECK(forgotten > 100);
}

TEST_CASE("cache: the property would notice a commit that is not forgotten", "[http][cache]") {
  World world(false);
  std::vector<unsigned> steps;
  for (unsigned i = 0; i < 4'000; ++i) steps.push_back(i * 7'919 % 65'521);
  run(world, steps);
  CHECK(world.stale() > 0);
}

TEST_CASE("cache: it is bounded, drops the least used, and keeps nothing for long", "[http][cache][limits]") {
  Cache::Clock::time_point now{1h};
  std::map<std::string, int> reads;
  Cache cache({[&](const Key& key, const OnRead<std::uint64_t>& then) { ++reads[key.str()], then(std::uint64_t{1}); },
               64,
               1'000ms,
               {},
               [&] { return now; }});
  const auto ask = [&](unsigned number) {
    cache.read(key_of(number), [](const Result<std::uint64_t>& v) { CHECK(v); });
  };
  for (unsigned i = 0; i < 1'000; ++i) {
    ask(i);
    ask(0);  // Used all the time.
  }
  CHECK(cache.counters().objects <= 64);
  CHECK(cache.counters().objects > 32);
  CHECK(reads["k0"] == 1);
  CHECK(cache.counters().hits == 1'000);
  now += 999ms;
  ask(0);
  CHECK(reads["k0"] == 1);
  now += 1ms;
  ask(0);
  CHECK(reads["k0"] == 2);
  cache.forget(key_of(0));
  ask(0);
  CHECK(reads["k0"] == 3);
}

TEST_CASE("cache: errors and what is too large are not kept, nothing is read twice at a time", "[http][cache]") {
  std::vector<OnRead<std::uint64_t>> reading;
  Cache cache({[&](const Key&, OnRead<std::uint64_t> then) { reading.push_back(std::move(then)); }, 64, 1'000ms,
               [](const std::uint64_t& value) { return value < 10; }});
  std::vector<std::uint64_t> told;
  const auto ask = [&] {
    cache.read(key_of(1), [&](const Result<std::uint64_t>& value) { told.push_back(value ? *value : 0); });
  };
  const auto answer = [&](std::size_t which, const Result<std::uint64_t>& value) {
    const auto then = reading[which];  // Another may begin meanwhile.
    then(value);
  };
  CHECK(cache.idle());
  ask(), ask();
  CHECK_FALSE(cache.idle());
  REQUIRE(reading.size() == 1);
  cache.forget(key_of(1));
  ask();  // Waits for the next one.
  REQUIRE(reading.size() == 1);
  answer(0, std::uint64_t{1});
  CHECK(told == std::vector<std::uint64_t>{1, 1});
  REQUIRE(reading.size() == 2);
  answer(1, Error{Errc::unknown_account, {}});
  CHECK(told == std::vector<std::uint64_t>{1, 1, 0});
  CHECK(cache.idle());
  ask();
  REQUIRE(reading.size() == 3);
  answer(2, std::uint64_t{10});
  CHECK(cache.idle());
  ask();
  REQUIRE(reading.size() == 4);
  answer(3, std::uint64_t{9});
  ask();
  CHECK(reading.size() == 4);
  CHECK(told.back() == 9);
}

#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/engine.hpp"

namespace kontor::cmd::serve {

/// Objects as they were last read, so that what everybody asks for is not read each time. Any thread.
///
/// Two rules keep a caller from being shown anything older than it was shown or told before:
///  - Reads of one object go one after another. Whoever asks during a read shares it, so that of two answers the later
///    one is never the older.
///  - `forget` comes before anybody is told of a commit. A read that began before it is nobody's but theirs who waited
///    for it then: it is not kept, and whoever asks later waits for the next one.
/// A commit that nobody in this process was told of (an earlier life's, decided now) is seen when an object's time is
/// over.
template <class Key, class Value>
class ReadCache {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    std::function<void(const Key&, OnRead<Value>)> read;  ///< Past the cache.
    std::size_t objects_max = 0;
    std::chrono::milliseconds kept_for{1'000};
    std::function<bool(const Value&)> may_keep;  ///< None: all.
    std::function<Clock::time_point()> now = Clock::now;
  };
  struct Counters {
    std::uint64_t hits = 0, misses = 0, forgotten = 0;
    std::size_t objects = 0;
  };

  explicit ReadCache(Options options) : options_(std::move(options)) {}

  /// `then` is called once, here or on the thread that reads. Errors: those of the read; they are not kept.
  void read(const Key& key, OnRead<Value> then) {
    Stripe& stripe = stripe_of(key);
    std::unique_lock lock(stripe.mutex);
    if (const auto kept = stripe.kept.find(key); kept != stripe.kept.end()) {
      if (options_.now() - kept->second->began < options_.kept_for) {
        ++hits_;
        stripe.order.splice(stripe.order.begin(), stripe.order, kept->second);
        const Result<Value> value = kept->second->value;
        lock.unlock();
        return then(value);
      }
      drop(stripe, kept);
    }
    const auto [at, first] = stripe.reads.try_emplace(key);
    Reading& reading = at->second;
    if (!first) {
      ++(reading.stale ? misses_ : hits_);
      (reading.stale ? reading.next : reading.waiting).push_back(std::move(then));
      return;
    }
    ++misses_;
    ++used_;
    reading.began = options_.now();
    reading.waiting.push_back(std::move(then));
    lock.unlock();
    start(key);
  }

  /// Whoever reads from now on sees what is true now, or later.
  void forget(const Key& key) {
    if (idle()) return;
    Stripe& stripe = stripe_of(key);
    const std::lock_guard lock(stripe.mutex);
    if (const auto kept = stripe.kept.find(key); kept != stripe.kept.end()) {
      ++forgotten_;
      drop(stripe, kept);
    }
    if (const auto reading = stripe.reads.find(key); reading != stripe.reads.end()) reading->second.stale = true;
  }

  /// Nothing is kept and nothing is being read: nobody needs to be told of a commit.
  bool idle() const { return used_ == 0; }
  Counters counters() const { return {hits_, misses_, forgotten_, objects_}; }

 private:
  struct Kept {
    Key key;
    Value value;
    typename Clock::time_point began;
  };
  struct Reading {
    std::vector<OnRead<Value>> waiting;
    std::vector<OnRead<Value>> next;  ///< Asked when it was stale.
    typename Clock::time_point began;
    bool stale = false;  ///< Forgotten since it began.
  };
  struct Hash {
    std::size_t operator()(const Key& key) const { return hash_value(key); }
  };
  struct Stripe {
    std::mutex mutex;
    std::list<Kept> order;  ///< The last used first.
    std::unordered_map<Key, typename std::list<Kept>::iterator, Hash> kept;
    std::unordered_map<Key, Reading, Hash> reads;
  };
  static constexpr std::size_t kStripes = 16;

  Stripe& stripe_of(const Key& key) {
    constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15U;  // The map inside uses the low bits.
    return stripes_[(hash_value(key) * kSpread) >> 60];
  }
  void drop(Stripe& stripe, typename decltype(Stripe::kept)::iterator kept) {
    stripe.order.erase(kept->second);
    stripe.kept.erase(kept);
    --used_, --objects_;
  }
  void start(const Key& key) {
    options_.read(key, [this, key](const Result<Value>& value) { land(key, value); });
  }

  void land(const Key& key, const Result<Value>& value) {
    Stripe& stripe = stripe_of(key);
    std::unique_lock lock(stripe.mutex);
    Reading& reading = stripe.reads.at(key);
    if (!reading.stale && value && (!options_.may_keep || options_.may_keep(*value)))
      keep(stripe, {key, *value, reading.began});
    const auto waiting = std::exchange(reading.waiting, std::exchange(reading.next, {}));
    const bool again = !reading.waiting.empty();
    if (again) {
      reading.stale = false;
      reading.began = options_.now();
    } else {
      stripe.reads.erase(key);
      --used_;
    }
    lock.unlock();
    for (const OnRead<Value>& then : waiting) then(value);
    if (again) start(key);
  }
  void keep(Stripe& stripe, Kept kept) {
    stripe.order.push_front(std::move(kept));
    stripe.kept[stripe.order.front().key] = stripe.order.begin();
    ++used_, ++objects_;
    if (stripe.order.size() > options_.objects_max / kStripes) drop(stripe, stripe.kept.find(stripe.order.back().key));
  }

  const Options options_;
  std::array<Stripe, kStripes> stripes_;
  std::atomic<std::size_t> used_{0};  ///< Kept and being read. In one order with what tells and what reads.
  std::atomic<std::uint64_t> hits_{0}, misses_{0}, forgotten_{0};
  std::atomic<std::size_t> objects_{0};
};

}  // namespace kontor::cmd::serve

#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "persistence/bloom_filter.hpp"

namespace kontor::persistence {

/// The filter over an index's keys, and how it is made anew when much of what it holds is forgotten: a Bloom filter
/// cannot let go of one key. While the next one is made both take in what is new, and only the old one is asked.
class KeyFilter {
 public:
  /// `keys`: the least that it is made for.
  explicit KeyFilter(std::size_t keys) : least_keys_(std::max<std::size_t>(keys, 1)), chain_(least_keys_) {}

  void prefetch(std::uint64_t hash) const { chain_.prefetch(hash); }
  bool maybe(std::uint64_t hash) const { return chain_.maybe(hash); }
  void mark(std::uint64_t hash) {
    chain_.mark(hash);
    if (next_) next_->mark(hash);
  }

  /// An empty one, of the size for `kept` keys and a quarter more: a chain would cost a cache miss for each of its
  /// parts.
  void reset(std::uint64_t kept) { chain_ = BloomFilterChain(capacity_for(kept)); }

  /// Worth the work: it has grown, or is about to, and half of what was marked is gone. So it takes twelve bytes at
  /// most for each key that is kept, and five more while the next one is made.
  bool wasteful(std::uint64_t kept) const {
    return (chain_.filters() > 1 || chain_.nearly_full()) && kept * 2 <= chain_.marked();
  }
  void begin_next(std::uint64_t kept) { next_.emplace(capacity_for(kept)); }
  bool has_next() const { return next_.has_value(); }
  /// Of those that are kept and were marked before `begin_next`.
  void mark_next(std::uint64_t hash) { next_->mark(hash); }
  void drop_next() { next_.reset(); }
  /// All that are kept are marked.
  void take_next() {
    for (BloomFilter& filter : chain_.take()) old_.push_back(std::move(filter));
    chain_ = std::move(*next_);
    next_.reset();
  }

  bool has_old() const { return !old_.empty(); }
  /// Memory goes back in parts: all at once could take the system many milliseconds.
  void free_old() {
    if (!old_.back().give_back(kFreedBytes)) old_.pop_back();
  }

  std::size_t bytes() const { return chain_.bytes(); }

 private:
  static constexpr std::size_t kFreedBytes = 4u << 20;

  std::size_t capacity_for(std::uint64_t kept) const {
    std::size_t capacity = least_keys_;
    while (capacity < kept + kept / 4) capacity *= 2;
    return capacity;
  }

  std::size_t least_keys_;
  BloomFilterChain chain_;
  std::optional<BloomFilterChain> next_;
  std::vector<BloomFilter> old_;
};

}  // namespace kontor::persistence

#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include <sys/mman.h>

namespace kontor::persistence {

/// A set of 64-bit hashes that may say yes for one that is not in it (below 0.2 % when full), never no for one that is.
///
/// Blocks of 64 bytes, one cache line: the hash's top bits choose the block, so hashes in ascending order touch memory
/// in ascending order (that is how load() marks millions a second); its other bits choose one bit in each of the
/// block's eight words. 16 bits a key.
class BloomFilter {
 public:
  explicit BloomFilter(std::size_t keys)
      : blocks_(std::bit_ceil(std::max<std::size_t>(keys / kKeysPerBlock, 1))),
        shift_(static_cast<unsigned>(63 - std::countr_zero(blocks_))) {
    words_ = static_cast<std::uint64_t*>(is_small() ? zeroed() : mapped());
  }
  ~BloomFilter() {
    if (words_ == nullptr) return;
    if (is_small())
      ::operator delete(words_, kAlignment);
    else
      ::munmap(words_, bytes());
  }
  BloomFilter(BloomFilter&& other) noexcept
      : blocks_(other.blocks_),
        shift_(other.shift_),
        words_(std::exchange(other.words_, nullptr)),
        marked_(other.marked_),
        given_back_(other.given_back_) {}
  BloomFilter& operator=(BloomFilter&&) = delete;

  void prefetch(std::uint64_t hash) const { __builtin_prefetch(block_of(hash), 1); }

  bool maybe(std::uint64_t hash) const {
    const std::uint64_t* block = block_of(hash);
    std::uint64_t missing = 0;
    std::uint64_t bits = mixed(hash);
    for (std::size_t i = 0; i < kWords; ++i, bits >>= 6) missing |= ~block[i] & std::uint64_t{1} << (bits & 63);
    return missing == 0;
  }

  void mark(std::uint64_t hash) {
    std::uint64_t* block = block_of(hash);
    std::uint64_t missing = 0;
    std::uint64_t bits = mixed(hash);
    for (std::size_t i = 0; i < kWords; ++i, bits >>= 6) {
      const std::uint64_t bit = std::uint64_t{1} << (bits & 63);
      missing |= ~block[i] & bit;
      block[i] |= bit;
    }
    marked_ += missing != 0;
  }

  bool full() const { return marked_ >= capacity(); }
  std::size_t capacity() const { return blocks_ * kKeysPerBlock; }
  std::size_t marked() const { return marked_; }
  std::size_t bytes() const { return blocks_ * kWords * sizeof(std::uint64_t); }

  /// Returns so much of its memory at most, whole pages. Nothing may be asked or marked any more. False: that was all.
  bool give_back(std::size_t most) {
    const std::size_t part = std::min(most, bytes() - given_back_);
    if (!is_small()) ::madvise(reinterpret_cast<char*>(words_) + given_back_, part, MADV_DONTNEED);
    given_back_ += part;
    return given_back_ < bytes();
  }

 private:
  static constexpr std::size_t kWords = 8;
  static constexpr std::size_t kKeysPerBlock = 32;  // 512 bits, 16 a key.
  static constexpr std::align_val_t kAlignment{kWords * sizeof(std::uint64_t)};
  static constexpr std::size_t kSmallBytesMax = 16u << 10;

  bool is_small() const { return bytes() <= kSmallBytesMax; }
  /// A few pages are not worth three calls of the system and a fault for each.
  void* zeroed() const { return std::memset(::operator new(bytes(), kAlignment), 0, bytes()); }
  /// Straight from the system: zero pages cost nothing until used, large pages save a TLB miss a key.
  void* mapped() const {
    void* memory = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    ::madvise(memory, bytes(), MADV_HUGEPAGE);
    return memory;
  }

  std::uint64_t* block_of(std::uint64_t hash) const { return words_ + ((hash >> 1) >> shift_) * kWords; }
  /// 48 bits that do not depend on the hash's top bits alone: keys of one block share those.
  static std::uint64_t mixed(std::uint64_t hash) { return (hash * 0x9e3779b97f4a7c15u) >> 16; }

  std::size_t blocks_;
  unsigned shift_;
  std::uint64_t* words_ = nullptr;
  std::size_t marked_ = 0;
  std::size_t given_back_ = 0;
};

/// Filters that grow: when the newest is full, one of double its size is added.
class BloomFilterChain {
 public:
  explicit BloomFilterChain(std::size_t keys) { filters_.emplace_back(keys); }

  void prefetch(std::uint64_t hash) const {
    for (const BloomFilter& filter : filters_) filter.prefetch(hash);
  }
  bool maybe(std::uint64_t hash) const {
    for (std::size_t i = filters_.size(); i-- > 0;)
      if (filters_[i].maybe(hash)) return true;
    return false;
  }
  void mark(std::uint64_t hash) {
    if (filters_.back().full()) filters_.emplace_back(filters_.back().capacity() * 2);
    filters_.back().mark(hash);
  }
  /// The next one is near.
  bool nearly_full() const { return filters_.back().marked() >= filters_.back().capacity() / 4 * 3; }
  std::size_t filters() const { return filters_.size(); }
  std::size_t marked() const {
    std::size_t marked = 0;
    for (const BloomFilter& filter : filters_) marked += filter.marked();
    return marked;
  }
  std::size_t bytes() const {
    std::size_t bytes = 0;
    for (const BloomFilter& filter : filters_) bytes += filter.bytes();
    return bytes;
  }
  std::vector<BloomFilter> take() { return std::move(filters_); }

 private:
  std::vector<BloomFilter> filters_;
};

}  // namespace kontor::persistence

#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kontor::persistence {

/// One key of the index: its hash and where it is (Locator::packed). Stored in this form, little-endian.
struct KeyEntry {
  std::uint64_t hash = 0;
  std::uint64_t locator = 0;
  friend bool operator==(const KeyEntry&, const KeyEntry&) = default;
  friend bool operator<(const KeyEntry& a, const KeyEntry& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.locator < b.locator;
  }
};
static_assert(sizeof(KeyEntry) == 16);

/// The newest keys, in memory, in 256 partitions by the hash's top byte: in this order, sorted one partition at a time,
/// they make a run. A partition is what came, in order, and a table of positions in it (linear probing, half full).
class KeyGeneration {
 public:
  static constexpr std::size_t kPartitions = 256;

  void insert(const KeyEntry& entry) {
    Partition& partition = partitions_[entry.hash >> 56];
    if (partition.entries.size() * 2 >= partition.slots.size()) partition.grow();
    partition.place(entry.hash, static_cast<std::uint32_t>(partition.entries.size()));
    partition.entries.push_back(entry);
    ++size_;
  }

  /// A hint that a key with this hash will be inserted soon.
  void prefetch(std::uint64_t hash) const {
    const Partition& partition = partitions_[hash >> 56];
    if (partition.slots.empty()) return;
    __builtin_prefetch(&partition.slots[hash & (partition.slots.size() - 1)], 1);
    __builtin_prefetch(partition.entries.data() + partition.entries.size(), 1);
  }

  /// Adds the locators of all entries with this hash.
  void find(std::uint64_t hash, std::vector<std::uint64_t>& found) const {
    const Partition& partition = partitions_[hash >> 56];
    if (partition.entries.empty()) return;
    const std::size_t mask = partition.slots.size() - 1;
    for (std::size_t i = hash & mask; partition.slots[i] != 0; i = (i + 1) & mask) {
      const KeyEntry& entry = partition.entries[partition.slots[i] - 1];
      if (entry.hash == hash) found.push_back(entry.locator);
    }
  }

  std::span<const KeyEntry> partition(std::size_t index) const { return partitions_[index].entries; }
  std::size_t size() const { return size_; }

  /// Empties one partition and keeps its memory: the next generation will need the same.
  void clear(std::size_t index) {
    Partition& partition = partitions_[index];
    size_ -= partition.entries.size();
    partition.entries.clear();
    partition.slots.assign(partition.slots.size(), 0);
  }

 private:
  struct Partition {
    std::vector<KeyEntry> entries;
    std::vector<std::uint32_t> slots;  // Position + 1 of an entry; 0: none. A power of two, or empty at first.

    void place(std::uint64_t hash, std::uint32_t position) {
      const std::size_t mask = slots.size() - 1;
      std::size_t i = hash & mask;
      while (slots[i] != 0) i = (i + 1) & mask;
      slots[i] = position + 1;
    }
    void grow() {
      slots.assign(slots.empty() ? 64 : slots.size() * 2, 0);
      for (std::uint32_t i = 0; i < entries.size(); ++i) place(entries[i].hash, i);
    }
  };

  std::array<Partition, kPartitions> partitions_;
  std::size_t size_ = 0;
};

}  // namespace kontor::persistence

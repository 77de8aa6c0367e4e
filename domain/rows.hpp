#pragma once
#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "domain/limits.hpp"

namespace kontor {

/// A table in memory that grows without moving its rows, in blocks that a checkpoint stores one by one.
/// Rows are numbered from 0 in the order of their creation and never removed.
template <class Row>
class Rows {
 public:
  using Index = std::uint32_t;

  Index size() const { return size_; }
  std::size_t blocks() const { return blocks_.size(); }
  const Row& operator[](Index index) const { return (*blocks_[index / kRowsPerBlock])[index % kRowsPerBlock]; }
  /// A hint that the row will be used soon.
  void prefetch(Index index) const {
    const Row& row = (*this)[index];
    __builtin_prefetch(&row, 1);
    __builtin_prefetch(reinterpret_cast<const char*>(&row + 1) - 1, 1);
  }
  /// For a change: the row's block will be part of the next checkpoint.
  Row& change(Index index) {
    mark(index / kRowsPerBlock);
    return (*blocks_[index / kRowsPerBlock])[index % kRowsPerBlock];
  }
  Index add(Row row) {
    if (size_ % kRowsPerBlock == 0) {
      blocks_.push_back(std::make_unique<Block>());
      is_dirty_.push_back(0);
    }
    const Index index = size_++;
    change(index) = std::move(row);
    return index;
  }

  /// The used rows of one block.
  std::span<const Row> block(std::size_t number) const {
    const std::size_t used = std::min<std::size_t>(kRowsPerBlock, size_ - number * kRowsPerBlock);
    return {blocks_[number]->data(), used};
  }
  /// The numbers of all blocks changed since the last call, ascending; they count as clean from now on.
  std::vector<std::uint32_t> take_dirty() {
    std::sort(dirty_.begin(), dirty_.end());
    for (const auto number : dirty_) is_dirty_[number] = 0;
    return std::exchange(dirty_, {});
  }

 private:
  using Block = std::array<Row, kRowsPerBlock>;

  void mark(std::size_t number) {
    if (is_dirty_[number]) return;
    is_dirty_[number] = 1;
    dirty_.push_back(static_cast<std::uint32_t>(number));
  }

  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::uint8_t> is_dirty_;
  std::vector<std::uint32_t> dirty_;
  Index size_ = 0;
};

}  // namespace kontor

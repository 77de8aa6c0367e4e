#pragma once
#include <cstdint>
#include <vector>

#include "domain/ids.hpp"

namespace kontor::cmd {

/// One committed checkout whose answer the caller has seen: the driver writes it to a file descriptor as soon as the
/// answer came, and who outlives a SIGKILL of the driver can prove that it is still there.
struct Answered {
  std::uint64_t number = 0;    ///< Of the checkout in its Workload.
  std::uint64_t sequence = 0;  ///< The transaction's id.
  std::uint32_t incarnation = 0;
  std::uint16_t shard = 0;
  std::uint16_t unused = 0;

  TransactionId transaction() const { return {shard, incarnation, sequence}; }
  friend bool operator==(const Answered&, const Answered&) = default;
};
static_assert(sizeof(Answered) == 24 && std::has_unique_object_representations_v<Answered>);

/// Appends all of `answered`; false when the descriptor refuses, and then not all were written.
bool write_answered(int fd, const std::vector<Answered>& answered);
/// All complete entries from byte `from` on. A kill in the middle of a write leaves part of one: it is not read.
std::vector<Answered> read_answered(int fd, std::uint64_t from = 0);

}  // namespace kontor::cmd

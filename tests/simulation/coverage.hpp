#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "tests/simulation/faults.hpp"

namespace kontor::sim {

/// Which message met which states: per transaction that a delivered message speaks of, what its coordinator and the
/// participant's site had on record, and how the receiver's life had begun.
class Coverage {
 public:
  enum class Message : std::uint8_t { prepare, site_votes, decisions, acknowledge, inquire, count };
  enum class Coordinator : std::uint8_t { undecided, committed, aborted, count };
  enum class Participant : std::uint8_t { nothing, prepared, learned_commit, learned_abort, count };
  static constexpr std::size_t kMessages = static_cast<std::size_t>(Message::count);
  static constexpr std::size_t kCoordinators = static_cast<std::size_t>(Coordinator::count);
  static constexpr std::size_t kParticipants = static_cast<std::size_t>(Participant::count);
  static constexpr std::size_t kBeginnings = kFaults + 1;  ///< By the crash before it; the last: the first life.

  void met(Message message, Coordinator coordinator, Participant participant, std::size_t beginning) {
    ++cells_[static_cast<std::size_t>(message)][static_cast<std::size_t>(coordinator)]
            [static_cast<std::size_t>(participant)][beginning];
  }
  /// The matrix, summed over the crashes, and by crash how many of its cells were hit; then the cells never hit.
  std::string as_text() const;

 private:
  std::uint64_t sum(std::size_t message, std::size_t coordinator, std::size_t participant) const;

  std::array<std::array<std::array<std::array<std::uint64_t, kBeginnings>, kParticipants>, kCoordinators>, kMessages>
      cells_{};
};

}  // namespace kontor::sim

#pragma once
#include <functional>
#include <span>
#include <vector>

#include "cmd/kontor/load/answered_log.hpp"
#include "cmd/kontor/load/driver.hpp"
#include "cmd/kontor/load/workload.hpp"

namespace kontor::cmd {

/// What asking again for checkouts that were answered before has shown.
struct Verification {
  std::uint64_t asked = 0;
  std::uint64_t found = 0;  ///< Replayed, with the transaction id that was answered.
  std::uint64_t lost = 0;   ///< Anything else.
  std::string first_lost;   ///< Which, and what came instead.
};

/// Sends the same requests again: each must come back as a replay of the same transaction.
Verification verify_answered(const Workload& workload, std::span<const Answered> answered, const Driver::Submit& submit,
                             const std::function<void(std::uint64_t)>& on_progress);

/// At most `count` of `all`: the newest half, which a crash threatens most, and an even choice of the others.
std::vector<Answered> chosen_for_verification(std::span<const Answered> all, std::size_t count);

}  // namespace kontor::cmd

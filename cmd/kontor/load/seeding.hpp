#pragma once
#include <functional>
#include <string>

#include "cmd/kontor/load/driver.hpp"
#include "cmd/kontor/load/workload.hpp"

namespace kontor::cmd {

/// Brings a directory to where every checkout of `workload` that is meant to succeed can: accounts opened, products
/// defined, wallets and stock topped up. What is there already stays; each run on a directory adds to it.
/// `on_progress` is told how many of how many requests are answered.
/// Errors: the first refusal that was not expected; `explanation` says of what.
Result<void> seed(const Workload& workload, const Driver::Submit& submit,
                  const std::function<void(std::uint64_t done, std::uint64_t total)>& on_progress,
                  std::string& explanation);

}  // namespace kontor::cmd

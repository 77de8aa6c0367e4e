#pragma once
#include <atomic>

namespace kontor::cmd {

/// From now on the first SIGINT or SIGTERM sets the flag that is returned, so that the program can stop in good order;
/// the second ends it as usual.
const std::atomic<bool>& catch_interrupts();

}  // namespace kontor::cmd

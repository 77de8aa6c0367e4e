#pragma once
#include "cmd/kontor/client/caller.hpp"

namespace kontor::cmd::client {

/// Has a server audit itself, shows how far it is, and prints what it found. Returns what the program ends with: 1
/// where there is a fault.
int audit_server(const CallOptions& options);

}  // namespace kontor::cmd::client

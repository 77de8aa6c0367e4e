#pragma once
#include "cmd/kontor/client/caller.hpp"

namespace kontor::cmd::client {

/// Has a server audit itself, shows how far it is, and prints what it found; one after the other where `url` names
/// several, with commas between them: each node of a cluster proves all of it, by what it is told. Returns what the
/// program ends with: 1 where there is a fault.
int audit_servers(const CallOptions& options);

}  // namespace kontor::cmd::client

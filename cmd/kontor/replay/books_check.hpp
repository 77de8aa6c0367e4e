#pragma once
#include <string>
#include <vector>

#include "actors/engine.hpp"
#include "cmd/kontor/replay/bookkeeper.hpp"

namespace kontor::cmd::replay {

/// Asks the engine for every account and product of the replay and names each that is not what the books say.
std::vector<std::string> compare_books(Engine& engine, const Bookkeeper& books, const InvoiceFile& file);

}  // namespace kontor::cmd::replay

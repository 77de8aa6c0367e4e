#pragma once
#include <cstdint>
#include <string>

#include "cmd/kontor/client/caller.hpp"

namespace CLI {
class App;
}

namespace kontor::cmd::client {

/// Which part of a list is asked for.
struct ListOptions {
  std::uint32_t limit = 0;  ///< Of one page; 0: the server's own.
  std::string after;        ///< What comes after this one.
  bool all = false;         ///< All pages.
};

/// Declares --limit, --starting-after and --all.
void add_list_options(CLI::App& command, ListOptions& options);

/// Prints a list, page by page; with --json one element a line. `target` may have a query. Without --all it says on
/// standard error how to see more.
int print_list(const std::string& command, const CallOptions& call, const ListOptions& options, std::string target);

}  // namespace kontor::cmd::client

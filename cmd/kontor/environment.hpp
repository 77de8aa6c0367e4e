#pragma once
#include <string>

namespace CLI {
class App;
}

namespace kontor::cmd {

/// `KONTOR_SERVE_LOG_FILE` for `--log-file` of `kontor serve`.
std::string environment_name(const std::string& command, const std::string& option);

/// Lets the environment fill in each option of `command`, by the name above, when the command is chosen: the command
/// line wins over it, it wins over a configuration file, and an empty value is none. After all options were added.
void read_environment(CLI::App& command);

}  // namespace kontor::cmd

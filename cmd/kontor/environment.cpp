#include "cmd/kontor/environment.hpp"

#include <cctype>
#include <cstdlib>

#include <CLI/CLI.hpp>

namespace kontor::cmd {

std::string environment_name(const std::string& command, const std::string& option) {
  std::string name = "KONTOR_" + command + "_" + option;
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

// Not `envname`: CLI11 reads that after the file, and of commands that were not chosen, too.
void read_environment(CLI::App& command) {
  for (CLI::Option* option : command.get_options())
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // The command line's comes after the environment's.
  command.preparse_callback([&command](std::size_t) {
    for (CLI::Option* option : command.get_options()) {
      if (option->get_lnames().empty() || option == command.get_help_ptr()) continue;
      const char* value = std::getenv(environment_name(command.get_name(), option->get_lnames().front()).c_str());
      if (value && *value != '\0') option->add_result(value);
    }
  });
}

}  // namespace kontor::cmd

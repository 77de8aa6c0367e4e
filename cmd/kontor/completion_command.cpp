// `kontor completion`: a completion script for a shell, made from the commands and options as they are declared.
#include <functional>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"

namespace kontor::cmd {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  source <(kontor completion bash)                                  in this shell; in ~/.bashrc for all\n"
    "  kontor completion zsh > ~/.zfunc/_kontor                          a folder of $fpath\n"
    "  kontor completion fish > ~/.config/fish/completions/kontor.fish";

/// Something that may be written next.
struct Choice {
  std::string name, help;
  bool takes_value = false;
};

/// A command, the program itself included.
struct Place {
  std::string path;  ///< "" is the program, then "/product", "/product/create".
  std::vector<Choice> commands, options;
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::vector<Choice> options_of(const CLI::App& app) {
  std::vector<Choice> options;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // For programs that start this one.
    for (const std::string& name : option->get_lnames())
      options.push_back({"--" + name, first_line(option->get_description()), option->get_items_expected_max() > 0});
  }
  return options;
}

void collect(const CLI::App& app, const std::string& path, std::vector<Place>& places) {
  Place place{path, {}, options_of(app)};
  const auto commands = app.get_subcommands(std::function<bool(const CLI::App*)>());
  for (const CLI::App* command : commands) place.commands.push_back({command->get_name(), command->get_description()});
  places.push_back(std::move(place));
  for (const CLI::App* command : commands) collect(*command, path + "/" + command->get_name(), places);
}

/// `text` as one word of a shell; `quote` is what a quote in it becomes.
std::string shell_word(std::string_view text, std::string_view quote) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += quote;
    else
      out += c;
  }
  return out + "'";
}
std::string shell_word(std::string_view text) { return shell_word(text, "'\\''"); }

/// "/demo|/product|/product/create", between which stands `separator`.
std::string all_paths(const std::vector<Place>& places, const std::string& separator) {
  std::string out;
  for (const Place& place : places)
    if (!place.path.empty()) out += (out.empty() ? "" : separator) + place.path;
  return out;
}

std::string valued_options(const Place& place) {
  std::string out;
  for (const Choice& option : place.options)
    if (option.takes_value) out += (out.empty() ? "" : "|") + option.name;
  return out;
}

void print_bash(const std::vector<Place>& places, std::ostream& out) {
  out << "# bash completion of kontor, made by `kontor completion bash`.\n"
         "_kontor() {\n"
         "  local at='' choices='' valued='' i\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case \"$at/${COMP_WORDS[i]}\" in\n"
         "      "
      << all_paths(places, "|")
      << ") at=\"$at/${COMP_WORDS[i]}\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$at\" in\n";
  for (const Place& place : places) {
    out << "    '" << place.path << "')\n      choices='";
    for (const auto* list : {&place.commands, &place.options})
      for (const Choice& choice : *list) out << choice.name << ' ';
    out << "'\n      valued='|" << valued_options(place) << "|'\n      ;;\n";
  }
  // After an option with a value there are no choices, and bash offers files.
  out << "  esac\n"
         "  COMPREPLY=()\n"
         "  if [[ $valued != *\"|${COMP_WORDS[COMP_CWORD-1]}|\"* ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "  fi\n"
         "}\n"
         "complete -o default -F _kontor kontor\n";
}

void print_zsh(const std::vector<Place>& places, std::ostream& out) {
  out << "#compdef kontor\n"
         "# zsh completion of kontor, made by `kontor completion zsh`.\n"
         "_kontor() {\n"
         "  local at='' valued='' i\n"
         "  local -a choices\n"
         "  for ((i = 2; i < CURRENT; ++i)); do\n"
         "    case \"$at/${words[i]}\" in\n"
         "      "
      << all_paths(places, "|")
      << ") at=\"$at/${words[i]}\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$at\" in\n";
  for (const Place& place : places) {
    out << "    '" << place.path << "')\n      choices=(\n";
    for (const auto* list : {&place.commands, &place.options})
      for (const Choice& choice : *list) out << "        " << shell_word(choice.name + ":" + choice.help) << '\n';
    out << "      )\n      valued='|" << valued_options(place) << "|'\n      ;;\n";
  }
  out << "  esac\n"
         "  if [[ $valued == *\"|${words[CURRENT-1]}|\"* ]]; then\n"
         "    _files\n"
         "  else\n"
         "    _describe -o kontor choices || _files\n"
         "  fi\n"
         "}\n"
         "if [[ ${funcstack[1]} == _kontor ]]; then _kontor \"$@\"; else compdef _kontor kontor; fi\n";
}

void print_fish(const std::vector<Place>& places, std::ostream& out) {
  constexpr std::string_view kQuote = "\\'";
  out << "# fish completion of kontor, made by `kontor completion fish`.\n"
         "function __kontor_at\n"
         "  set -l at ''\n"
         "  for word in (commandline -opc)[2..-1]\n"
         "    switch \"$at/$word\"\n"
         "      case "
      << all_paths(places, " ")
      << "\n"
         "        set at \"$at/$word\"\n"
         "    end\n"
         "  end\n"
         "  test \"$at\" = \"$argv[1]\"\n"
         "end\n";
  for (const Place& place : places) {
    const std::string here = "complete -c kontor -n \"__kontor_at '" + place.path + "'\" ";
    for (const Choice& command : place.commands)
      out << here << "-f -a " << command.name << " -d " << shell_word(command.help, kQuote) << '\n';
    for (const Choice& option : place.options)
      out << here << (option.takes_value ? "-r " : "") << "-l " << option.name.substr(2) << " -d "
          << shell_word(option.help, kQuote) << '\n';
  }
}

int run(const CLI::App& program, const std::string& shell) {
  std::vector<Place> places;
  collect(program, {}, places);
  if (shell == "bash")
    print_bash(places, std::cout);
  else if (shell == "zsh")
    print_zsh(places, std::cout);
  else
    print_fish(places, std::cout);
  return kExitOk;
}

}  // namespace

void add_completion_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("completion", "Print a completion script for a shell");
  const auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->type_name("SHELL")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(kFooter);
  command->final_callback([&app, shell, &exit_code] { exit_code = run(app, *shell); });
}

}  // namespace kontor::cmd

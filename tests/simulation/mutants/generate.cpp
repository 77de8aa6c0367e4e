// Makes, from mutants.txt, copies of the engine's sources that can be wrong in every way that the file lists.
//
//   kontor_mutate LIST --names OUT              the list itself, as C++
//   kontor_mutate LIST --check ROOT             nothing; exit code 0 only if each original stands in its file, once
//   kontor_mutate LIST --source ROOT FILE OUT   FILE (relative to ROOT) with all its mutants, each behind a test
#include <algorithm>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Edit {
  std::string file, original, instead;
};
struct Mutant {
  std::string name, wrong;
  std::vector<std::string> searches;
  std::vector<Edit> edits;
};

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) refuse("cannot read " + path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Reads the list line by line; its grammar stands at its head.
class Reader {
 public:
  explicit Reader(std::istream& in) {
    for (std::string line; std::getline(in, line);) {
      ++number_;
      take(line);
    }
    for (const Mutant& mutant : mutants_) {
      if (mutant.wrong.empty() || mutant.edits.empty())
        refuse("mutant " + mutant.name + ": says not what is wrong, or changes nothing");
      for (const Edit& edit : mutant.edits)
        if (edit.original.empty() || edit.instead.find("PLANTED") == std::string::npos)
          refuse("mutant " + mutant.name + ": an original, and text with PLANTED instead of it");
    }
  }
  std::vector<Mutant> take_all() { return std::move(mutants_); }

 private:
  void take(const std::string& line) {
    const auto after = [&](std::string_view word) { return line.substr(word.size()); };
    const bool changes = line.starts_with("- ") || line.starts_with("+ ");
    if (line.empty() || line.starts_with("#")) return void(in_original_ = false);
    if (line.starts_with("mutant ")) return begin(after("mutant "));
    if (mutants_.empty()) refuse("line " + std::to_string(number_) + ": before the first mutant");
    Mutant& mutant = mutants_.back();
    if (line.starts_with("  file ")) return void(file_ = after("  file "));
    if (line.starts_with("  search ")) return mutant.searches.push_back(after("  search "));
    if (line.starts_with("  ")) return void(mutant.wrong = after("  "));
    if (!changes || file_.empty()) refuse("line " + std::to_string(number_) + ", mutant " + mutant.name);
    if (line[0] == '-' && !in_original_) mutant.edits.push_back({file_, "", ""});
    in_original_ = line[0] == '-';
    if (mutant.edits.empty()) refuse("mutant " + mutant.name + ": text instead of nothing");
    std::string& text = in_original_ ? mutant.edits.back().original : mutant.edits.back().instead;
    text += (text.empty() ? "" : "\n") + line.substr(2);
  }
  void begin(const std::string& name) {
    for (const Mutant& other : mutants_)
      if (other.name == name) refuse("mutant " + name + " stands twice");
    mutants_.push_back({name, "", {}, {}});
    file_.clear();
  }

  std::vector<Mutant> mutants_;
  std::string file_;
  bool in_original_ = false;
  std::size_t number_ = 0;
};

struct Place {
  std::size_t begin = 0, length = 0;
  std::string instead, mutant;
};

/// Where the original text stands: exactly once.
std::size_t place_of(const std::string& text, const Edit& edit, const std::string& mutant) {
  std::size_t times = 0, found = 0;
  for (auto at = text.find(edit.original); at != text.npos; at = text.find(edit.original, at + 1)) ++times, found = at;
  if (times != 1)
    refuse("mutant " + mutant + ": its original text stands " + std::to_string(times) + " times in " + edit.file +
           ":\n" + edit.original);
  return found;
}

std::string with_number(std::string text, std::size_t number) {
  constexpr std::string_view kWord = "PLANTED";
  const std::string test = "(kontor::sim::planted == " + std::to_string(number) + ")";
  for (auto at = text.find(kWord); at != text.npos; at = text.find(kWord, at + test.size()))
    text.replace(at, kWord.size(), test);
  return text;
}

std::string mutated(const std::vector<Mutant>& mutants, const std::string& root, const std::string& file) {
  std::string text = text_of(root + "/" + file);
  std::vector<Place> places;
  for (std::size_t i = 0; i < mutants.size(); ++i)
    for (const Edit& edit : mutants[i].edits)
      if (edit.file == file)
        places.push_back({place_of(text, edit, mutants[i].name), edit.original.size(), with_number(edit.instead, i + 1),
                          mutants[i].name});
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.begin > b.begin; });
  for (std::size_t i = 0; i + 1 < places.size(); ++i)
    if (places[i + 1].begin + places[i + 1].length > places[i].begin)
      refuse("mutants " + places[i].mutant + " and " + places[i + 1].mutant + " change the same text of " + file);
  for (const Place& place : places) text.replace(place.begin, place.length, place.instead);
  // Not a #line with the file's name: GCC would take the copy for a header, and warn of anonymous namespaces.
  return "#include \"tests/simulation/mutants/planted.hpp\"\n#line 1\n" + text;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  return out + "\"";
}

std::string names(const std::vector<Mutant>& mutants) {
  std::string out = "#include \"tests/simulation/mutants/planted.hpp\"\n\nnamespace kontor::sim {\nnamespace {\n";
  std::string list;
  for (std::size_t i = 0; i < mutants.size(); ++i) {
    const Mutant& mutant = mutants[i];
    const std::string searches = "kSearches" + std::to_string(i + 1);
    out += "constexpr std::string_view " + searches + "[] = {";
    for (const std::string& search : mutant.searches) out += quoted(search) + ", ";
    out += mutant.searches.empty() ? "\"--protocol two_phase\"};\n" : "};\n";
    list += "    {" + quoted(mutant.name) + ", " + quoted(mutant.wrong) + ", " + searches + "},\n";
  }
  return out + "constexpr Mutant kMutants[] = {\n" + list +
         "};\n}  // namespace\n\nstd::span<const Mutant> mutants() { return kMutants; }\n\n}  // namespace "
         "kontor::sim\n";
}

void run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3) refuse("usage: LIST --names OUT, LIST --check ROOT, or LIST --source ROOT FILE OUT");
  std::ifstream in(arguments[0]);
  if (!in) refuse("cannot read " + arguments[0]);
  const std::vector<Mutant> mutants = Reader(in).take_all();
  if (arguments[1] == "--check") {
    std::set<std::string> files;
    for (const Mutant& mutant : mutants)
      for (const Edit& edit : mutant.edits) files.insert(edit.file);
    for (const std::string& file : files) mutated(mutants, arguments[2], file);
    return;
  }
  const bool all = arguments[1] == "--names";
  if (!all && (arguments[1] != "--source" || arguments.size() != 5)) refuse("unknown arguments");
  const std::string text = all ? names(mutants) : mutated(mutants, arguments[2], arguments[3]);
  std::ofstream out(arguments.back(), std::ios::binary);
  out << text;
  if (!out.flush()) refuse("cannot write " + arguments.back());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "mutants: " << error.what() << "\n";
    return 1;
  }
}

#pragma once
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/terminal.hpp"

namespace kontor::bench {

/// One promise, what it is measured against, and whether it holds. Without a target it only shows a figure.
struct Verdict {
  std::string what, measured, beside, ratio, target;
  bool held = false;
};

inline cmd::Table::Cell word_of(const Verdict& one) {
  if (one.target.empty()) return "";
  return {one.held ? "held" : "MISSED", one.held ? cmd::Tone::good : cmd::Tone::bad};
}

/// Prints `rows` of it, keeps `figures` and what became of the targets in `file` if it has a name, and says what the
/// program ends with.
inline int conclude(const cmd::Table& rows, const std::vector<Verdict>& verdicts, boost::json::object figures,
                    const std::filesystem::path& file) {
  std::cout << rows.text(cmd::wants_colour(stdout)) << std::flush;
  if (!file.empty()) {
    boost::json::array targets;
    for (const Verdict& one : verdicts)
      if (!one.target.empty()) targets.push_back({{"what", one.what}, {"target", one.target}, {"held", one.held}});
    figures["targets"] = std::move(targets);
    std::filesystem::create_directories(std::filesystem::absolute(file).parent_path());
    std::ofstream(file) << cmd::json_text(figures) << '\n';
    std::cout << "kept in " << file.string() << '\n';
  }
  return std::all_of(verdicts.begin(), verdicts.end(), [](const Verdict& one) { return one.held; }) ? 0 : 1;
}

}  // namespace kontor::bench

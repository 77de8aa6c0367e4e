// cluster: what it costs that a checkout concerns several shards and several nodes. TLS between nodes and forced writes
// are always on. What is compared is measured in turn, several times; what is printed is the median and, in brackets,
// the least and the most. All of it shares the processors of one machine: with a machine for each node there are more.
#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "bench/cluster/run.hpp"
#include "bench/compare/sample.hpp"
#include "bench/compare/verdict.hpp"
#include "cmd/kontor/cluster/certificates.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/terminal.hpp"

namespace {

using namespace kontor;
using namespace kontor::bench;
using cmd::Table;
using cmd::Tone;
namespace json = boost::json;
namespace fs = std::filesystem;

constexpr double kUnrelatedPerS = 2'000;

struct Options {
  fs::path base = fs::temp_directory_path() / "kontor-bench-cluster";
  fs::path json_file;
  std::size_t repetitions = 3, outstanding = 8'192;
  double seconds = 5;
  bool quick = false;
  std::vector<std::string> only;
};

/// A plan with a name, and what all its runs showed.
struct Row {
  std::string name, words;
  Plan plan;
  std::vector<Figures> runs;

  Sample sample(double Figures::*member, double per = 1) const {
    Sample out;
    for (const Figures& run : runs) out.add(run.*member / per);
    return out;
  }
  Sample each(double Figures::*member) const {
    Sample out;
    for (const Figures& run : runs) out.add(run.*member / run.committed);
    return out;
  }
};

std::vector<Row> rows(const Options& options) {
  Plan alone;
  alone.outstanding = options.outstanding, alone.seconds = options.seconds;
  Plan crossing = alone;
  crossing.shards = 3, crossing.workload.crossing = true;
  Plan two = alone;
  two.nodes = two.drivers = 2, two.shards = 2, two.workload.crossing = true;
  two.outstanding = options.outstanding / 2;  // As many in all.
  Plan at_home = two;
  at_home.keys_at_home = true;
  Plan single = at_home;
  single.drivers = 1, single.outstanding = 1;
  Plan owner = alone;
  owner.nodes = 2, owner.shards = 2, owner.keys_at_home = true, owner.workload.names_home = ShardId{0};
  // What only concerns one node, at a rate that leaves room: what is measured is waiting, not the want of processors.
  Plan beside = owner;
  beside.nodes = 3, beside.shards = 3, beside.rate_per_s = kUnrelatedPerS;
  Plan frozen = beside;
  frozen.last_freezes = true;
  return {{"alone", "one shard, alone", alone, {}},
          {"owner", "the same on one of two nodes", owner, {}},
          {"three_shards", "three shards, all cross", crossing, {}},
          {"two_nodes", "two nodes, all cross", two, {}},
          {"two_nodes_at_home", "  coordinated where they are asked", at_home, {}},
          {"one_at_a_time", "  one at a time", single, {}},
          {"unrelated", "one node's own, 2,000/s", beside, {}},
          {"unrelated_frozen", "  while a third one is frozen", frozen, {}}};
}

const Row& named(const std::vector<Row>& rows, const std::string& name) {
  return *std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
}

std::vector<Verdict> judge(const std::vector<Row>& rows) {
  std::vector<Verdict> out;
  const auto rate = [&](const char* name) { return named(rows, name).sample(&Figures::per_s); };
  const auto at_least = [&](const char* what, const Sample& sample, int digits, double bound, const char* text) {
    if (!sample.empty()) out.push_back({what, sample.text(digits), "", "", text, sample.median() >= bound});
  };
  at_least("two nodes, all cross, checkouts/s", rate("two_nodes"), 0, 60'000, ">= 60,000");
  at_least("three shards, all cross / one shard", ratios(rate("three_shards"), rate("alone")), 2, 0.35, ">= 0.35");
  at_least("a node that owns everything / alone", ratios(rate("owner"), rate("alone")), 2, 0.9, ">= 0.9");
  const auto p99 = [&](const char* name) { return named(rows, name).sample(&Figures::p99_us); };
  if (const Sample slower = ratios(p99("unrelated_frozen"), p99("unrelated")); !slower.empty())
    out.push_back(
        {"p99 of others beside a frozen node / before", slower.text(2), "", "", "<= 1.5", slower.median() <= 1.5});
  if (const Sample refused = named(rows, "unrelated_frozen").sample(&Figures::refused); !refused.empty())
    out.push_back({"  of these refused", refused.text(0), "", "", "none", refused.median() == 0});
  return out;
}

void print(const std::vector<Row>& rows) {
  const bool colour = cmd::wants_colour(stdout);
  Table rates({Table::Align::left, Table::Align::right, Table::Align::right, Table::Align::right, Table::Align::right,
               Table::Align::right});
  rates.row({{"median (least-most)", Tone::strong},
             {"checkouts/s", Tone::strong},
             {"p50, ms", Tone::strong},
             {"p99, ms", Tone::strong},
             {"cpu us", Tone::strong},
             {"load; others", Tone::strong}});
  Table costs({Table::Align::left, Table::Align::right, Table::Align::right, Table::Align::right, Table::Align::right,
               Table::Align::right});
  costs.row({{"for each checkout", Tone::strong},
             {"messages", Tone::strong},
             {"frames", Tone::strong},
             {"bytes sent", Tone::strong},
             {"forced writes", Tone::strong},
             {"journal bytes", Tone::strong}});
  for (const Row& row : rows) {
    if (row.runs.empty()) continue;
    rates.row({row.words, row.sample(&Figures::per_s).text(0), row.sample(&Figures::p50_us, 1e3).text(1),
               row.sample(&Figures::p99_us, 1e3).text(1), row.sample(&Figures::cpu_us).text(1),
               row.sample(&Figures::load_average).text(1) + "; " + row.sample(&Figures::others, 0.01).text(0) + " %"});
    costs.row({row.words, row.each(&Figures::messages).text(4), row.each(&Figures::frames).text(4),
               row.each(&Figures::bytes).text(0), row.each(&Figures::forced).text(4),
               row.each(&Figures::journal_bytes).text(0)});
  }
  std::cout << rates.text(colour) << '\n' << costs.text(colour) << '\n';
}

json::object to_json(const std::vector<Row>& rows) {
  json::object out;
  for (const Row& row : rows) {
    json::array runs;
    for (const Figures& run : row.runs)
      runs.push_back({{"committed", run.committed},
                      {"refused", run.refused},
                      {"committed_per_s", run.per_s},
                      {"p50_us", run.p50_us},
                      {"p99_us", run.p99_us},
                      {"cpu_us_per_checkout", run.cpu_us},
                      {"forced_writes", run.forced},
                      {"journal_records", run.records},
                      {"journal_bytes", run.journal_bytes},
                      {"messages_sent", run.messages},
                      {"frames_sent", run.frames},
                      {"bytes_sent", run.bytes},
                      {"load_average", run.load_average},
                      {"others", run.others}});
    if (!runs.empty()) out[row.name] = std::move(runs);
  }
  return out;
}

int run(const Options& options) {
  std::vector<Row> all = rows(options);
  const fs::path certificates = options.base / "certificates";
  fs::remove_all(options.base);
  std::string why;
  if (!cmd::make_authority(certificates, &why)) throw std::runtime_error(why);
  for (const char* node : {"node-0", "node-1", "node-2"})
    if (!cmd::make_node_certificate(certificates, node, &why)) throw std::runtime_error(why);
  cmd::ProgressLine line;
  for (std::size_t turn = 1; turn <= options.repetitions; ++turn) {
    for (Row& row : all) {
      const auto& only = options.only;
      if (!only.empty() && std::find(only.begin(), only.end(), row.name) == only.end()) continue;
      line.show(std::to_string(turn) + " of " + std::to_string(options.repetitions) + ": " + row.words);
      row.runs.push_back(measure(row.plan, options.base / "run", certificates));
    }
  }
  line.clear();
  fs::remove_all(options.base);
  const std::vector<Verdict> verdicts = judge(all);
  print(all);
  Table targets({Table::Align::left, Table::Align::right, Table::Align::left, Table::Align::left});
  for (const Verdict& one : verdicts) targets.row({one.what, one.measured, one.target, word_of(one)});
  return conclude(targets, verdicts, to_json(all), options.json_file);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("What several shards and several nodes cost. Takes about four minutes, with --quick one.", "cluster");
  app.add_flag("--quick", options.quick, "One short run of each, for a first look");
  app.add_option("--repetitions", options.repetitions, "Of each measurement")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Of each measurement")->check(CLI::Range(0.5, 600.0));
  app.add_option("--outstanding", options.outstanding, "Checkouts in flight, over all nodes")
      ->check(CLI::Range(std::size_t{2}, std::size_t{1} << 20))
      ->capture_default_str();
  app.add_option("--only", options.only, "These measurements, by their names in the JSON")->delimiter(',');
  app.add_option("--dir", options.base, "Where the runs write, and which they remove; on the disk that is meant")
      ->capture_default_str();
  app.add_option("--json", options.json_file, "Keep all figures in this file");
  CLI11_PARSE(app, argc, argv);
  if (options.quick) options.repetitions = 1, options.seconds = std::min(options.seconds, 2.0);
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::cerr << "cluster: " << error.what() << '\n';
    return 2;
  }
}

// compare: the engine beside the ceiling of its shape, in one run (issue 2, section 4). Measurements that are compared
// are taken in turn, several times; what is printed is the median and, in brackets, the least and the most.
#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "bench/compare/runs.hpp"
#include "bench/compare/sample.hpp"
#include "bench/compare/verdict.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/terminal.hpp"

namespace {

using namespace kontor;
using namespace kontor::bench;
using cmd::Table;
using cmd::Tone;
namespace json = boost::json;
namespace fs = std::filesystem;

struct Options {
  Programs programs;
  fs::path base = fs::temp_directory_path() / "kontor-bench";
  fs::path json_file;
  bool quick = false;
  std::size_t repetitions = 3;
  std::size_t batch = 256;  ///< Requests of one submit call, here and there.

  double seconds() const { return quick ? 2 : 5; }
  double long_seconds() const { return quick ? 15 : 60; }
  std::uint64_t recovery_checkouts() const { return quick ? 200'000 : 1'000'000; }
};

struct Figures {
  Sample many, many_ceiling;               ///< Checkouts/s, 4,096 outstanding.
  Sample cpu, cpu_ceiling;                 ///< Processor microseconds a checkout, likewise.
  Sample one_p50, one_p50_ceiling;         ///< Microseconds, 1 outstanding.
  Sample hot, lasting;                     ///< Checkouts/s.
  Sample rss_early, rss_late;              ///< Anonymous megabytes at a quarter and at the end of the long run.
  Sample rss_total_early, rss_total_late;  ///< Likewise, with the pages of mapped files that the kernel caches.
  Sample recovery_s;
};

double number(const json::object& report, const char* pointer) {
  return json::value(report).at_pointer(pointer).to_number<double>();
}

std::string ms(double seconds) { return std::to_string(static_cast<int>(seconds * 1e3)) + "ms"; }

void measure_once(const Runs& runs, const Options& options, cmd::ProgressLine& line, const std::string& turn,
                  Figures& out) {
  const double seconds = options.seconds();
  const std::string batch = std::to_string(options.batch);
  const auto load = [&](const char* what, std::vector<std::string> extra, double duration_s) {
    line.show(turn + ": " + what);
    extra.insert(extra.end(), {"--duration", ms(duration_s), "--batch", batch});
    return runs.load(extra);
  };
  const auto take = [](const json::object& report, Sample& rate, Sample& cpu) {
    rate.add(number(report, "/committed_per_s"));
    cpu.add(number(report, "/cpu_us_per_checkout"));
  };
  line.show(turn + ": ceiling, 4,096 outstanding");
  take(runs.ceiling(4'096, options.batch, seconds), out.many_ceiling, out.cpu_ceiling);
  take(load("4,096 outstanding", {"--outstanding", "4096"}, seconds), out.many, out.cpu);
  out.hot.add(number(load("one hot product", {"--outstanding", "4096", "--hot"}, seconds), "/committed_per_s"));
  line.show(turn + ": ceiling, 1 outstanding");
  out.one_p50_ceiling.add(number(runs.ceiling(1, 1, seconds), "/latency_us/p50"));
  out.one_p50.add(number(load("1 outstanding", {"--outstanding", "1"}, seconds), "/latency_us/p50"));
  const json::object lasting = load("the long run", {"--outstanding", "4096"}, options.long_seconds());
  out.lasting.add(number(lasting, "/committed_per_s"));
  out.rss_total_early.add(number(lasting, "/rss_bytes/at_25/total") / 1e6);
  out.rss_total_late.add(number(lasting, "/rss_bytes/at_100/total") / 1e6);
  out.rss_early.add(number(lasting, "/rss_bytes/at_25/anonymous") / 1e6);
  out.rss_late.add(number(lasting, "/rss_bytes/at_100/anonymous") / 1e6);
}

Figures measure(const Options& options) {
  const Runs runs(options.programs, options.base);
  cmd::ProgressLine line;
  Figures out;
  for (std::size_t i = 0; i < options.repetitions; ++i)
    measure_once(runs, options, line, std::to_string(i + 1) + " of " + std::to_string(options.repetitions), out);
  line.show("recovery");
  for (const double seconds : runs.recovery(options.recovery_checkouts(), options.repetitions))
    out.recovery_s.add(seconds);
  return out;
}

std::vector<Verdict> judge(const Figures& f, const Options& options) {
  const auto at_least = [](const Sample& ratio, double bound) { return ratio.median() >= bound; };
  const Sample many = ratios(f.many, f.many_ceiling), one = ratios(f.one_p50, f.one_p50_ceiling);
  const Sample hot = ratios(f.hot, f.many), lasting = ratios(f.lasting, f.many), rss = ratios(f.rss_late, f.rss_early);
  const std::string long_s = cmd::decimal(options.long_seconds(), 0) + " s",
                    short_s = cmd::decimal(options.seconds(), 0) + " s";
  return {
      {"4,096 outstanding, checkouts/s", f.many.text(0), "ceiling " + f.many_ceiling.text(0), many.text(2),
       ">= 0.4, >= 300,000/s", at_least(many, 0.4) && f.many.median() >= 300'000},
      {"  processor us a checkout", f.cpu.text(2), "ceiling " + f.cpu_ceiling.text(2),
       ratios(f.cpu, f.cpu_ceiling).text(2), "", true},
      {"1 outstanding, p50 in us", f.one_p50.text(0), "ceiling " + f.one_p50_ceiling.text(0), one.text(2), "<= 2",
       one.median() <= 2},
      {"one hot product, checkouts/s", f.hot.text(0), "uniform " + f.many.text(0), hot.text(2), ">= 0.9",
       at_least(hot, 0.9)},
      {long_s + " with checkpoints, checkouts/s", f.lasting.text(0), short_s + " " + f.many.text(0), lasting.text(2),
       ">= 0.8", at_least(lasting, 0.8)},
      {"own memory at the end of " + long_s + ", MB", f.rss_late.text(0), "at a quarter " + f.rss_early.text(0),
       rss.text(2), options.quick ? "" : "flat: <= 1.1", rss.median() <= 1.1},
      {"  with mapped file pages", f.rss_total_late.text(0), "at a quarter " + f.rss_total_early.text(0),
       ratios(f.rss_total_late, f.rss_total_early).text(2), "", true},
      {"recovery of " + cmd::grouped(options.recovery_checkouts()) + ", s", f.recovery_s.text(2), "", "",
       options.quick ? "" : "< 3", f.recovery_s.median() < 3},
  };
}

json::object to_json(const Figures& f) {
  const auto values = [](const Sample& sample) { return json::array(sample.values().begin(), sample.values().end()); };
  return {{"many_per_s", values(f.many)},
          {"many_ceiling_per_s", values(f.many_ceiling)},
          {"cpu_us", values(f.cpu)},
          {"cpu_ceiling_us", values(f.cpu_ceiling)},
          {"one_p50_us", values(f.one_p50)},
          {"one_p50_ceiling_us", values(f.one_p50_ceiling)},
          {"hot_per_s", values(f.hot)},
          {"lasting_per_s", values(f.lasting)},
          {"rss_early_mb", values(f.rss_early)},
          {"rss_late_mb", values(f.rss_late)},
          {"rss_total_early_mb", values(f.rss_total_early)},
          {"rss_total_late_mb", values(f.rss_total_late)},
          {"recovery_s", values(f.recovery_s)}};
}

int print(const Figures& figures, const Options& options) {
  const std::vector<Verdict> verdicts = judge(figures, options);
  Table table({Table::Align::left, Table::Align::right, Table::Align::right, Table::Align::right, Table::Align::left,
               Table::Align::left});
  table.row({{"median (least-most)", Tone::strong},
             {"Kontor", Tone::strong},
             {"beside", Tone::strong},
             {"ratio", Tone::strong},
             {"target", Tone::strong},
             ""});
  for (const Verdict& one : verdicts)
    table.row({one.what, one.measured, one.beside, one.ratio, one.target, word_of(one)});
  return conclude(table, verdicts, to_json(figures), options.json_file);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  options.programs = {here / "kontor", here / "ceiling"};
  CLI::App app("The engine beside the ceiling of its shape. Takes about seven minutes, with --quick one and a half.",
               "compare");
  app.add_flag("--quick", options.quick, "Shorter runs, for a first look");
  app.add_option("--repetitions", options.repetitions, "Of each measurement")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--batch", options.batch, "Requests of one submit call")
      ->check(CLI::Range(1, 4'096))
      ->capture_default_str();
  app.add_option("--dir", options.base, "Where the runs write; to be on the disk that is meant")->capture_default_str();
  app.add_option("--json", options.json_file, "Keep all figures in this file");
  CLI11_PARSE(app, argc, argv);
  try {
    return print(measure(options), options);
  } catch (const std::exception& error) {
    std::cerr << "compare: " << error.what() << '\n';
    return 2;
  }
}

// `kontor journal dump|verify`: the records themselves, and whether they are what was written.
#include <algorithm>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/terminal.hpp"
#include "cmd/kontor/time_text.hpp"
#include "persistence/story.hpp"
#include "persistence/verify.hpp"

namespace kontor::cmd {
namespace {

namespace json = boost::json;
using namespace persistence;

struct Options {
  std::string dir, stream;
  ShardId shard = 0;
  Position from = 1;
  std::uint64_t limit = 20;
  bool json = false;
};

constexpr Stream kStreamList[] = {Stream::coordinator, Stream::order, Stream::payment, Stream::inventory};

int fail(std::string_view command, const Error& error, const std::string& explanation) {
  std::cerr << "kontor journal " << command << ": " << to_string(error.code) << ": " << explanation << '\n';
  return exit_code_of(error.code);
}

/// One line per transaction of a record.
std::vector<std::string> contents(const Record& record) {
  std::vector<std::string> out;
  const auto add = [&](const TransactionId& id, const auto& demands) {
    std::string text = transaction_text(id);
    for (const auto& demand : demands) text += ", " + describe(demand);
    out.push_back(std::move(text));
  };
  switch (record.header.kind) {
    case RecordKind::order_prepared:
      (void)read_order_prepared(record.payload,
                                [&](const OrderItem& item) { return add(item.transaction, item.demands), true; });
      break;
    case RecordKind::payment_prepared: (void)read_prepared<PaymentDemand>(record.payload, add); break;
    case RecordKind::inventory_prepared: (void)read_prepared<StockDemand>(record.payload, add); break;
    case RecordKind::payment_open:
      (void)read_open<PaymentDemand>(record.payload, [&](const auto& id, Position, auto demands) { add(id, demands); });
      break;
    case RecordKind::inventory_open:
      (void)read_open<StockDemand>(record.payload, [&](const auto& id, Position, auto demands) { add(id, demands); });
      break;
    case RecordKind::decided:
      if (const auto decisions = read_decided(record.payload))
        for (const OwnDecision& d : *decisions)
          out.push_back(transaction_text(d.transaction) + (d.commit ? ", commit" : ", abort"));
      break;
    case RecordKind::learned:
      if (const auto decisions = read_learned(record.payload))
        for (const auto& d : *decisions)
          out.push_back(transaction_text(d.transaction) + (d.commit ? ", commit" : ", abort"));
      break;
    case RecordKind::stances:
      if (const auto stances = read_stances(record.payload))
        for (const auto& [id, stance] : *stances)
          out.push_back(transaction_text(id) + ", " + std::string(to_string(stance.phase)));
      break;
    case RecordKind::ended:
      if (const auto ended = read_ended(record.payload))
        for (const TransactionId& id : *ended) out.push_back(transaction_text(id));
      break;
    case RecordKind::asked:
      if (const auto asked = read_asked(record.payload))
        for (const Asked& each : *asked)
          out.push_back(transaction_text(each.first) + ", " + std::to_string(each.count) + " from there");
      break;
    case RecordKind::opened:
      if (const auto opened = read_opened(record.payload))
        out.push_back("incarnation " + std::to_string(opened->incarnation));
      break;
    default: break;
  }
  return out;
}

void print(Stream stream, const Record& record, bool as_json) {
  const auto lines = contents(record);
  if (as_json) {
    std::cout << json_text(json::object{{"stream", to_string(stream)},
                                        {"position", record.header.key},
                                        {"time", time_text(record.header.written_at_ns)},
                                        {"kind", to_string(record.header.kind)},
                                        {"version", record.header.version},
                                        {"bytes", record.payload.size()},
                                        {"contents", json::array(lines.begin(), lines.end())}})
              << '\n';
    return;
  }
  std::cout << to_string(stream) << ' ' << record.header.key << "  " << time_text(record.header.written_at_ns) << "  "
            << to_string(record.header.kind) << "  " << record.payload.size() << " bytes, " << lines.size()
            << " item(s)\n";
  for (const std::string& line : lines) std::cout << "    " << line << '\n';
}

int run_dump(const Options& options) {
  std::string explanation;
  const auto lock = DirectoryLock::shared(options.dir, &explanation);
  if (!lock) return fail("dump", lock.error(), explanation);
  if (const auto shards = shards_in(options.dir);
      std::find(shards.begin(), shards.end(), options.shard) == shards.end()) {
    std::cerr << "kontor journal dump: " << options.dir << " has no shard " << options.shard << '\n';
    return kExitUsage;
  }
  const auto store = Store::open({shard_dir(options.dir, options.shard), kMapBytesDefault, true}, &explanation);
  if (!store) return fail("dump", store.error(), explanation);
  const Store::Reader reader(**store);
  for (const Stream stream : kStreamList) {
    if (!options.stream.empty() && options.stream != to_string(stream)) continue;
    std::uint64_t left = options.limit;
    Position failed_at = options.from;
    const auto scanned = reader.scan(
        stream, options.from,
        [&](const Record& record) {
          if (options.limit != 0 && left == 0) return false;
          --left;
          print(stream, record, options.json);
          return true;
        },
        &failed_at);
    if (!scanned)
      return fail("dump", scanned.error(),
                  std::string(to_string(stream)) + " journal, position " + std::to_string(failed_at));
  }
  return kExitOk;
}

int run_verify(const Options& options) {
  std::string explanation;
  const auto report = verify(options.dir, &explanation);
  if (!report) return fail("verify", report.error(), explanation);
  if (options.json) {
    json::object records;
    for (const Stream stream : kStreamList)
      records[to_string(stream)] = report->records[static_cast<std::size_t>(stream)];
    std::cout << json_text(json::object{{"sound", report->sound()},
                                        {"shards", report->shards},
                                        {"pages", report->pages},
                                        {"bytes", report->bytes},
                                        {"records", std::move(records)},
                                        {"faults", json::array(report->faults.begin(), report->faults.end())}})
              << '\n';
    return report->sound() ? kExitOk : kExitCheckFailed;
  }
  const bool colour = wants_colour(stdout);
  std::uint64_t records = 0, rows = 0;
  for (const auto count : report->records) records += count;
  for (const auto count : report->rows) rows += count;
  std::cout << painted(report->sound() ? "sound" : "DAMAGED", report->sound() ? Tone::good : Tone::bad, colour) << ": "
            << grouped(records) << " records and " << grouped(rows) << " table rows, " << bytes_text(report->bytes)
            << ", in " << grouped(report->pages) << " pages of " << report->shards << " shard(s)\n";
  for (const std::string& fault : report->faults) std::cout << "  " << fault << '\n';
  return report->sound() ? kExitOk : kExitCheckFailed;
}

}  // namespace

void add_journal_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* journal = app.add_subcommand("journal", "Look at the records of a closed directory, or check them");
  journal->require_subcommand(1);
  CLI::App* dump = journal->add_subcommand("dump", "Print records, oldest first");
  dump->add_option("dir", options->dir, "The engine's directory")->required()->type_name("DIR");
  dump->add_option("--stream", options->stream, "Only this journal")
      ->check(CLI::IsMember({"coordinator", "order", "payment", "inventory"}));
  dump->add_option("--shard", options->shard, "Which shard")->capture_default_str();
  dump->add_option("--from", options->from, "First position")->capture_default_str();
  dump->add_option("--limit", options->limit, "Records of each journal; 0: all")->capture_default_str();
  dump->add_flag("--json", options->json, "One JSON object a line");
  dump->callback([options, &exit_code] { exit_code = run_dump(*options); });
  CLI::App* verify = journal->add_subcommand("verify", "Read every stored byte and check it; exit code 1 if damaged");
  verify->add_option("dir", options->dir, "The engine's directory")->required()->type_name("DIR");
  verify->add_flag("--json", options->json, "Print one JSON object");
  verify->callback([options, &exit_code] { exit_code = run_verify(*options); });
}

}  // namespace kontor::cmd

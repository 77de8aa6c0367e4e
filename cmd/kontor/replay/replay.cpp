#include "cmd/kontor/replay/replay.hpp"

#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/replay/books_check.hpp"
#include "cmd/kontor/replay/pipeline.hpp"

namespace kontor::cmd::replay {
namespace {

/// Books every invoice. Errors: why it stopped before the end.
Result<void> book_all(Engine& engine, const InvoiceFile& file, Bookkeeper& books, ReplayTally& tally,
                      const OnProgress& on_progress, const std::atomic<bool>& stop) {
  const auto submit = [&](std::span<const Request> requests, OnOutcomes then) {
    engine.submit(requests, std::move(then));
  };
  Pipeline pipeline({}, file.invoices().size(), submit,
                    [&](const Step& step, Errc code) { tally.on_finished(step, code); });
  std::vector<Step> steps;
  books.open(steps);
  const auto count = static_cast<std::uint32_t>(file.invoices().size());
  for (std::uint32_t i = 0; i < count && !pipeline.stopped(); ++i) {
    if (stop) pipeline.stop({Errc::deadline_exceeded, "interrupted"});
    books.book(i, steps);
    for (Step& step : steps) pipeline.add(std::move(step));
    steps.clear();
    on_progress("booking  " + grouped(i + 1) + " of " + grouped(count) + " invoices");
  }
  for (Step& step : steps) pipeline.add(std::move(step));  // The shop's accounts, of a file without invoices.
  pipeline.finish();
  if (pipeline.stopped()) return *pipeline.stopped();
  return {};
}

std::string words_of(const Error& error) {
  const std::string again = "; run the same command again to go on";
  if (error.code == Errc::storage_full) return "the disk or the map is full: make room" + again;
  if (error.code == Errc::deadline_exceeded) return "interrupted" + again;
  return std::string(to_string(error.code)) + again;
}

}  // namespace

Result<ReplayReport> run_replay(const ReplayOptions& options, const OnProgress& on_progress,
                                const std::atomic<bool>& stop, std::string& explanation) {
  const InvoiceFile file =
      read_invoice_file(options.file, [&](std::uint64_t rows) { on_progress("reading  " + grouped(rows) + " rows"); });

  on_progress("opening  " + options.dir.string());
  EngineOptions engine_options;
  engine_options.dir = options.dir;
  engine_options.shards = options.shards;
  engine_options.key_retention = {};  // For ever: the same file again, whenever it is, must not be booked twice.
  auto engine = Engine::open(engine_options, &explanation);
  if (!engine) return engine.error();

  Bookkeeper books(file);
  ReplayTally tally(file);
  if (const auto booked = book_all(**engine, file, books, tally, on_progress, stop); !booked) {
    explanation = words_of(booked.error());
    return booked.error();
  }
  on_progress("comparing balances and stocks");
  for (std::string& fault : compare_books(**engine, books, file)) tally.add_trouble(std::move(fault));
  on_progress("closing");
  engine->reset();

  ReplayReport report = tally.report(books);
  on_progress("auditing");
  auto audit = persistence::audit(options.dir, &explanation);
  if (!audit) return audit.error();
  report.audit = std::move(*audit);
  return report;
}

}  // namespace kontor::cmd::replay

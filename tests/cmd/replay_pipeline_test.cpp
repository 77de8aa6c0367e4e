#include "cmd/kontor/replay/pipeline.hpp"
#include "cmd/kontor/replay/report.hpp"
#include "tests/cmd/chaotic_engine.hpp"
#include "tests/cmd/random_invoices.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace kontor;
using namespace kontor::cmd::replay;
using kontor::tests::ChaoticEngine;

InvoiceFile file_of(const std::string& text) {
  InvoiceFile file;
  bool header = true;
  read_csv(text, 1 << 20, [&](const CsvRow& row) {
    if (!std::exchange(header, false)) file.add(row);
  });
  return file;
}

/// One run of the replay on a stand-in.
struct Run {
  explicit Run(const InvoiceFile& invoices) : file(invoices), books(invoices), tally(invoices) {}

  /// False: stopped.
  bool on(ChaoticEngine& engine, PipelineOptions options = {}) {
    const auto submit = [&](std::span<const Request> requests, OnOutcomes then) {
      engine.submit(requests, std::move(then));
    };
    Pipeline pipeline(options, file.invoices().size(), submit,
                      [&](const Step& step, Errc code) { ++finished, tally.on_finished(step, code); });
    std::vector<Step> steps;
    books.open(steps);
    for (std::uint32_t i = 0; i < file.invoices().size(); ++i) books.book(i, steps);
    sent = steps.size();
    for (Step& step : steps) pipeline.add(std::move(step));
    pipeline.finish();
    return !pipeline.stopped();
  }

  const InvoiceFile& file;
  Bookkeeper books;
  ReplayTally tally;
  std::size_t sent = 0, finished = 0;
};

void check_books(const Run& run, const ChaoticEngine& engine) {
  REQUIRE(engine.accounts().size() == run.books.accounts());
  for (std::uint32_t i = 0; i < run.books.accounts(); ++i) {
    const Account* account = engine.account(run.books.account_id(i));
    REQUIRE(account);
    CHECK(account->balance == run.books.balance(i));
    if (i != kBank) CHECK(account->balance >= 0);
  }
  for (std::uint32_t i = 0; i < run.file.skus().size(); ++i) {
    const Product* product = engine.product(run.file.skus()[i]);
    REQUIRE(product);
    CHECK(product->on_hand == run.books.stock(i).on_hand());
    CHECK(product->sold == run.books.stock(i).sold);
    CHECK(product->returned == run.books.stock(i).returned);
    CHECK(product->adjusted == run.books.stock(i).adjusted);
  }
}

TEST_CASE("replay pipeline: in whatever order the engine works, nothing is refused", "[cmd][replay]") {
  const auto seed = GENERATE(range(1u, 21u));
  CAPTURE(seed);
  const InvoiceFile file = file_of(tests::random_invoices(seed, 400));
  ChaoticEngine engine(seed);
  Run run(file);
  PipelineOptions options;
  options.steps_max = seed % 2 == 0 ? 8'192 : 50 * seed;  // The whole file at once, or a window over it.
  options.batch_steps = 1 + 13 * (seed % 5);
  REQUIRE(run.on(engine, options));
  CHECK(run.finished == run.sent);
  CHECK(engine.effects() == run.sent);
  CHECK(engine.pending_max() > 1);
  const ReplayReport report = run.tally.report(run.books);
  CHECK(report.troubles.empty());
  CHECK(report.refunds > 0);
  CHECK(report.refunds_unmatched_rows > 0);
  CHECK(report.rows == report.rows_booked + report.refused_total());
  CHECK(engine.orders() == report.checkouts);
  check_books(run, engine);
}

TEST_CASE("replay pipeline: cut short anywhere and run again, it comes to the same", "[cmd][replay]") {
  const auto seed = GENERATE(range(1u, 16u));
  CAPTURE(seed);
  const InvoiceFile file = file_of(tests::random_invoices(seed, 300));
  ChaoticEngine undisturbed(1);
  Run whole(file);
  REQUIRE(whole.on(undisturbed));

  ChaoticEngine engine(seed + 100);
  std::mt19937 random(seed);
  for (int crashes = 0; crashes < 6; ++crashes) {
    engine.stop_after(random() % (whole.sent / 8), Errc::shutting_down);
    Run cut(file);
    CHECK_FALSE(cut.on(engine));
  }
  engine.go_on();
  const std::uint64_t done = engine.effects(), replays = engine.replays();
  CHECK(done < whole.sent);
  Run again(file);
  REQUIRE(again.on(engine));
  CHECK(engine.replays() == replays + done);
  CHECK(engine.effects() == whole.sent);
  CHECK(boost::json::value(to_json(again.tally.report(again.books), true)) ==
        to_json(whole.tally.report(whole.books), true));
  check_books(again, engine);
}

TEST_CASE("replay pipeline: what may be tried again is, and only that", "[cmd][replay]") {
  const auto [code, want] = GENERATE(table<Errc, NextMove>({
      {Errc::overloaded, NextMove::try_again},
      {Errc::conflict, NextMove::try_again},
      {Errc::transaction_aborted, NextMove::try_again},
      {Errc::outcome_unknown, NextMove::try_again},
      {Errc::request_in_progress, NextMove::try_again},
      {Errc::insufficient_funds, NextMove::wait_a_moment},
      {Errc::out_of_stock, NextMove::wait_a_moment},
      {Errc::unknown_order, NextMove::wait_a_moment},
      {Errc::storage_full, NextMove::stop},
      {Errc::shutting_down, NextMove::stop},
      {Errc::idempotency_key_reused, NextMove::give_up},
      {Errc::exceeds_order, NextMove::give_up},
  }));
  CHECK(next_move(code) == want);
  if (want != NextMove::try_again && want != NextMove::wait_a_moment) return;
  const InvoiceFile file = file_of(tests::random_invoices(5, 60));
  ChaoticEngine engine(5);
  engine.hesitate(30, code);
  Run run(file);
  REQUIRE(run.on(engine));
  CHECK(run.tally.report(run.books).troubles_total == 0);
  check_books(run, engine);
}

TEST_CASE("replay pipeline: an engine that refuses is reported row by row, not waited for", "[cmd][replay]") {
  const InvoiceFile file = file_of(tests::random_invoices(6, 60));
  ChaoticEngine engine(6);
  engine.hesitate(100, Errc::conflict);
  Run run(file);
  PipelineOptions options;
  options.attempts_max = 2;
  REQUIRE(run.on(engine, options));
  CHECK(run.finished == run.sent);
  const ReplayReport report = run.tally.report(run.books);
  CHECK(report.rows_booked == 0);
  CHECK(report.rows == report.refused_total());
  CHECK(report.rows_refused.at("conflict") > 0);
  CHECK(report.checkouts + report.refunds + report.adjustments == 0);
  CHECK(report.customers + report.skus == 0);
  CHECK(report.troubles.size() == kTroublesMax);
  CHECK(report.troubles_total == run.sent);
  CHECK_FALSE(report.clean());
}

TEST_CASE("replay pipeline: a directory with another file's replay says so", "[cmd][replay]") {
  ChaoticEngine engine(7);
  const InvoiceFile file = file_of(tests::random_invoices(7, 20)), other = file_of(tests::random_invoices(8, 20));
  Run first(file), second(other);
  REQUIRE(first.on(engine));
  REQUIRE(second.on(engine));
  const ReplayReport report = second.tally.report(second.books);
  CHECK(report.troubles_total > 0);
  CHECK(report.rows_refused.at("idempotency_key_reused") > 0);
}

}  // namespace

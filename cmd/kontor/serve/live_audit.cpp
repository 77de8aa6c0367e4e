#include "cmd/kontor/serve/live_audit.hpp"

#include <future>
#include <thread>

#include "cmd/kontor/serve/audit_rules.hpp"

namespace kontor::cmd::serve {
namespace {

namespace persisted = persistence::views;
using Clock = std::chrono::steady_clock;

template <class Value>
using Answer = std::promise<Result<Value>>;

}  // namespace

struct LiveAudit::Accounts {
  using Row = Account;
  using Name = AccountId;
  using RowPage = AccountPage;
  using Span = AccountSpan;
  static constexpr const char* kObject = "account ";
  static constexpr const char* kStage = "accounts";

  static const Name& name(const Row& row) { return row.id; }
  static const std::vector<Row>& rows(const RowPage& page) { return page.accounts; }
  static void page(Engine& engine, ShardId shard, const std::optional<Name>& from, OnRead<RowPage> then) {
    engine.accounts(shard, from, kAuditPageRows, std::move(then));
  }
  static void one(Engine& engine, const Name& name, OnRead<Row> then) { engine.account(name, std::move(then)); }
  static auto view(const Snapshot& log, const Name& name) { return log.account(name); }
  static Result<void> all(const Snapshot& log, const std::function<bool(const Name&)>& visit) {
    return log.accounts([&](const Name& name, const auto&) { return visit(name); });
  }
  static std::uint64_t& counted(LiveAuditReport& report) { return report.accounts; }

  static Result<Span> span(const Name& name, const Snapshot& before, const Snapshot& after) {
    const auto first = before.account(name), second = after.account(name);
    if (!first || !second) return first ? second.error() : first.error();
    Span span{*first, *second, 0, 0};
    if (!span.after) return span;
    std::uint64_t posted = span.after->entries - (span.before ? span.before->entries : 0);
    const auto read = after.entries(
        *span.after,
        [&](const persisted::Entry& entry) {
          if (posted == 0) return false;
          --posted;
          (entry.amount < 0 ? span.debits : span.credits) += entry.amount;
          return true;
        },
        true);
    if (!read) return read.error();
    return span;
  }
};

struct LiveAudit::Products {
  using Row = Product;
  using Name = Sku;
  using RowPage = ProductPage;
  using Span = ProductSpan;
  static constexpr const char* kObject = "sku ";
  static constexpr const char* kStage = "products";

  static const Name& name(const Row& row) { return row.sku; }
  static const std::vector<Row>& rows(const RowPage& page) { return page.products; }
  static void page(Engine& engine, ShardId shard, const std::optional<Name>& from, OnRead<RowPage> then) {
    engine.products(shard, from, Engine::Direction::onwards, kAuditPageRows, std::move(then));
  }
  static void one(Engine& engine, const Name& name, OnRead<Row> then) { engine.product(name, std::move(then)); }
  static auto view(const Snapshot& log, const Name& name) { return log.product(name); }
  static Result<void> all(const Snapshot& log, const std::function<bool(const Name&)>& visit) {
    return log.products([&](const Name& name, const auto&) { return visit(name); });
  }
  static std::uint64_t& counted(LiveAuditReport& report) { return report.products; }

  static Result<Span> span(const Name& name, const Snapshot& before, const Snapshot& after) {
    const auto first = before.product(name), second = after.product(name);
    if (!first || !second) return first ? second.error() : first.error();
    return Span{*first, *second};
  }
};

Result<LiveAuditReport> LiveAudit::run() {
  const auto started = Clock::now();
  const auto log = look();
  if (!log) return log.error();
  if (auto checked = check_log(**log); !checked) return checked.error();
  std::uint64_t accounts = 0, products = 0;
  const auto count = [](std::uint64_t& into) { return [&into](const auto&) { return ++into != 0; }; };
  if (auto counted = Accounts::all(**log, count(accounts)); !counted) return counted.error();
  if (auto counted = Products::all(**log, count(products)); !counted) return counted.error();
  if (auto compared = compare<Accounts>(*log, accounts); !compared) return compared.error();
  if (auto compared = compare<Products>(*log, products); !compared) return compared.error();
  report_.seconds = std::chrono::duration<double>(Clock::now() - started).count();
  return report_;
}

Result<void> LiveAudit::go_on() const {
  if (cancelled_) return Error{Errc::shutting_down, "audit"};
  return {};
}

void LiveAudit::fault(const std::string& object, const std::string& what) {
  ++report_.faults_total;
  if (report_.faults.size() < kAuditFaultsMax) report_.faults.push_back(object + ": " + what);
}

Result<LiveAudit::Look> LiveAudit::look_once() {
  Answer<Look> answer;
  views_.ask([&answer](const Result<const Views::Store*>& store) {
    answer.set_value(store ? Result<Look>(std::make_shared<const Snapshot>(**store)) : Result<Look>(store.error()));
  });
  return answer.get_future().get();
}

/// All that has committed by now, as of one moment. The views may have much to read first.
Result<LiveAudit::Look> LiveAudit::look() {
  for (const auto until = Clock::now() + kAuditCatchUpMax;;) {
    auto look = look_once();
    if (look.code() != Errc::overloaded || Clock::now() > until) return look;
    if (auto on = go_on(); !on) return on.error();
  }
}

/// What the log says, by itself.
Result<void> LiveAudit::check_log(const Snapshot& log) {
  progress_.stage = "entries";
  const auto head = log.head();
  if (!head) return head.error();
  report_.events = head->sequence;
  if (head->unbalanced != 0)
    fault("log", std::to_string(head->unbalanced) + " request(s) whose postings do not sum to zero");
  std::map<std::uint16_t, Minor> sums;
  Result<void> inside;
  const auto walked = log.accounts([&](const AccountId& id, const persisted::AccountView& account) {
    sums[account.currency.number] += account.balance;
    inside = check_account(log, id, account);
    return static_cast<bool>(inside);
  });
  if (!walked) return walked;
  for (const auto& [currency, sum] : sums)
    if (sum != 0)
      fault("currency " + std::string(currency_code(Currency{currency})),
            "balances sum to " + std::to_string(sum) + ", not 0");
  return inside;
}

Result<void> LiveAudit::check_account(const Snapshot& log, const AccountId& id, const persisted::AccountView& account) {
  Minor balance = 0;
  std::uint64_t entries = 0, wrong = 0;
  const auto read = log.entries(account, [&](const persisted::Entry& entry) {
    balance += entry.amount;
    if (entry.balance != balance) ++wrong;
    ++progress_.checked;
    ++entries;
    return !cancelled_;
  });
  if (!read) return read;
  if (auto on = go_on(); !on) return on;
  report_.entries += entries;
  const std::string name = "account " + id.str();
  if (wrong != 0) fault(name, std::to_string(wrong) + " entries with a balance that does not follow from those before");
  if (balance != account.balance || entries != account.entries)
    fault(name, "its " + std::to_string(entries) + " entries add up to " + std::to_string(balance) + ", not to " +
                    std::to_string(account.balance) + " in " + std::to_string(account.entries));
  return {};
}

/// Holds a row against the log. False: it differs, which may be for the moment only.
template <class Kind>
Result<bool> LiveAudit::judge_row(const typename Kind::Row& row, const Look& before, const Look& after) {
  const auto span = Kind::span(Kind::name(row), *before, *after);
  if (!span) return span.error();
  const Finding finding = judge(row, *span);
  if (finding == Finding::in_motion) ++report_.in_motion;
  return finding != Finding::differs;
}

/// Holds a page of rows against the log as it was before and after they were read. Returns how many `log` knows.
template <class Kind>
Result<std::uint64_t> LiveAudit::judge_rows(const std::vector<typename Kind::Row>& rows, const Look& log,
                                            const Look& before, const Look& after) {
  std::uint64_t known = 0;
  for (const typename Kind::Row& row : rows) {
    const std::string name = Kind::name(row).str(), object = Kind::kObject + name;
    for (const std::string& what : broken(row)) fault(object, what);
    const auto same = judge_row<Kind>(row, before, after);
    const auto there = Kind::view(*log, Kind::name(row));
    if (!same || !there) return same ? there.error() : same.error();
    if (*there) ++known;
    if (!*same && doubts_.size() < kAuditDoubtsMax)
      doubts_.push_back(name);
    else if (!*same)
      fault(object, "is not what the log adds up to");
    ++Kind::counted(report_);
    ++progress_.checked;
  }
  return known;
}

/// Holds all rows that the engine has against the log; `expected`: how many `log` knows.
template <class Kind>
Result<void> LiveAudit::compare(Look log, std::uint64_t expected) {
  progress_.stage = Kind::kStage;
  std::uint64_t known = 0;
  Look before = log;
  for (ShardId shard = 0; shard < engine_.shards(); ++shard) {
    std::optional<typename Kind::Name> from;
    for (bool more = true; more;) {
      Answer<typename Kind::RowPage> answer;
      Kind::page(engine_, shard, from, [&answer](const auto& page) { answer.set_value(page); });
      const auto page = answer.get_future().get();
      if (!page) return page.error();
      const auto after = look();
      if (!after) return after.error();
      const auto& rows = Kind::rows(*page);
      const auto judged = judge_rows<Kind>(rows, log, before, *after);
      if (!judged) return judged.error();
      known += *judged;
      if (!rows.empty()) from = Kind::name(rows.back());
      more = page->more;
      before = *after;
      if (auto on = go_on(); !on) return on;
    }
  }
  if (known < expected)
    if (auto found = find_missing<Kind>(*log); !found) return found;
  return look_again<Kind>(before);
}

/// Names what the log knows and the engine has no row of.
template <class Kind>
Result<void> LiveAudit::find_missing(const Snapshot& log) {
  Result<void> stopped;
  const auto walked = Kind::all(log, [&](const typename Kind::Name& name) {
    Answer<typename Kind::Row> answer;
    Kind::one(engine_, name, [&answer](const auto& row) { answer.set_value(row); });
    const auto row = answer.get_future().get();
    if (row.code() == Errc::shutting_down) stopped = row.error();
    if (!row && stopped && doubts_.size() < kAuditDoubtsMax) doubts_.push_back(name.str());
    return static_cast<bool>(stopped);
  });
  return walked ? stopped : walked;
}

/// Looks at rows that differ again and again: what was only on its way is there by then.
template <class Kind>
Result<void> LiveAudit::look_again(Look before) {
  progress_.stage = "doubts";
  for (unsigned round = 1; round <= kAuditRounds && !doubts_.empty(); ++round) {
    std::this_thread::sleep_for(kAuditEvery);
    if (auto on = go_on(); !on) return on;
    std::vector<std::pair<std::string, Result<typename Kind::Row>>> rows;
    for (const std::string& name : doubts_) {
      Answer<typename Kind::Row> answer;
      Kind::one(engine_, Kind::Name::unchecked(name), [&answer](const auto& row) { answer.set_value(row); });
      rows.emplace_back(name, answer.get_future().get());
    }
    const auto after = look();
    if (!after) return after.error();
    doubts_.clear();
    for (const auto& [name, row] : rows) {
      if (row.code() == Errc::shutting_down) return row.error();
      const auto same = row ? judge_row<Kind>(*row, before, *after) : Result<bool>(false);
      if (!same) return same.error();
      if (*same) continue;
      doubts_.push_back(name);
      if (round < kAuditRounds) continue;
      if (!row) {
        fault(Kind::kObject + name, "is in committed requests but missing");
        continue;
      }
      const auto span = Kind::span(Kind::name(*row), *before, **after);
      if (!span) return span.error();
      fault(Kind::kObject + name, difference(*row, *span));
    }
    before = *after;
  }
  doubts_.clear();
  return {};
}

}  // namespace kontor::cmd::serve

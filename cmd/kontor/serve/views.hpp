#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "actors/engine.hpp"
#include "persistence/views/view_store.hpp"

namespace kontor::cmd::serve {

inline constexpr std::size_t kViewQueriesMax = 1'024;  // Waiting: each takes some 100 us, so the last waits 0.1 s.
inline constexpr std::size_t kViewPageEvents = 500;    // Of one look at the log: the shard's orders wait ~1 ms.
inline constexpr std::size_t kViewBatchRows = 20'000;  // Of one commit, before the page that reaches it: some 100 ms.
/// Of the engine between two looks at it, 10,000 a second: with more it is at work, and for kViewBusyFor after it,
/// however often it has nothing open for a moment. Up to here the views cost a tenth of a core.
inline constexpr std::uint64_t kViewIdleRequestsMax = 2'000;
inline constexpr std::chrono::milliseconds kViewBusyFor{1'000};
inline constexpr std::chrono::milliseconds kViewWaitMax{2'000};  // Of a query for what had committed before it.
inline constexpr std::uint64_t kViewFreeBytesMin = 256u << 20;   // Left on the disk: the journals come first.

struct ViewsOptions {
  std::filesystem::path dir;
  std::chrono::milliseconds wait_max = kViewWaitMax;
  std::uint64_t free_bytes_min = kViewFreeBytesMin;
  std::uint64_t map_bytes = kMapBytesDefault;
  std::uint64_t idle_requests_max = kViewIdleRequestsMax;
};

/// Running totals. Any thread may ask.
struct ViewsCounters {
  std::uint64_t queries = 0;  ///< Answered, or refused:
  std::uint64_t refused = 0;  ///< The log was not taken in in time, or could not be.
  std::uint64_t applied = 0;  ///< Committed requests in the views.
  std::uint64_t behind = 0;   ///< Committed since these were opened or last up to date, and not in the views yet.
  std::uint64_t rebuilds = 0;
  std::uint64_t bytes = 0;  ///< Of their file.
};

/// Keeps the views of an open engine, by one thread that reads the engine's log. Nobody asks: it reads only while the
/// engine has nothing to do, so that it takes nothing from checkouts. Somebody asks: it first takes in all that had
/// committed by then, so that whoever has heard of a commit finds it. The engine outlives it.
class Views {
 public:
  /// `on_event` is called on the views' thread for each event, before anybody sees it in them.
  Views(Engine& engine, ViewsOptions options, std::function<void(const Event&)> on_event = {});
  ~Views() { stop(); }

  using Store = persistence::views::ViewStore;
  /// Calls `then` once, on the views' thread, when all that committed before this call is in; it must not block.
  /// Errors: overloaded (too many wait, or the log is too far ahead: it goes on being read), storage_full,
  /// shutting_down, io_error, corrupt_journal.
  void ask(std::function<void(const Result<const Store*>&)> then);
  ViewsCounters counters() const;
  /// Answers what waits and ends the thread.
  void stop();

 private:
  struct Query {
    std::chrono::steady_clock::time_point until;
    std::function<void(const Result<const Store*>&)> then;
  };
  using Time = std::chrono::steady_clock::time_point;

  void run();
  void answer(std::vector<Query> queries);
  Result<void> open();
  Result<bool> same_log();
  Result<void> catch_up(Time until);
  Result<void> catch_up(ShardId shard, Time until);
  Result<EventPage> page_of(ShardId shard, std::uint64_t after, std::size_t most);
  /// What was read of a shard's log and is not in the views yet.
  struct Gathered {
    std::vector<persistence::views::Fact> facts;
    std::uint64_t reached = 0;
    std::size_t rows = 0;  ///< That they change.
    bool full() const { return rows >= kViewBatchRows; }
  };
  Result<EventPage> gather(ShardId shard, Gathered& into);
  Result<void> take(ShardId shard, Gathered& from);
  bool engine_is_idle(std::uint64_t before);
  void idle();
  bool asked() const;
  bool has_room() const;

  Engine& engine_;
  const ViewsOptions options_;
  const std::function<void(const Event&)> on_event_;
  std::unique_ptr<Store> store_;
  Time wanted_until_;            ///< Somebody asked lately and got no answer.
  Time busy_until_;              ///< The engine had much to do lately.
  std::uint64_t submitted_ = 0;  ///< To the engine, at the last look at whether it is idle.

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Query> waiting_;
  bool stopping_ = false;
  std::atomic<std::uint64_t> queries_{0}, refused_{0}, applied_{0}, rebuilds_{0}, bytes_{0};
  std::atomic<std::uint64_t> up_to_date_{0};  ///< Committed by the engine minus applied, when it was up to date.
  std::thread thread_;
};

}  // namespace kontor::cmd::serve

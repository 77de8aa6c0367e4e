#include "cmd/kontor/serve/event_log.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

#include <boost/json/serialize.hpp>

#include "cmd/kontor/serve/answer.hpp"
#include "cmd/kontor/time_text.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

constexpr std::string_view kPrefix = "evc_";
constexpr std::string_view kEventsPath = "/v1/events";
constexpr std::size_t kFeedEvents = 100;         // Of one piece of a feed.
constexpr std::chrono::seconds kSilenceMax{15};  // Of a feed: then a comment shows that it is alive.

std::string hex(std::uint64_t number) {
  std::array<char, 16> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr};
}

/// Waits for every shard's page, then merges them. All on the lane, but for the engine's answers.
struct Merge {
  Objects& objects;
  EventCursor cursor;
  std::size_t most = 0;
  std::vector<EventPage> pages;
  std::size_t missing = 0;
  Error failure;
  std::function<void(const Result<LogStretch>&)> then;

  void add(ShardId shard, const Result<EventPage>& page) {
    if (page)
      pages[shard] = *page;
    else
      failure = page.error();
    if (--missing != 0) return;
    if (failure.code != Errc::none) return then(failure);
    then(merged());
  }

 private:
  LogStretch merged() {
    LogStretch out{{}, cursor, false};
    std::vector<std::size_t> next(pages.size());
    const auto shards = static_cast<ShardId>(pages.size());
    const auto head = [&](ShardId shard) -> const Event* {
      return next[shard] < pages[shard].events.size() ? &pages[shard].events[next[shard]] : nullptr;
    };
    while (out.events.size() < most) {
      std::optional<ShardId> first;
      for (ShardId shard = 0; shard < shards; ++shard)
        if (head(shard) && (!first || head(shard)->record.enrolled_at_ns < head(*first)->record.enrolled_at_ns))
          first = shard;
      if (!first) break;
      Event& event = pages[*first].events[next[*first]++];
      objects.forget(event);
      out.reached.at(*first) = event.place;
      out.events.push_back({*first, std::move(event), out.reached.text()});
    }
    for (ShardId shard = 0; shard < shards; ++shard) {
      const bool left = head(shard) != nullptr;
      if (!left) out.reached.at(shard) = pages[shard].reached;
      out.more = out.more || left || pages[shard].more;
    }
    return out;
  }
};

/// Asked again and again by its connection; what it says is in order.
class EventFeed : public http::Feed {
 public:
  EventFeed(Shared& shared, http::RequestPtr request, http::Post post, const EventCursor& cursor)
      : shared_(shared), request_(std::move(request)), post_(std::move(post)), cursor_(cursor) {
    ++shared_.feeds;
  }
  ~EventFeed() override { --shared_.feeds; }

  void next(std::function<void(std::optional<std::string>)> then) override {
    // For each piece: a feed may outlive its key.
    const auto who = authenticate(shared_.keys.get(), *request_);
    if (!who || scope_of(access_to("GET", kEventsPath), *who) == Scope::none) return then({});
    // Its connection holds the feed as long as it waits for this.
    read_log(shared_.engine, shared_.objects, post_, cursor_, kFeedEvents,
             [this, then = std::move(then)](const Result<LogStretch>& stretch) {
               if (stretch) return then(told(*stretch));
               if (!is_retryable(stretch.code())) return then({});
               then(told({{}, cursor_, false}));  // A shard is away for now, or the server ends.
             });
  }

 private:
  std::string told(const LogStretch& stretch) {
    cursor_ = stretch.reached;
    std::string text;
    for (const LoggedEvent& logged : stretch.events) {
      text.append("id: ").append(logged.cursor);
      text.append("\nevent: ").append(to_string(kind_of(logged.event.record.operation)));
      text.append("\ndata: ").append(json::serialize(to_json(logged))).append("\n\n");
    }
    const auto now = std::chrono::steady_clock::now();
    if (text.empty() && now - spoke_at_ > kSilenceMax) text = ": nothing new\n\n";
    if (!text.empty()) spoke_at_ = now;
    return text;
  }

  Shared& shared_;
  const http::RequestPtr request_;
  const http::Post post_;
  EventCursor cursor_;
  std::chrono::steady_clock::time_point spoke_at_;  // Long ago: the first piece comes at once.
};

}  // namespace

std::optional<EventCursor> EventCursor::parse(std::string_view text, std::uint16_t shards) {
  if (!text.starts_with(kPrefix)) return {};
  text.remove_prefix(kPrefix.size());
  EventCursor cursor(shards);
  for (ShardId shard = 0; shard < shards; ++shard) {
    const std::string_view part = text.substr(0, text.find('-'));
    const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), cursor.places_[shard], 16);
    if (part.empty() || failure != std::errc{} || end != part.data() + part.size()) return {};
    if ((part.size() == text.size()) != (shard + 1 == shards)) return {};
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return cursor;
}

std::string EventCursor::text() const {
  std::string out(kPrefix);
  for (std::size_t shard = 0; shard < places_.size(); ++shard) out += (shard == 0 ? "" : "-") + hex(places_[shard]);
  return out;
}

void read_log(Engine& engine, Objects& objects, const http::Post& post, const EventCursor& cursor, std::size_t most,
              std::function<void(const Result<LogStretch>&)> then) {
  const std::uint16_t shards = engine.shards();
  auto merge = std::make_shared<Merge>(
      Merge{objects, cursor, most, std::vector<EventPage>(shards), shards, {}, std::move(then)});
  for (ShardId shard = 0; shard < shards; ++shard)
    engine.events(shard, merge->cursor.at(shard), most, [post, merge, shard](const Result<EventPage>& page) {
      post([merge, shard, page] { merge->add(shard, page); });
    });
}

json::object to_json(const LoggedEvent& logged) {
  std::array<char, 32> id{};
  std::snprintf(id.data(), id.size(), "evt_%02x_%016llx", static_cast<unsigned>(logged.shard),
                static_cast<unsigned long long>(logged.event.place));
  const TransactionRecord& record = logged.event.record;
  return {{"object", "event"},
          {"id", id.data()},
          {"cursor", logged.cursor},
          {"kind", to_string(kind_of(record.operation))},
          {"created_at", time_text(record.enrolled_at_ns)},
          {"data", to_json(record)}};
}

std::shared_ptr<http::Feed> event_feed(Shared& shared, const http::RequestPtr& request, const http::Post& post,
                                       const EventCursor& cursor) {
  return std::make_shared<EventFeed>(shared, request, post, cursor);
}

}  // namespace kontor::cmd::serve

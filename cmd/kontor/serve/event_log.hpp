#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "actors/engine.hpp"
#include "cmd/http/message.hpp"
#include "cmd/kontor/serve/api.hpp"

namespace kontor::cmd::serve {

/// How far each shard's log has been read. As text, `evc_` and a hexadecimal place for each shard: `evc_500000-0-1a`.
class EventCursor {
 public:
  explicit EventCursor(std::uint16_t shards) : places_(shards) {}
  /// None: it is no cursor of an engine with so many shards.
  static std::optional<EventCursor> parse(std::string_view text, std::uint16_t shards);

  std::uint64_t& at(ShardId shard) { return places_[shard]; }
  std::string text() const;

 private:
  std::vector<std::uint64_t> places_;
};

/// An event, and where to go on after it.
struct LoggedEvent {
  ShardId shard = 0;
  Event event;
  std::string cursor;
};
struct LogStretch {
  std::vector<LoggedEvent> events;
  EventCursor reached;
  bool more = false;
};

/// Reads up to `most` events after `cursor` from all shards' logs, merged by the time of enrolment: the order within a
/// shard always holds, between shards it is only near. What they touch is forgotten by
/// `objects` first. `then` is called once, on the lane.
void read_log(Engine& engine, Objects& objects, const http::Post& post, const EventCursor& cursor, std::size_t most,
              std::function<void(const Result<LogStretch>&)> then);

boost::json::object to_json(const LoggedEvent& event);

/// The log from `cursor` on as server-sent events, until the key of `request` may not read it any more or the log
/// cannot be read. `shared.feeds` counts it as long as it is there.
std::shared_ptr<http::Feed> event_feed(Shared& shared, const http::RequestPtr& request, const http::Post& post,
                                       const EventCursor& cursor);

}  // namespace kontor::cmd::serve

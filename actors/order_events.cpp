#include "actors/order_participant.hpp"

namespace kontor::actors {

using persistence::ItemState;
using persistence::Locator;
using persistence::OrderItem;
using persistence::Record;

namespace {

/// Gathers a page, record by record.
class PageReader {
 public:
  PageReader(Locator after, std::size_t most, std::uint64_t newest) : after_(after), most_(most) {
    page_.reached = after.packed;
    page_.newest = newest;
  }

  /// `states`: of the record's items, by delta; empty: all are committed. Returns whether to go on.
  bool read(const Record& record, std::string_view states) {
    const auto read = persistence::read_order_prepared(
        record.payload, [&](const OrderItem& item) { return on_item(record, item, states); });
    if (!read) stop(read.error());
    return !stopped_;
  }
  bool stop(const Error& error) {
    result_ = error;
    stopped_ = true;
    return false;
  }
  Result<EventPage> take() {
    if (!result_) return result_.error();
    return std::move(page_);
  }

 private:
  bool on_item(const Record& record, const OrderItem& item, std::string_view states) {
    const Locator place = Locator::of(record.header.key, item.delta);
    if (place.packed <= after_.packed) return true;
    if (!states.empty() && item.delta >= states.size()) return stop({Errc::corrupt_journal, "outcomes"});
    const auto state = states.empty() ? ItemState::committed : static_cast<ItemState>(states[item.delta]);
    if (state == ItemState::undecided) {
      page_.held_up = stopped_ = true;
      return false;
    }
    if (page_.events.size() == most_ || looked_at_ == kEventItemsMax) return stop_for_more();
    ++looked_at_;
    if (state == ItemState::committed && !add(record, item, place)) return false;
    page_.reached = place.packed;
    return true;
  }
  bool stop_for_more() {
    page_.more = stopped_ = true;
    return false;
  }
  bool add(const Record& record, const OrderItem& item, Locator place) {
    auto request = persistence::request_of(item, record.header);
    if (!request) return true;  // Amends an order for a request that is enrolled elsewhere.
    bytes_ += request->body.size();
    if (bytes_ > kEventBytesMax && !page_.events.empty()) return stop_for_more();
    auto body = persistence::read_body(request->body);
    if (!body) return stop(body.error());
    page_.events.push_back(
        {place.packed,
         {item.transaction, Verdict::committed, request->key, request->written_at_ns, std::move(body->operation)},
         std::move(body->payments),
         std::move(body->stocks)});
    return true;
  }

  const Locator after_;
  const std::size_t most_;
  EventPage page_;
  Result<void> result_;
  std::size_t looked_at_ = 0, bytes_ = 0;
  bool stopped_ = false;
};

}  // namespace

Result<EventPage> OrderParticipant::events(Locator after, std::size_t most) const {
  PageReader reader(after, most, newest_);
  const auto scanned = archive_.scan(after.position(), [&](const Record& record) {
    if (const auto* batch = recent(record.header.key)) return reader.read(record, batch->states);
    const auto states = archive_.outcomes(record.header.key);
    return states ? reader.read(record, *states) : reader.stop(states.error());
  });
  if (!scanned) return scanned.error();
  return reader.take();
}

}  // namespace kontor::actors

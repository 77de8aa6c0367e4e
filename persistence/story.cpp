#include "persistence/story.hpp"

#include <algorithm>

namespace kontor::persistence {
namespace {

/// Walks one shard's journals for records that name the transaction.
class Teller {
 public:
  Teller(const ShardSet::Shard& shard, Story& story) : shard_(shard), story_(story) {}

  Result<void> run(bool amendments_too) {
    amendments_too_ = amendments_too;
    const Store::Reader reader(*shard_.store);
    for (const Stream stream : {Stream::coordinator, Stream::order, Stream::payment, Stream::inventory}) {
      Result<void> inside;
      const auto scanned = reader.scan(stream, 1, [&](const Record& record) {
        inside = visit(stream, record);
        return static_cast<bool>(inside);
      });
      if (!scanned) return scanned;
      if (!inside) return inside;
    }
    return {};
  }

 private:
  StoryEvent& tell(Stream stream, const Record& record) {
    StoryEvent& event = story_.events.emplace_back();
    event.shard = shard_.state.format.shard, event.stream = stream, event.kind = record.header.kind;
    event.position = record.header.key, event.written_at_ns = record.header.written_at_ns;
    return event;
  }

  template <class Demand>
  Result<void> prepared(Stream stream, const Record& record) {
    return read_prepared<Demand>(record.payload,
                                 [&](const TransactionId& transaction, std::span<const Demand> demands) {
                                   if (transaction != story_.transaction) return;
                                   StoryEvent& event = tell(stream, record);
                                   for (const Demand& demand : demands) event.demands.push_back(describe(demand));
                                 });
  }

  Result<void> order_prepared(const Record& record) {
    return read_order_prepared(record.payload, [&](const OrderItem& item) {
      for (const OrderDemand& demand : item.demands) {
        if (!amendments_too_ || demand.action == OrderAction::enroll || demand.order != story_.transaction) continue;
        story_.amendments.push_back(item.transaction);
        break;
      }
      if (item.transaction != story_.transaction) return true;
      StoryEvent& event = tell(Stream::order, record);
      for (const OrderDemand& demand : item.demands) event.demands.push_back(describe(demand));
      return true;
    });
  }

  Result<void> decided(const Record& record) {
    const auto decisions = read_decided(record.payload);
    if (!decisions) return decisions.error();
    for (const OwnDecision& decision : *decisions)
      if (decision.transaction == story_.transaction) tell(Stream::coordinator, record).commit = decision.commit;
    return {};
  }

  Result<void> learned(const Record& record) {
    const auto decisions = read_learned(record.payload);
    if (!decisions) return decisions.error();
    for (const commit::Decision& decision : *decisions)
      if (decision.transaction == story_.transaction) tell(Stream::coordinator, record).commit = decision.commit;
    return {};
  }

  Result<void> stances(const Record& record) {
    const auto taken = read_stances(record.payload);
    if (!taken) return taken.error();
    for (const auto& [transaction, stance] : *taken)
      if (transaction == story_.transaction) tell(Stream::coordinator, record).stance = stance;
    return {};
  }

  Result<void> visit(Stream stream, const Record& record) {
    switch (record.header.kind) {
      case RecordKind::payment_prepared: return prepared<PaymentDemand>(stream, record);
      case RecordKind::inventory_prepared: return prepared<StockDemand>(stream, record);
      case RecordKind::order_prepared: return order_prepared(record);
      case RecordKind::decided: return decided(record);
      case RecordKind::learned: return learned(record);
      case RecordKind::stances: return stances(record);
      case RecordKind::ended: {
        const auto ended = read_ended(record.payload);
        if (!ended) return ended.error();
        if (std::find(ended->begin(), ended->end(), story_.transaction) != ended->end()) tell(stream, record);
        return {};
      }
      default: return {};
    }
  }

  const ShardSet::Shard& shard_;
  Story& story_;
  bool amendments_too_ = false;
};

OrderProgress progress_of(const ShardSet::Shard& home, const Order& made) {
  if (const OrderProgress* replayed = home.state.order.resource.find(made.id)) return *replayed;
  const OrderArchive archive(*home.store, home.state.format.shard);
  if (auto stored = archive.progress(made.id)) return std::move(stored->progress);
  return made.progress;
}

void tell_request(const ShardSet& set, Story& story) {
  auto found = set.find(story.transaction);
  if (!found) return;
  story.outcome = found->state == ItemState::committed ? StoryOutcome::committed : StoryOutcome::aborted;
  if (auto operation = read_body(found->request.body)) {
    story.operation = std::move(*operation);
    if (const auto made = order_made(story.transaction, story.operation->operation))
      story.progress = progress_of(set.shards[story.transaction.shard], *made);
  }
  story.request = std::move(found->request);
}

bool committed(const ShardSet& set, const TransactionId& transaction) {
  const auto found = set.find(transaction);
  return found && found->state == ItemState::committed;
}

}  // namespace

std::string_view to_string(StoryOutcome outcome) {
  switch (outcome) {
    case StoryOutcome::committed: return "committed";
    case StoryOutcome::aborted: return "aborted";
    case StoryOutcome::unknown_here: return "unknown here";
  }
  return "unlisted";
}

Result<Story> tell_story(const ShardSet& set, const TransactionId& transaction) {
  if (transaction.shard >= set.shards.size()) return Error{Errc::not_found, "transaction"};
  Story story;
  story.transaction = transaction;
  tell_request(set, story);
  for (const ShardSet::Shard& shard : set.shards)
    if (auto told = Teller(shard, story).run(story.progress.has_value()); !told) return told.error();
  if (!story.request && story.events.empty()) return Error{Errc::not_found, "transaction"};
  std::erase_if(story.amendments, [&](const TransactionId& id) { return !committed(set, id); });
  const auto is_decision = [](const StoryEvent& event) { return event.commit.has_value(); };
  if (!story.request)
    if (const auto it = std::find_if(story.events.begin(), story.events.end(), is_decision); it != story.events.end())
      story.outcome = *it->commit ? StoryOutcome::committed : StoryOutcome::aborted;
  std::stable_sort(story.events.begin(), story.events.end(), [](const StoryEvent& a, const StoryEvent& b) {
    return a.written_at_ns != b.written_at_ns ? a.written_at_ns < b.written_at_ns : a.position < b.position;
  });
  story.checkpointed = std::none_of(story.events.begin(), story.events.end(), is_decision);
  return story;
}

}  // namespace kontor::persistence

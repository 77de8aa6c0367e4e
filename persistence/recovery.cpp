#include "persistence/recovery.hpp"

#include <algorithm>
#include <thread>

#include "persistence/coordinator_replay.hpp"

namespace kontor::persistence {
namespace {

struct Failure {
  Error error;
  std::string explanation;
};

/// What all replays share; read-only while they run.
struct Context {
  const Store& store;
  ShardId shard = 0;
  CoordinatorJournal coordinator;
};

/// Counts what became of prepared transactions; filled by the order participant, which is part of each.
struct Tally {
  std::uint64_t bytes = 0, records = 0, transactions = 0, committed = 0, aborted = 0, presumed_aborted = 0;
};

/// Interleaves a participant's records with decisions, in order of positions.
/// `on_record(record)` and `on_decision(decision, position, presumed)`; both return Result<void>.
template <class OnRecord, class OnDecision, class Opened>
Result<void> interleave(const Context& context, Stream stream, Position from, const OnRecord& on_record,
                        const OnDecision& on_decision, const Opened& open_before, Failure& failure) {
  std::size_t next = 0;
  const auto decide_until = [&](Position until) {
    for (; next < context.coordinator.decisions.size() && context.coordinator.decisions[next].position < until;
         ++next) {
      const DecisionRecord& record = context.coordinator.decisions[next];
      if (record.opened)
        for (const TransactionId& transaction : open_before(record.opened))
          on_decision(commit::Decision{transaction, false}, record.position, true);
      for (const commit::Decision& decision : record.decisions) on_decision(decision, record.position, false);
    }
  };
  const Store::Reader reader(context.store);
  Result<void> result;
  Position position = from;
  const auto scanned = reader.scan(
      stream, from,
      [&](const Record& record) {
        position = record.header.key;
        decide_until(position);
        result = on_record(record);
        return static_cast<bool>(result);
      },
      &position);
  if (!scanned) result = scanned;
  if (!result) {
    failure = {result.error(), where(stream, position, result.error())};
    return result;
  }
  decide_until(static_cast<Position>(-1));
  return {};
}

/// The own transactions of earlier incarnations among those open, for which no record means abort.
template <class Open>
std::vector<TransactionId> own_before(const Context& context, const Open& open, const TransactionId& opened) {
  std::vector<TransactionId> out;
  for (const auto& [transaction, unused] : open)
    if (transaction.shard == opened.shard && transaction.incarnation < opened.incarnation &&
        !context.coordinator.enlisted.contains(transaction))
      out.push_back(transaction);
  std::sort(out.begin(), out.end());
  return out;
}

Result<Position> replay_from(const Store& store, Stream stream) {
  const Store::Reader reader(store);
  const auto row = reader.get(Table::meta, checkpoint_key(stream));
  if (!row) {
    if (row.code() == Errc::not_found) return Position{1};
    return row.error();
  }
  return read_checkpoint(row->payload);
}

/// Payment and inventory: rows in blocks, prepared and open records.
template <class Resource>
class RowsReplay {
 public:
  using Row = typename Resource::Row;
  using Demand = typename Resource::Demand;

  RowsReplay(const Context& context, Stream stream, Table table, RecordKind prepared, RecordKind open,
             commit::Participant<Resource>& participant)
      : context_(context),
        stream_(stream),
        table_(table),
        prepared_(prepared),
        open_(open),
        participant_(participant) {}

  Failure failure;
  std::uint64_t bytes = 0, records = 0;
  std::map<ShardId, TransactionId> high_water;  ///< Of other shards' transactions seen.

  Result<void> run() {
    if (auto loaded = load_blocks(); !loaded) return loaded;
    const auto from = replay_from(context_.store, stream_);
    if (!from) return failure = {from.error(), "meta: checkpoint"}, from.error();
    if (auto open = load_open(*from); !open) {
      failure = {open.error(), where(stream_, *from, open.error())};
      return open;
    }
    return interleave(
        context_, stream_, *from, [this](const Record& record) { return on_record(record); },
        [this](const commit::Decision& decision, Position position, bool) {
          participant_.settle(decision, position, false, [&](auto row) { return as_of(row).decided < position; });
        },
        [this](const TransactionId& opened) { return own_before(context_, participant_.open(), opened); }, failure);
  }

 private:
  AsOf as_of(std::uint32_t row) const {
    const std::size_t block = row / kRowsPerBlock;
    return block < as_of_.size() ? as_of_[block] : AsOf{};
  }

  Result<void> load_blocks() {
    const Store::Reader reader(context_.store);
    std::vector<Row> rows;
    Result<void> result;
    const auto scanned = reader.scan(table_, {}, [&](std::string_view key, const Record& record) {
      const auto as_of = read_block(record.payload, rows);
      const bool in_order = key == block_key(static_cast<std::uint32_t>(as_of_.size())) &&
                            participant_.resource.rows().size() == as_of_.size() * kRowsPerBlock;
      if (!as_of) {
        result = as_of.error();
      } else if (!in_order) {
        result = Error{Errc::corrupt_journal, "a block is missing"};
      } else {
        as_of_.push_back(*as_of);
        for (const Row& row : rows)
          if (!participant_.resource.add(row)) result = Error{Errc::corrupt_journal, "a row stands twice"};
      }
      return static_cast<bool>(result);
    });
    if (!scanned) result = scanned;
    if (!result)
      failure = {result.error(), "table " + std::string(to_string(table_)) + ": " + std::string(result.error().detail)};
    participant_.resource.rows().take_dirty();  // Loading is no change.
    return result;
  }

  Result<void> hold(const TransactionId& transaction, Position prepared, std::span<const Demand> demands) {
    note_high_water(high_water, transaction, context_.shard);
    auto claim = participant_.resource.resolve(demands);
    if (!claim) return Error{Errc::corrupt_journal, claim.error().detail};
    if (!participant_.holds(transaction))
      participant_.hold(transaction, std::move(*claim), prepared,
                        [&](auto row) { return as_of(row).appended < prepared; });
    return {};
  }

  /// What was open when the checkpoint began, before any decision is replayed: some may stand in the coordinator's
  /// journal before this record and yet be news to the participant that wrote it.
  Result<void> load_open(Position from) {
    const Store::Reader reader(context_.store);
    const auto record = reader.get(stream_, from);
    if (record.code() == Errc::not_found) return {};
    if (!record) return record.error();
    if (record->header.kind != open_) return {};
    Result<void> inside;
    const auto read = read_open<Demand>(
        record->payload, [&](const TransactionId& transaction, Position prepared, std::span<const Demand> demands) {
          if (inside) inside = hold(transaction, prepared, demands);
        });
    if (!read) return read.error();
    return inside;
  }

  Result<void> on_record(const Record& record) {
    ++records;
    bytes += stored_bytes(record);
    // The first was loaded; a later one is of a checkpoint that never ended, and replay comes through all it says.
    if (record.header.kind == open_) return {};
    if (record.header.kind != prepared_) return Error{Errc::corrupt_journal, "unexpected kind of record"};
    Result<void> inside;
    const auto read = read_prepared<Demand>(record.payload, [&](const TransactionId& transaction, auto demands) {
      if (inside) inside = hold(transaction, record.header.key, demands);
    });
    if (!read) return read;
    return inside;
  }

  const Context& context_;
  Stream stream_;
  Table table_;
  RecordKind prepared_, open_;
  commit::Participant<Resource>& participant_;
  std::vector<AsOf> as_of_;
};

/// Orders: requests enrolled, orders amended.
class OrderReplay {
 public:
  OrderReplay(const Context& context, RecoveredShard& shard, KeyIndex* keys)
      : context_(context), shard_(shard), keys_(keys), archive_(context.store, context.shard) {}

  Failure failure;
  Tally tally;
  std::map<ShardId, TransactionId> high_water;

  Result<void> run() {
    const auto from = replay_from(context_.store, Stream::order);
    if (!from) return failure = {from.error(), "meta: checkpoint"}, from.error();
    if (auto loaded = load_reservations(); !loaded)
      return failure = {loaded.error(), "meta: " + std::string(loaded.error().detail)}, loaded;
    return interleave(
        context_, Stream::order, *from, [this](const Record& record) { return on_record(record); },
        [&](const commit::Decision& decision, Position position, bool presumed) {
          on_decision(decision, position, presumed);
        },
        [this](const TransactionId& opened) { return own_before(context_, shard_.order.open(), opened); }, failure);
  }

 private:
  Result<void> on_record(const Record& record) {
    if (record.header.kind != RecordKind::order_prepared)
      return Error{Errc::corrupt_journal, "unexpected kind of record"};
    const auto head = read_order_head(record.payload);
    if (!head) return head.error();
    ++tally.records;
    tally.bytes += stored_bytes(record);
    OrderBatch batch{record.header.key, head->batch, {}, 0, false, true};
    if (auto stored = load_outcomes(batch); !stored) return stored;
    Result<void> inside;
    const auto read = read_order_prepared(record.payload, [&](const OrderItem& item) {
      inside = on_item(batch, item);
      return static_cast<bool>(inside);
    });
    if (!read) return read;
    if (!inside) return inside;
    shard_.batches.push_back(std::move(batch));
    return {};
  }

  Result<void> load_outcomes(OrderBatch& batch) {
    const Store::Reader reader(context_.store);
    const auto row = reader.get(Table::outcomes, position_key(batch.position));
    if (row.code() == Errc::not_found) return {};
    if (!row) return row.error();
    auto outcomes = read_outcomes(row->payload);
    if (!outcomes) return outcomes.error();
    batch.states = std::move(outcomes->states);
    batch.stored = true;
    return {};
  }

  Result<void> on_item(OrderBatch& batch, const OrderItem& item) {
    note_high_water(high_water, item.transaction, context_.shard);
    if (batch.states.size() <= item.delta) batch.states.resize(item.delta + 1, static_cast<char>(ItemState::absent));
    char& state = batch.states[item.delta];
    // Decided before the checkpoint that stored this bitmap: its effects are in the tables and in the key index.
    if (state == static_cast<char>(ItemState::aborted)) return {};
    if (state == static_cast<char>(ItemState::committed)) {
      // A checkpoint cut short may have stored this bitmap and not the one that says where the reservation began.
      for (const OrderDemand& demand : item.demands)
        if (ends_reservation(demand.action)) shard_.order.resource.reservations().end(demand.order);
      return {};
    }
    state = static_cast<char>(ItemState::undecided);
    ++batch.undecided;
    ++tally.transactions;
    OrderBook::Claim claim = OrderBook::resolve(item.demands);
    if (claim.order && !shard_.order.resource.find(claim.order))
      if (auto loaded = load_order(claim.order); !loaded) return loaded;
    shard_.order.hold(item.transaction, std::move(claim), batch.position);
    return {};
  }

  Result<void> load_reservations() {
    const Store::Reader reader(context_.store);
    Result<void> inside;
    const auto scanned = reader.scan(Table::meta, kReservationPrefix, [&](std::string_view key, const Record& record) {
      if (!key.starts_with(kReservationPrefix)) return false;
      const OrderId order = order_of_key(key.substr(kReservationPrefix.size()));
      const auto expires_at_ns = read_reservation_row(record.payload);
      if (!expires_at_ns || !order) {
        inside = Error{Errc::corrupt_journal, "reservation_row"};
      } else {
        shard_.order.resource.reservations().load(order, *expires_at_ns);
      }
      return static_cast<bool>(inside);
    });
    return scanned ? inside : scanned;
  }

  Result<void> load_order(const OrderId& order) {
    const auto stored = archive_.progress(order);
    if (stored) {
      shard_.order.resource.load(order, stored->progress, stored->decided);
      return {};
    }
    if (stored.code() != Errc::not_found) return stored.error();
    auto made = archive_.made(order);
    if (!made) return Error{Errc::corrupt_journal, "amendment of an order that is not there"};
    shard_.order.resource.load(order, std::move(made->progress), 0);
    return {};
  }

  void on_decision(const commit::Decision& decision, Position position, bool presumed) {
    const auto it = shard_.order.open().find(decision.transaction);
    if (it == shard_.order.open().end()) return;
    const KeyDigest key = it->second.claim.key;
    const Position prepared = it->second.prepared;
    const auto batch = std::lower_bound(shard_.batches.begin(), shard_.batches.end(), prepared,
                                        [](const OrderBatch& b, Position p) { return b.position < p; });
    assert(batch != shard_.batches.end());
    const auto delta = settle_item(*batch, decision);
    shard_.order.settle(decision, position);
    if (decision.commit && keys_ && key != KeyDigest{} && delta)
      keys_->insert(key.low, Locator::of(batch->position, *delta));
    ++(decision.commit ? tally.committed : presumed ? tally.presumed_aborted : tally.aborted);
  }

  const Context& context_;
  RecoveredShard& shard_;
  KeyIndex* keys_;
  OrderArchive archive_;
};

std::string in_words(const Format& format) {
  return "shard " + std::to_string(format.shard) + " of " + std::to_string(format.shards);
}

Result<void> check_format(const Store& store, const Format& expected, RecoveredShard& shard, std::string& explanation) {
  const Store::Reader reader(store);
  const auto row = reader.get(Table::meta, kFormatKey);
  if (row.code() == Errc::not_found) {
    shard.format = expected;
    shard.fresh = true;
    for (const Stream stream : {Stream::coordinator, Stream::order, Stream::payment, Stream::inventory})
      if (reader.count(stream) != 0) return Error{Errc::corrupt_journal, "records but no format"};
    return {};
  }
  if (!row) return row.error();
  const auto format = read_format(row->payload);
  if (!format) return format.error();
  shard.format = *format;
  if (format->version != expected.version) return Error{Errc::incompatible_format, "format version"};
  if (format->shard != expected.shard || format->shards != expected.shards) {
    explanation = "was made as " + in_words(*format) + ", not as " + in_words(expected);
    return Error{Errc::incompatible_format, "shard number or count"};
  }
  return {};
}

/// Foreign transactions that some participant here voted yes on and whose decision is not known.
void collect_in_doubt(RecoveredShard& shard, const std::vector<Asked>& asked) {
  auto& list = shard.in_doubt;
  const auto collect = [&](const auto& open) {
    for (const auto& [transaction, unused] : open)
      if (transaction.shard != shard.format.shard) list.push_back({transaction, 0, 0});
  };
  collect(shard.order.open());
  collect(shard.inventory.open());
  collect(shard.payment.open());
  std::ranges::sort(list, {}, &InDoubt::transaction);
  const auto same = [](const InDoubt& a, const InDoubt& b) { return a.transaction == b.transaction; };
  list.erase(std::unique(list.begin(), list.end(), same), list.end());
  for (const Asked& each : asked) {
    TransactionId end = each.first;
    end.sequence += each.count;
    for (auto it = std::ranges::lower_bound(list, each.first, {}, &InDoubt::transaction);
         it != list.end() && it->transaction < end; ++it)
      it->voters = each.voters, it->since_ns = each.since_ns;
  }
}

}  // namespace

std::optional<std::uint32_t> settle_item(OrderBatch& batch, const commit::Decision& decision) {
  const TransactionId& transaction = decision.transaction;
  if (batch.head.shard != transaction.shard || batch.head.incarnation != transaction.incarnation) return {};
  const std::uint64_t delta = transaction.sequence - batch.head.first;  // Wraps for an earlier one: out of range.
  if (delta >= batch.states.size() || batch.states[delta] != static_cast<char>(ItemState::undecided)) return {};
  batch.states[delta] = static_cast<char>(decision.commit ? ItemState::committed : ItemState::aborted);
  --batch.undecided;
  batch.changed = true;
  return static_cast<std::uint32_t>(delta);
}

Result<RecoveredShard> recover(const Store& store, const Format& expected, KeyIndex* keys, std::string* explanation,
                               Replay replay) {
  RecoveredShard shard;
  std::string text;
  const auto fail = [&](const Error& error) {
    if (explanation) *explanation = store.dir().string() + ": " + (text.empty() ? std::string(error.detail) : text);
    return error;
  };
  if (auto format = check_format(store, expected, shard, text); !format) return fail(format.error());
  Context context{store, shard.format.shard, {}};
  auto coordinator = read_coordinator(store, shard, text);
  if (!coordinator) return fail(coordinator.error());
  context.coordinator = std::move(*coordinator);
  {
    const Store::Reader reader(store);
    // Replay may begin behind the last record; its high mark holds all the same.
    if (const auto last = reader.at_or_before(Stream::order, static_cast<Position>(-1)); last) {
      const auto head = read_order_head(last->payload);
      if (!head) return fail(head.error());
      shard.own_high = {shard.format.shard, head->own.incarnation, head->own.sequence};
    } else if (last.code() != Errc::not_found) {
      return fail(last.error());
    }
    for (const Stream stream : {Stream::coordinator, Stream::order, Stream::payment, Stream::inventory}) {
      const Position last = reader.last(stream);
      shard.appended[static_cast<std::size_t>(stream)] = last;
      shard.next = std::max(shard.next, last + 1);
    }
  }
  // The record that the new incarnation is about to append decides what is left open.
  context.coordinator.decisions.push_back({shard.next, {shard.format.shard, shard.incarnation, 0}, {}});

  OrderReplay order(context, shard, keys);
  RowsReplay<Inventory> inventory(context, Stream::inventory, Table::products, RecordKind::inventory_prepared,
                                  RecordKind::inventory_open, shard.inventory);
  RowsReplay<Ledger> payment(context, Stream::payment, Table::accounts, RecordKind::payment_prepared,
                             RecordKind::payment_open, shard.payment);
  Result<void> done[3];
  if (replay == Replay::in_turn) {
    done[0] = order.run(), done[1] = inventory.run(), done[2] = payment.run();
  } else {
    std::jthread first([&] { done[0] = order.run(); });
    std::jthread second([&] { done[1] = inventory.run(); });
    done[2] = payment.run();
  }
  if (!done[0]) return text = order.failure.explanation, fail(done[0].error());
  if (!done[1]) return text = inventory.failure.explanation, fail(done[1].error());
  if (!done[2]) return text = payment.failure.explanation, fail(done[2].error());

  collect_in_doubt(shard, context.coordinator.asked);
  for (const auto* seen : {&order.high_water, &inventory.high_water, &payment.high_water})
    for (const auto& [unused, transaction] : *seen) note_high_water(shard.high_water, transaction, shard.format.shard);
  shard.bytes += order.tally.bytes + inventory.bytes + payment.bytes;
  shard.records += order.tally.records + inventory.records + payment.records;
  shard.transactions = order.tally.transactions;
  shard.committed = order.tally.committed;
  shard.aborted = order.tally.aborted;
  shard.presumed_aborted = order.tally.presumed_aborted;
  return shard;
}

}  // namespace kontor::persistence

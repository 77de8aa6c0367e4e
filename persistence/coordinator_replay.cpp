#include "persistence/coordinator_replay.hpp"

#include <algorithm>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "persistence/table_codec.hpp"

namespace kontor::persistence {
namespace {

/// The stances as the coordinator's journal leaves them.
class StanceReplay {
 public:
  StanceReplay(ShardId self, std::set<TransactionId>& enlisted) : self_(self), enlisted_(enlisted) {}

  void taken(const TransactionId& transaction, const commit::Stance& stance) {
    stances_[transaction] = stance;
    if (stance.voted && transaction.shard == self_) enlisted_.insert(transaction);
  }
  /// By the coordinator alone: an abort that nobody can have overtaken.
  void decided(const OwnDecision& decision) {
    if (!decision.commit) stances_.erase(decision.transaction);
  }
  void learned(const commit::Decision& decision) {
    // A checkpoint that began before this record was told may come from after the stance had gone.
    if (decision.transaction.shard == self_) enlisted_.insert(decision.transaction);
    const auto it = stances_.find(decision.transaction);
    if (it != stances_.end()) it->second.phase = decision.commit ? commit::Phase::committed : commit::Phase::aborted;
  }
  void ended(const TransactionId& transaction) { stances_.erase(transaction); }
  /// Known here, but without claims.
  bool witnessed(const TransactionId& transaction) const {
    const auto it = stances_.find(transaction);
    return it != stances_.end() && (it->second.voters & commit::site_bit(self_)) == 0;
  }
  Stances take() const {
    Stances out(stances_.begin(), stances_.end());
    std::ranges::sort(out, {}, &Stances::value_type::first);
    return out;
  }

 private:
  ShardId self_;
  std::set<TransactionId>& enlisted_;
  boost::unordered_flat_map<TransactionId, commit::Stance> stances_;
};

/// Walks the journal, record by record.
class CoordinatorReplay {
 public:
  CoordinatorReplay(const Store& store, RecoveredShard& shard)
      : reader_(store), shard_(shard), stances_(shard.format.shard, out_.enlisted) {}

  Result<void> run(Position& position) {
    if (auto loaded = load_checkpoint(); !loaded) return loaded;
    position = from_;
    Result<void> inside;
    const auto on_record = [&](const Record& record) {
      position = record.header.key;
      ++shard_.records;
      shard_.bytes += stored_bytes(record);
      inside = visit(record);
      return static_cast<bool>(inside);
    };
    const auto scanned = reader_.scan(Stream::coordinator, from_, on_record, &position);
    return scanned ? inside : scanned;
  }
  CoordinatorJournal finish() {
    shard_.incarnation = incarnation_ + 1;
    shard_.unacknowledged.assign(unacknowledged_.begin(), unacknowledged_.end());
    shard_.stances = stances_.take();
    return std::move(out_);
  }

 private:
  Result<void> load_checkpoint() {
    const auto row = reader_.get(Table::meta, checkpoint_key(Stream::coordinator));
    if (!row) return row.code() == Errc::not_found ? Result<void>() : row.error();
    auto checkpoint = read_coordinator_checkpoint(row->payload);
    if (!checkpoint) return checkpoint.error();
    from_ = checkpoint->replay_from;
    incarnation_ = checkpoint->incarnation;
    for (const auto& [transaction, sites] : checkpoint->unacknowledged) unacknowledged_[transaction] = sites;
    for (const auto& [transaction, stance] : checkpoint->stances) stances_.taken(transaction, stance);
    shard_.high_water = std::move(checkpoint->high_water);
    return {};
  }
  Result<void> visit(const Record& record) {
    switch (record.header.kind) {
      case RecordKind::opened: return opened(record);
      case RecordKind::decided: return decided(record);
      case RecordKind::learned: return learned(record);
      case RecordKind::ended: return ended(record);
      case RecordKind::stances: return taken(record);
      case RecordKind::asked: return asked(record);
      default: return Error{Errc::corrupt_journal, "unexpected kind of record"};
    }
  }
  Result<void> opened(const Record& record) {
    const auto opened = read_opened(record.payload);
    if (!opened) return opened.error();
    incarnation_ = std::max(incarnation_, opened->incarnation);
    out_.decisions.push_back({record.header.key, *opened, {}});
    return {};
  }
  Result<void> decided(const Record& record) {
    const auto decided = read_decided(record.payload);
    if (!decided) return decided.error();
    DecisionRecord& out = out_.decisions.emplace_back(DecisionRecord{record.header.key, {}, {}});
    for (const OwnDecision& decision : *decided) {
      out.decisions.push_back({decision.transaction, decision.commit});
      if (decision.commit && decision.sites != 0) unacknowledged_[decision.transaction] = decision.sites;
      stances_.decided(decision);
    }
    return {};
  }
  Result<void> learned(const Record& record) {
    auto learned = read_learned(record.payload);
    if (!learned) return learned.error();
    // A participant's checkpoint may have left the prepared record behind while this coordinator's is not done.
    for (const commit::Decision& decision : *learned) {
      if (!stances_.witnessed(decision.transaction))
        note_high_water(shard_.high_water, decision.transaction, shard_.format.shard);
      stances_.learned(decision);
    }
    out_.decisions.push_back({record.header.key, {}, std::move(*learned)});
    return {};
  }
  Result<void> ended(const Record& record) {
    const auto ended = read_ended(record.payload);
    if (!ended) return ended.error();
    for (const TransactionId& transaction : *ended) unacknowledged_.erase(transaction), stances_.ended(transaction);
    return {};
  }
  Result<void> taken(const Record& record) {
    const auto taken = read_stances(record.payload);
    if (!taken) return taken.error();
    for (const auto& [transaction, stance] : *taken) stances_.taken(transaction, stance);
    return {};
  }

  Result<void> asked(const Record& record) {
    const auto asked = read_asked(record.payload);
    if (!asked) return asked.error();
    out_.asked.insert(out_.asked.end(), asked->begin(), asked->end());
    return {};
  }

  Store::Reader reader_;
  RecoveredShard& shard_;
  CoordinatorJournal out_;
  StanceReplay stances_;
  Position from_ = 1;
  std::uint32_t incarnation_ = 0;
  std::map<TransactionId, std::uint64_t> unacknowledged_;
};

}  // namespace

void note_high_water(std::map<ShardId, TransactionId>& high_water, const TransactionId& transaction, ShardId self) {
  if (transaction.shard == self) return;
  TransactionId& high = high_water[transaction.shard];
  high = std::max(high, transaction);
}

std::string where(Stream stream, Position position, const Error& error) {
  return std::string(to_string(stream)) + " journal, position " + std::to_string(position) + ": " +
         std::string(error.detail);
}

Result<CoordinatorJournal> read_coordinator(const Store& store, RecoveredShard& shard, std::string& explanation) {
  CoordinatorReplay replay(store, shard);
  Position position = 1;
  if (auto read = replay.run(position); !read) {
    explanation = where(Stream::coordinator, position, read.error());
    return read.error();
  }
  return replay.finish();
}

}  // namespace kontor::persistence

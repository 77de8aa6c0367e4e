#include "domain/commit/site.hpp"

#include <algorithm>

namespace kontor::commit {

void Site::prepared(const TransactionId& transaction, std::uint64_t voters) {
  open_.emplace(transaction, voters);
  raise_high_water(transaction);
}

std::uint64_t Site::voters(const TransactionId& transaction) const {
  const auto it = open_.find(transaction);
  return it == open_.end() ? 0 : it->second;
}

namespace {

using Marks = std::map<ShardId, TransactionId>;

void raise(Marks& marks, const TransactionId& transaction) {
  TransactionId& high = marks[transaction.shard];
  high = std::max(high, transaction);
}
bool is_below(const Marks& marks, const TransactionId& transaction) {
  const auto it = marks.find(transaction.shard);
  return it != marks.end() && transaction <= it->second;
}

}  // namespace

void Site::doubted(const TransactionId& transaction, std::uint64_t voters) {
  open_.emplace(transaction, voters);
  refused(transaction);
}
void Site::raise_high_water(const TransactionId& transaction) { raise(high_water_, transaction); }
void Site::refused(const TransactionId& transaction) { raise(refused_, transaction); }

bool Site::seen(const TransactionId& transaction) const {
  return is_below(high_water_, transaction) || is_below(refused_, transaction);
}
bool Site::settled_for_good(const TransactionId& transaction) const {
  return is_below(high_water_, transaction) && !in_doubt(transaction);
}

Site::Lesson Site::learn(const Decision& decision) {
  if (open_.erase(decision.transaction) != 0) return Lesson::apply;
  const bool known = seen(decision.transaction);
  if (decision.commit) return known ? Lesson::acknowledge : Lesson::ignore;
  return known ? Lesson::ignore : Lesson::tombstone;
}

std::vector<TransactionId> Site::in_doubt() const {
  std::vector<TransactionId> out;
  out.reserve(open_.size());
  for (const auto& [transaction, unused] : open_) out.push_back(transaction);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace kontor::commit

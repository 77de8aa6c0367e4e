#include "domain/commit/site.hpp"

#include <algorithm>

namespace kontor::commit {

void Site::prepared(const TransactionId& transaction) {
  open_.emplace(transaction, 0);
  raise_high_water(transaction);
}

void Site::raise_high_water(const TransactionId& transaction) {
  TransactionId& high = high_water_[transaction.shard];
  high = std::max(high, transaction);
}

bool Site::seen(const TransactionId& transaction) const {
  const auto it = high_water_.find(transaction.shard);
  return it != high_water_.end() && transaction <= it->second;
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

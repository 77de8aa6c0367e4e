#include "domain/key_retention.hpp"

#include <algorithm>
#include <utility>

#include "domain/limits.hpp"

namespace kontor {

KeyRetention::KeyRetention(std::chrono::nanoseconds retention, KeyAges earlier)
    : retention_ns_(retention.count()),
      earlier_ns_(earlier.age_ns),
      stored_ns_(earlier.age_ns),
      ages_(std::move(earlier)) {}

bool KeyRetention::look(std::int64_t ran_ns, Position decided_before) {
  if (retention_ns_ == 0) return false;
  ages_.age_ns = std::max(ages_.age_ns, earlier_ns_ + ran_ns);
  mark(decided_before);
  forget();
  constexpr std::int64_t every_ns = std::chrono::nanoseconds(kKeyAgesStoredEvery).count();
  return wanted_ || ages_.age_ns - stored_ns_ >= every_ns;
}

/// The newest mark moves on until it is far enough from the one before it: so the last effects before a pause have
/// their own age, and the list has a bound.
void KeyRetention::mark(Position decided_before) {
  auto& marks = ages_.marks;
  if (decided_before <= (marks.empty() ? ages_.forgotten_before : marks.back().before)) return;
  const KeyAges::Mark newest{ages_.age_ns, decided_before};
  const std::int64_t apart_ns = retention_ns_ / kKeyMarksPerRetention;
  if (marks.size() >= 2 && newest.age_ns - marks[marks.size() - 2].age_ns < apart_ns) {
    marks.back() = newest;
  } else {
    marks.push_back(newest);
    wanted_ = true;
  }
}

void KeyRetention::forget() {
  auto& marks = ages_.marks;
  const auto young = std::find_if(marks.begin(), marks.end(), [&](const KeyAges::Mark& mark) {
    return ages_.age_ns - mark.age_ns < retention_ns_;
  });
  if (young == marks.begin()) return;
  ages_.forgotten_before = std::prev(young)->before;
  marks.erase(marks.begin(), young);
  wanted_ = true;
}

const KeyAges& KeyRetention::store() {
  wanted_ = false;
  stored_ns_ = ages_.age_ns;
  return ages_;
}

}  // namespace kontor

#pragma once
#include <string>

#include "persistence/record.hpp"

/// What journal_child writes, so that the test which starts it knows what must be there.
namespace kontor::persistence::testing {

inline constexpr int kChildFailedExit = 74;   ///< The journal reported a failure.
inline constexpr int kChildRefusedExit = 75;  ///< The store did not open.

inline Stream child_stream(Position position) { return static_cast<Stream>(position % kStreams); }

/// From a few bytes to some hundred KB: inside a page, in one page, in many.
inline std::string child_payload(Position position) {
  constexpr std::size_t kSizes[] = {30, 3'000, 40, 5'000, 200'000, 100, 70'000};
  std::string payload(kSizes[position % std::size(kSizes)], '\0');
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>((position * 131 + i * 7) >> (i & 3));
  return payload;
}

/// Records below this are truncated after half of the run.
inline Position child_truncates_before(Position records) { return records / 4; }

}  // namespace kontor::persistence::testing

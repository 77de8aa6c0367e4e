// Every bound of domain/limits.hpp and the test that hits it. The tests below read this list: each bound must stand in
// it, and the file it names must speak of it. A `pace` bounds nothing that a user could meet; `awaited` is a bound
// without a test.
//
//   kNameBytesMax              tests/domain/text_test.cpp
//   kKeyBytesMax               tests/domain/text_test.cpp
//   kLinesMax                  tests/domain/plan_checkout_test.cpp
//   kPayeesMax                 tests/domain/plan_checkout_test.cpp
//   kQuantityUnitsMax          tests/domain/plan_stock_test.cpp
//   kAmountMinorMax            tests/domain/plan_money_test.cpp
//   kBalanceMinorMax           tests/domain/ledger_test.cpp
//   kStockUnitsMax             tests/domain/inventory_test.cpp
//   kFeeBasisPointsMax         tests/domain/plan_checkout_test.cpp
//   kReservationNsMax          tests/domain/plan_reservation_test.cpp
//   kShardsMax                 tests/domain/commit/coordinator_test.cpp
//   kAccountsMax               tests/domain/ledger_test.cpp
//   kProductsMax               tests/domain/inventory_test.cpp
//   kOpenTransactionsMax       tests/actors/bounds_test.cpp
//   kOpenBytesMax              tests/actors/bounds_test.cpp
//   kBatchTransactionsMax      tests/actors/bounds_test.cpp
//   kSubmitRequestsMax         tests/actors/bounds_test.cpp
//   kTombstonesMax             tests/domain/commit/participant_test.cpp
//   kReservationsMax           tests/domain/reservations_test.cpp
//   kExpiriesMax               tests/actors/reservations_test.cpp
//   kEventsMax                 tests/actors/events_test.cpp
//   kEventBytesMax             tests/http/events_test.cpp
//   kListedMax                 tests/actors/operations_test.cpp
//   kResolvingMax              tests/actors/doubts_test.cpp
//   kEventItemsMax             tests/actors/events_test.cpp
//   kRecordBytesMax            tests/persistence/store_test.cpp
//   kCheckpointJournalBytes    tests/actors/bounds_test.cpp
//   kMapBytesDefault           tests/actors/bounds_test.cpp
//   kReserveBytesMin           tests/actors/bounds_test.cpp
//   kRowsPerBlock              tests/persistence/table_codec_test.cpp
//   kBlocksPerSlice            pace
//   kKeyRetentionDefault       tests/actors/key_retention_test.cpp
//   kKeyRetentionMin           tests/http/options_test.cpp
//   kKeyRetentionMax           tests/http/options_test.cpp
//   kKeyMarksPerRetention      tests/domain/key_retention_test.cpp
//   kKeyAgesStoredEvery        tests/domain/key_retention_test.cpp
//   kTickEvery                 pace
//   kResolveTicks              tests/actors/doubts_test.cpp
//   kResendAfterMin            tests/domain/commit/retransmission_test.cpp
//   kResendAfterMax            tests/domain/commit/retransmission_test.cpp
//   kPatienceDefault           awaited
//   kSweepPatience             pace
//   kDrainTimeoutMax           awaited
#include "domain/limits.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "tests/support/catch.hpp"

namespace kontor::tests {
namespace {

namespace fs = std::filesystem;
const fs::path kRoot = KONTOR_SOURCE_DIR;
constexpr const char* kThisFile = "tests/domain/limits_test.cpp";

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The words of `text` that look like a constant's name.
std::set<std::string> constants_in(const std::string& text) {
  static const std::regex name(R"(\bk[A-Z]\w*)");
  return {std::sregex_token_iterator(text.begin(), text.end(), name), {}};
}

/// Those that limits.hpp defines.
std::set<std::string> limits() {
  static const std::regex definition(R"(\n\s*inline constexpr [\w:]+(?: [\w:]+)? (k\w+)\s*[={])");
  const std::string text = read(kRoot / "domain/limits.hpp");
  return {std::sregex_token_iterator(text.begin(), text.end(), definition, 1), {}};
}

/// The list above.
std::map<std::string, std::string> listed() {
  static const std::regex line(R"(\n//   (k\w+)\s+(\S+))");
  const std::string text = read(kRoot / kThisFile);
  std::map<std::string, std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it) out[(*it)[1]] = (*it)[2];
  return out;
}

}  // namespace

TEST_CASE("limits: each bound stands in the list, and nothing else does", "[domain][limits]") {
  const auto bounds = limits();
  CHECK(bounds.size() >= 26);
  const auto list = listed();
  for (const std::string& bound : bounds) {
    INFO(bound << " is missing in the list at the top of " << kThisFile);
    CHECK(list.contains(bound));
  }
  for (const auto& [bound, unused] : list) {
    INFO(bound << " is listed but is no bound of domain/limits.hpp");
    CHECK(bounds.contains(bound));
  }
}

TEST_CASE("limits: the test that the list names speaks of the bound", "[domain][limits]") {
  for (const auto& [bound, file] : listed()) {
    if (file == "awaited" || file == "pace") continue;
    INFO(bound << " in " << file);
    CHECK(constants_in(read(kRoot / file)).contains(bound));
  }
}

TEST_CASE("limits: bounds fit the numbers they bound", "[domain][limits]") {
  constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
  CHECK(kBalanceMinorMax < kHighest / 2);                                    // Sums of two never wrap.
  CHECK(kAmountMinorMax < kHighest / static_cast<std::int64_t>(kLinesMax));  // Nor does a sum over all lines.
  CHECK(kQuantityUnitsMax < kStockUnitsMax / static_cast<std::int64_t>(kLinesMax));
  CHECK(kStockUnitsMax < kHighest / 4);
  CHECK(kNameBytesMax < 256);  // A length is one byte.
  CHECK(kKeyBytesMax < 256);
  CHECK(kPayeesMax <= 256);                              // An index of a payee is one byte.
  CHECK(kShardsMax <= 64);                               // A set of shards is one word.
  CHECK(kBatchTransactionsMax <= std::size_t{1} << 20);  // A locator has 20 bits for the item of a record.
  CHECK(kSubmitRequestsMax <= std::size_t{1} << 20);     // A submission is never split, so it may be one batch.
  CHECK(kAmountMinorMax + 1 < kBalanceMinorMax);
  CHECK(std::chrono::nanoseconds(kKeyRetentionMax).count() < kHighest / 4);  // A sum of ages never wraps.
}

}  // namespace kontor::tests

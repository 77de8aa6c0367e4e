#include "domain/result.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>

#include "tests/domain/values.hpp"

namespace kontor::tests {
namespace {

struct Row {
  int number;
  std::string_view name;
  Advice advice;
};

/// The closed list. A number or a name in it never changes: both are on the wire, in logs and in metrics.
constexpr Row kCodes[] = {
    {0, "none", Advice::success},
    {1, "invalid_argument", Advice::change_request},
    {2, "too_large", Advice::change_request},
    {3, "amount_out_of_range", Advice::change_request},
    {4, "unknown_account", Advice::change_request},
    {5, "unknown_sku", Advice::change_request},
    {6, "unknown_order", Advice::change_request},
    {7, "already_exists", Advice::change_request},
    {8, "currency_mismatch", Advice::change_request},
    {9, "account_kind", Advice::change_request},
    {10, "insufficient_funds", Advice::change_request},
    {11, "out_of_stock", Advice::change_request},
    {12, "price_changed", Advice::change_request},
    {13, "order_state", Advice::change_request},
    {14, "exceeds_order", Advice::change_request},
    {15, "idempotency_key_reused", Advice::change_request},
    {16, "reservation_expired", Advice::change_request},
    {20, "conflict", Advice::retry_same_request},
    {21, "overloaded", Advice::retry_same_request},
    {22, "storage_full", Advice::retry_same_request},
    {23, "deadline_exceeded", Advice::retry_same_request},
    {24, "shutting_down", Advice::retry_same_request},
    {25, "transaction_aborted", Advice::retry_same_request},
    {26, "rate_limited", Advice::retry_same_request},
    {28, "shard_unreachable", Advice::retry_same_request},
    {30, "outcome_unknown", Advice::ask_for_outcome},
    {31, "request_in_progress", Advice::ask_for_outcome},
    {40, "corrupt_journal", Advice::call_operator},
    {41, "incompatible_format", Advice::call_operator},
    {42, "directory_in_use", Advice::call_operator},
    {43, "io_error", Advice::call_operator},
    {44, "not_found", Advice::change_request},
};

}  // namespace

TEST_CASE("result: every code has its number, its name and one advice", "[domain][result]") {
  std::map<int, Row> listed;
  for (const Row& row : kCodes) listed[row.number] = row;
  for (int number = 0; number < 256; ++number) {
    const auto code = static_cast<Errc>(number);
    INFO(number);
    if (const auto it = listed.find(number); it != listed.end()) {
      CHECK(to_string(code) == it->second.name);
      CHECK(advice(code) == it->second.advice);
    } else {
      CHECK(to_string(code) == "unlisted");  // A new code is missing in the list above.
      CHECK(advice(code) == Advice::call_operator);
    }
  }
}

TEST_CASE("result: no two codes share a name", "[domain][result]") {
  std::set<std::string_view> names;
  for (const Row& row : kCodes) CHECK(names.insert(row.name).second);
}

TEST_CASE("result: a value or an error, never both", "[domain][result]") {
  Result<std::string> value = std::string("yes");
  REQUIRE(value);
  CHECK(value.code() == Errc::none);
  CHECK(*value == "yes");
  CHECK(value->size() == 3);
  const Result<std::string> error = Error{Errc::conflict, "why", 7, 42};
  REQUIRE_FALSE(error);
  CHECK(error.code() == Errc::conflict);
  CHECK(error.error().detail == "why");
  CHECK(error.error().line == 7);
  CHECK(error.error().figure == 42);
}

TEST_CASE("result: values are moved, not copied", "[domain][result]") {
  Result<std::unique_ptr<int>> value = std::make_unique<int>(7);
  const std::unique_ptr<int> moved = std::move(*value);
  CHECK(*moved == 7);
}

TEST_CASE("result: nothing is a value too", "[domain][result]") {
  const Result<void> nothing;
  CHECK(nothing);
  CHECK(nothing.code() == Errc::none);
  const Result<void> error = Error{Errc::overloaded, ""};
  CHECK_FALSE(error);
  CHECK(error.code() == Errc::overloaded);
}

TEST_CASE("result: errors are the same if their codes are", "[domain][result]") {
  CHECK(Error{Errc::conflict, "a", 1, 2} == Error{Errc::conflict, "b", 3, 4});
  CHECK_FALSE(Error{Errc::conflict, "a"} == Error{Errc::overloaded, "a"});
  STATIC_REQUIRE(std::is_trivially_copyable_v<Error>);  // A refusal allocates nothing.
}

}  // namespace kontor::tests

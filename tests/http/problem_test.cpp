// The one table from code to status, and what a problem says.
#include <vector>

#include "cmd/kontor/serve/answer.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using namespace kontor::cmd::serve;

namespace {

std::vector<Errc> all_codes() {
  std::vector<Errc> codes;
  for (int number = 1; number < 256; ++number)
    if (to_string(static_cast<Errc>(number)) != "unlisted") codes.push_back(static_cast<Errc>(number));
  return codes;
}

}  // namespace

TEST_CASE("problems: every code has a status that says what to do", "[http][problem]") {
  CHECK(all_codes().size() == 31);
  for (const Errc code : all_codes()) {
    CAPTURE(to_string(code));
    const unsigned status = status_of(code);
    CHECK(http::reason(status) != "Unlisted");
    switch (advice(code)) {
      case Advice::change_request:
        CHECK((status >= 400 && status < 500));
        CHECK_FALSE(is_retryable(code));
        CHECK(retry_after_s(code) == 0);
        break;
      case Advice::retry_same_request:
        CHECK((status == 409 || status == 429 || status == 503 || status == 504));
        CHECK(is_retryable(code));
        break;
      case Advice::ask_for_outcome:
        CHECK((status == 202 || status == 409));
        CHECK(is_retryable(code));
        CHECK(retry_after_s(code) > 0);
        break;
      case Advice::call_operator:
        CHECK(status == 500);
        CHECK_FALSE(is_retryable(code));
        break;
      case Advice::success: FAIL_CHECK("a code that is no refusal"); break;
    }
    if (status == 503 || status == 429) CHECK(retry_after_s(code) > 0);
  }
}

TEST_CASE("problems: the statuses that clients rely on", "[http][problem]") {
  const auto [code, status] = GENERATE(table<Errc, unsigned>({
      {Errc::invalid_argument, 400},
      {Errc::insufficient_funds, 402},
      {Errc::unknown_account, 404},
      {Errc::unknown_sku, 404},
      {Errc::unknown_order, 404},
      {Errc::not_found, 404},
      {Errc::out_of_stock, 409},
      {Errc::price_changed, 409},
      {Errc::request_in_progress, 409},
      {Errc::idempotency_key_reused, 422},
      {Errc::overloaded, 503},
      {Errc::outcome_unknown, 202},
  }));
  CHECK(status_of(code) == status);
}

TEST_CASE("problems: all members of RFC 9457, and ours", "[http][problem]") {
  http::Request request;
  request.id = "req_1";
  request.path = "/v1/checkouts";
  const auto response = problem_response({Errc::overloaded, "why", "/lines/0", 0, {{"line", 0}}}, request);
  CHECK(response.status == 503);
  CHECK(response.content_type == "application/problem+json");
  REQUIRE(response.fields.size() == 1);
  CHECK(response.fields[0].name == "Retry-After");
  CHECK(response.body == R"({"type":"urn:kontor:problem:overloaded","title":"Overloaded","status":503,"detail":"why",)"
                         R"("instance":"/v1/checkouts","code":"overloaded","param":"/lines/0","request_id":"req_1",)"
                         R"("retryable":true,"line":0})");
}

TEST_CASE("problems: an unknown outcome is asked for under its code, whatever the engine's reason", "[http][problem]") {
  Outcome outcome;
  outcome.error = {Errc::outcome_unknown, "engine closed"};
  outcome.transaction = {0, 1, 7};
  const auto problem = problem_of(outcome, Checkout{}, 1);
  CHECK(problem.code == Errc::outcome_unknown);
  CHECK(location_of(outcome.transaction) == "/v1/transactions/" + transaction_text(outcome.transaction));
  CHECK_FALSE(location_of({}));
}

TEST_CASE("problems: a line is found behind the engine's sorted demands", "[http][problem]") {
  Checkout checkout;
  for (const char* name : {"c", "a", "b", "a"}) checkout.lines.push_back({*Sku::parse(name), 1});
  Outcome outcome;
  outcome.verdict = Verdict::aborted;
  const auto line_of = [&](std::uint32_t demand, std::uint16_t shards) {
    outcome.error = {Errc::out_of_stock, "sku", demand, 0};
    const auto problem = problem_of(outcome, checkout, shards);
    const auto* line = problem.more.if_contains("line");
    return line ? line->to_number<int>() : -1;
  };
  SECTION("refused before it began: the request's own line") {
    CHECK(line_of(0, 1) == 0);
    CHECK(line_of(3, 1) == 3);
  }
  SECTION("refused by a shard: the line of that demand") {
    outcome.transaction = {0, 1, 1};
    CHECK(line_of(0, 1) == 1);  // a
    CHECK(line_of(1, 1) == 2);  // b
    CHECK(line_of(2, 1) == 0);  // c
    CHECK(line_of(3, 1) == -1);
  }
}

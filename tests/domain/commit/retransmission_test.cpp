#include "domain/commit/retransmission.hpp"

#include "tests/support/catch.hpp"

namespace kontor::commit {

using std::chrono::microseconds;

TEST_CASE("retransmission: follows the road, between its bounds", "[domain][commit]") {
  CHECK(resend_after(microseconds(0), microseconds(0)) == kResendAfterMin);
  CHECK(resend_after(microseconds(200), microseconds(50)) == kResendAfterMin);
  CHECK(resend_after(microseconds(900'000), microseconds(100'000)) == microseconds(1'300'000));
  CHECK(resend_after(microseconds(400'000), microseconds(300'000)) == microseconds(1'600'000));
  CHECK(resend_after(microseconds(60'000'000), microseconds(0)) == kResendAfterMax);
}

}  // namespace kontor::commit

#pragma once
#include <sstream>
#include <string>
#include <utility>

#include <rapidcheck.h>

#include "tests/support/catch.hpp"

namespace kontor::tests {

/// Checks `testable` (see rapidcheck) on `runs` random inputs, as one assertion of the test case it stands in. The seed
/// is chosen anew each time and named when it fails: RC_PARAMS="seed=…" in the environment tries the same inputs again.
template <class Testable>
void property(const std::string& what, int runs, Testable&& testable) {
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = runs;
  const auto result =
      rc::detail::checkTestable(std::forward<Testable>(testable), rc::detail::TestMetadata{what, what}, params);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  INFO(what << ", with RC_PARAMS=\"seed=" << params.seed << "\"\n" << text.str());
  REQUIRE(result.template is<rc::detail::SuccessResult>());
}

}  // namespace kontor::tests

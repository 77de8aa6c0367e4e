#pragma once
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

#include <rapidcheck.h>
#include <rapidcheck/detail/TestListenerAdapter.h>

#include "tests/support/catch.hpp"

namespace kontor::tests {

/// Says what failed at once: the search for a smaller example can outlast a test's time limit.
class FirstFailure : public rc::detail::TestListenerAdapter {
 public:
  FirstFailure(const std::string& what, std::uint64_t seed) : what_(what), seed_(seed) {}
  void onTestCaseFinished(const rc::detail::CaseDescription& description) override {
    if (description.result.type != rc::detail::CaseResult::Type::Failure) return;
    std::cerr << what_ << ", with RC_PARAMS=\"seed=" << seed_ << "\"\n"
              << description.result.description
              << "\nLooking for a smaller example; RC_PARAMS=\"… noshrink=1\" does not." << std::endl;
  }

 private:
  const std::string& what_;
  std::uint64_t seed_;
};

/// Checks `testable` (see rapidcheck) on `runs` random inputs, as one assertion of the test case it stands in. The seed
/// is chosen anew each time and named when it fails: RC_PARAMS="seed=…" in the environment tries the same inputs again.
template <class Testable>
void property(const std::string& what, int runs, Testable&& testable) {
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = runs;
  FirstFailure listener(what, params.seed);
  const auto result = rc::detail::checkTestable(std::forward<Testable>(testable), rc::detail::TestMetadata{what, what},
                                                params, listener);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  INFO(what << ", with RC_PARAMS=\"seed=" << params.seed << "\"\n" << text.str());
  REQUIRE(result.template is<rc::detail::SuccessResult>());
}

}  // namespace kontor::tests

#include "cmd/kontor/serve/submitter.hpp"

#include <utility>

namespace kontor::cmd::serve {

void Submitter::submit(Request request, Then then) {
  gathered_.requests.push_back(std::move(request));
  gathered_.thens.push_back(std::move(then));
  if (gathered_.requests.size() == 1) post_([this] { flush(); });
  if (gathered_.requests.size() == kSubmitRequestsMax) flush();
}

void Submitter::flush() {
  if (gathered_.requests.empty()) return;
  const auto batch = std::make_shared<const Batch>(std::exchange(gathered_, {}));
  // The engine answers on its own threads, many at once: they cross to the lane in one action.
  engine_.submit(batch->requests, [post = post_, batch](std::span<const Outcome> outcomes) {
    post([batch, all = std::vector<Outcome>(outcomes.begin(), outcomes.end())] {
      for (const Outcome& outcome : all) batch->thens[outcome.index](batch->requests[outcome.index], outcome);
    });
  });
}

}  // namespace kontor::cmd::serve

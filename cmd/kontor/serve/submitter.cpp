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
  const auto tell = [post = post_, batch](std::vector<Outcome> outcomes) {
    post([batch, all = std::move(outcomes)] {
      for (const Outcome& outcome : all) batch->thens[outcome.index](batch->requests[outcome.index], outcome);
    });
  };
  // The engine answers on its own threads, many at once: they cross to the lane in one action.
  engine_.submit(batch->requests, [&objects = objects_, batch, tell](std::span<const Outcome> outcomes) {
    std::vector<Outcome> ready;
    ready.reserve(outcomes.size());
    for (const Outcome& outcome : outcomes) {
      if (const auto order = objects.forget(batch->requests[outcome.index].operation, outcome.transaction))
        objects.forget_parties(*order, [tell, outcome] { tell({outcome}); });
      else
        ready.push_back(outcome);
    }
    if (!ready.empty()) tell(std::move(ready));
  });
}

}  // namespace kontor::cmd::serve

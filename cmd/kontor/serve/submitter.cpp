#include "cmd/kontor/serve/submitter.hpp"

#include <utility>

namespace kontor::cmd::serve {

void Submitter::submit(Request request, Then then) {
  requests_.push_back(std::move(request));
  thens_.push_back(std::move(then));
  if (requests_.size() == 1) post_([this] { flush(); });
  if (requests_.size() == kSubmitRequestsMax) flush();
}

void Submitter::flush() {
  if (requests_.empty()) return;
  const auto requests = std::exchange(requests_, {});
  const auto thens = std::make_shared<const std::vector<Then>>(std::exchange(thens_, {}));
  // The engine answers on its own threads, many at once: they cross to the lane in one action.
  engine_.submit(requests, [post = post_, thens](std::span<const Outcome> outcomes) {
    post([thens, all = std::vector<Outcome>(outcomes.begin(), outcomes.end())] {
      for (const Outcome& outcome : all) (*thens)[outcome.index](outcome);
    });
  });
}

}  // namespace kontor::cmd::serve

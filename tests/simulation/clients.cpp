#include "tests/simulation/clients.hpp"

#include <set>

#include "actors/intake.hpp"
#include "domain/placement.hpp"

namespace kontor::sim {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kPatienceNs = 1'500 * kMillisecond;  // Without an answer the client asks again.

/// Nobody is asked for a price: every request names its own.
class NoPrices final : public PriceList {
 public:
  const ListedPrice* find(const Sku&) const override { return nullptr; }
};

}  // namespace

Clients::Clients(Surroundings& around, Judge& judge, std::vector<std::unique_ptr<Node>>& nodes)
    : around_(around), judge_(judge), nodes_(nodes), workload_(around.options.seed), random_(around.options.seed, 4) {}

void Clients::ask_all(const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) ask(operation);
}

void Clients::pump() {
  while (!all_asked() && open_ < around_.options.outstanding) {
    ++asked_;
    ask(workload_.next(orders_));
    if (random_.chance(100)) read();
  }
}

void Clients::ask(Operation operation) {
  Ask fresh{{testing::key("k" + std::to_string(asks_.size())), std::move(operation), 0}, false, 0, false, {}};
  if (!asks_.empty() && asked_ > 0 && around_.strikes(Fault::key_reused, random_, 40))
    fresh.request.key = asks_[random_.index(asks_.size())].request.key;
  if (asked_ > 0 && random_.chance(around_.options.deadline_permille)) {
    const ShardId home = home_of(fresh.request.key, around_.options.shards);
    fresh.request.deadline_ns = nodes_[home]->now_ns() + random_.between(1, 400) * kMillisecond;
  }
  ++around_.counters.requests;
  ++open_;
  asks_.push_back(std::move(fresh));
  send(asks_.size() - 1);
  if (asked_ > 0 && around_.strikes(Fault::request_repeated, random_, 40)) send(asks_.size() - 1);
}

void Clients::send(std::size_t number) {
  const unsigned tries = ++asks_[number].tries;
  const Request& request = asks_[number].request;
  const OrderId order = testing::names_in(request.operation).order;
  send_to(order ? order.shard : home_of(request.key, around_.options.shards), number);
  around_.time.after(kPatienceNs, [this, number, tries] {
    if (!asks_[number].done && asks_[number].tries == tries) send(number);
  });
}

void Clients::send_to(ShardId home, std::size_t number) {
  const Request& request = asks_[number].request;
  around_.trace.add(around_.time.now_ns(), "ask ", Trace::kClient, home, number,
                    [&] { return request.key.str() + " " + std::string(to_string(kind_of(request.operation))); });
  Node& node = *nodes_[home];
  if (!node.up()) return;
  if (node.full && around_.happened(Fault::disk_full)) return plan_retry(number);
  const auto receiver = [this, number, home](std::span<const Outcome> told) {
    for (const Outcome& outcome : told) {
      around_.trace.add(around_.time.now_ns(), "answer ", home, Trace::kClient, number, [&] {
        return asks_[number].request.key.str() + " " + std::string(to_string(outcome.verdict)) + " " +
               std::string(to_string(outcome.error.code)) + (outcome.replayed ? " replayed" : "");
      });
      on_outcome(number, outcome);
    }
  };
  if (testing::names_in(request.operation).order) {
    auto list = std::make_shared<actors::Amend::List>();
    list->requests.push_back(request), list->indexes.push_back(0);
    list->on_outcomes = receiver;
    caf::anon_send(node.actors().order, actors::Amend{std::move(list)});
    return;
  }
  actors::Intake intake(around_.options.shards, 1);
  if (const auto added = intake.add(request, 0, NoPrices{}); !added)
    return on_outcome(number, {0, Verdict::aborted, false, {}, added.error()});
  auto submission = intake.take(home);
  submission->on_outcomes = receiver;
  caf::anon_send(node.actors().coordinator, actors::Submit{std::move(submission)});
}

/// Runs inside the coordinator: nothing is sent from here, only planned.
void Clients::on_outcome(std::size_t number, const Outcome& outcome) {
  Ask& ask = asks_[number];
  judge_.on_answer(ask.request, outcome);
  if (around_.strikes(Fault::answer_lost, random_, permille())) return;
  if (ask.done) return;
  if (outcome.verdict != Verdict::committed) {
    const Advice what = advice(outcome.error.code);
    const bool again = what == Advice::retry_same_request || what == Advice::ask_for_outcome;
    if (again && (ask.request.deadline_ns == 0 || outcome.error.code != Errc::deadline_exceeded))
      return plan_retry(number);
  }
  ask.done = true;
  ask.committed = outcome.verdict == Verdict::committed;
  ask.transaction = outcome.transaction;
  --open_;
  if (ask.committed && std::holds_alternative<Checkout>(ask.request.operation)) orders_.push_back(outcome.transaction);
}

void Clients::plan_retry(std::size_t number) {
  const unsigned tries = asks_[number].tries;
  around_.time.after(random_.between(20, 300) * kMillisecond, [this, number, tries] {
    if (!asks_[number].done && asks_[number].tries == tries) send(number);
  });
}

void Clients::read() {
  const Sku sku = workload_.any_sku();
  Node& node = *nodes_[home_of(sku, around_.options.shards)];
  if (!node.up()) return;
  auto promise = std::make_shared<std::promise<Result<Product>>>();
  auto answer = std::make_shared<std::future<Result<Product>>>(promise->get_future());
  caf::anon_send(node.actors().inventory, actors::ReadProduct{sku, std::move(promise)});
  const Judge::Heard heard = judge_.heard(sku);
  // The answer waits in the future until somebody looks: later than it was given, so no bound gets weaker.
  around_.time.after(60 * kMillisecond, [this, answer, heard] {
    if (answer->wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    try {
      if (const auto product = answer->get()) judge_.on_read(*product, heard);
    } catch (const std::future_error&) {  // The shard died before it answered.
    }
  });
}

std::string Clients::waiting() const {
  std::string out;
  for (const Ask& ask : asks_)
    if (!ask.done) out += " " + ask.request.key.str() + " (" + std::to_string(ask.tries) + " tries)";
  return out;
}

void Clients::ask_again() {
  for (std::size_t number = 0; number < asks_.size(); ++number) {
    Ask& ask = asks_[number];
    const TransactionId effect = judge_.effect_of(ask.request.key);
    // A refused request would be tried anew, and a key's second body is refused: only effects are asked about.
    if (!effect || !ask.committed) continue;
    judge_.must(ask.transaction == effect,
                [&] { return "key " + ask.request.key.str() + ": a client knows another transaction"; });
    if (!random_.chance(200)) continue;
    ask.done = false;
    ++open_;
    send(number);
  }
}

}  // namespace kontor::sim

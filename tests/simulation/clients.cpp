#include "tests/simulation/clients.hpp"

#include <array>
#include <map>

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
    : around_(around),
      judge_(judge),
      nodes_(nodes),
      workload_(around.options.seed),
      random_(around.options.seed, 4),
      protocols_(around.options.seed, 11) {}

void Clients::ask_all(const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) ask({operation});
}

void Clients::pump() {
  while (!all_asked() && open_ < around_.options.outstanding) {
    std::vector<Operation> operations;
    for (unsigned i = 1 + random_.below(around_.options.burst); i > 0 && !all_asked(); --i) {
      ++asked_;
      operations.push_back(workload_.next(orders_, reservations_));
    }
    ask(std::move(operations));
    if (random_.chance(100)) read();
  }
}

/// Gives a request its key and its number.
std::size_t Clients::note(Operation operation) {
  Ask fresh{{testing::key("k" + std::to_string(asks_.size())), std::move(operation), 0}, false, 0, false, {}};
  if (asked_ > 0 && around_.strikes(Fault::key_reused, random_, 40))
    fresh.request.key = asks_[random_.index(asks_.size())].request.key;
  if (asked_ > 0 && random_.chance(around_.options.deadline_permille)) {
    const ShardId home = home_of(fresh.request.key, around_.options.shards);
    fresh.request.deadline_ns = nodes_[home]->now_ns() + random_.between(1, 400) * kMillisecond;
  }
  if (around_.options.mixed) {
    constexpr std::array kProtocols{Protocol::two_phase, Protocol::three_phase, Protocol::three_phase_optimised};
    fresh.request.protocol = kProtocols[protocols_.index(kProtocols.size())];
  }
  // The other way to say when.
  if (auto* reserve = std::get_if<Reserve>(&fresh.request.operation); reserve && random_.chance(500))
    reserve->expires_at_ns = around_.time.now_ns() + std::exchange(reserve->expires_in_ns, 0);
  ++around_.counters.requests;
  ++open_;
  asks_.push_back(std::move(fresh));
  return asks_.size() - 1;
}

void Clients::ask(std::vector<Operation> operations) {
  Numbers numbers;
  for (Operation& operation : operations) numbers.push_back(note(std::move(operation)));
  const bool repeated = asked_ > 0 && around_.strikes(Fault::request_repeated, random_, 40);
  if (repeated) send(numbers);
  send(std::move(numbers));
}

/// The shard that a request is brought to: of its order, or of its key.
ShardId Clients::asked_at(const Request& request) const {
  const OrderId* order = actors::order_amended(request.operation);
  return order ? order->shard : home_of(request.key, around_.options.shards);
}

void Clients::on_open(ShardId shard) {
  for (std::size_t number = 0; number < asks_.size(); ++number) {
    if (asks_[number].done || asked_at(asks_[number].request) != shard || !random_.chance(500)) continue;
    const unsigned tries = asks_[number].tries;
    around_.time.after(random_.between(0, around_.options.disk_us * 1'000), [this, number, tries] {
      if (!asks_[number].done && asks_[number].tries == tries) send({number});
    });
  }
}

/// The line to the shard is up and the shard takes new work.
bool Clients::reaches(ShardId home, std::size_t number) {
  around_.trace.add(around_.time.now_ns(), "ask ", Trace::kClient, home, number, [&] {
    const Request& request = asks_[number].request;
    return request.key.str() + " " + std::string(to_string(kind_of(request.operation)));
  });
  if (!nodes_[home]->up() || nodes_[home]->draining) return false;
  if (!nodes_[home]->full) return true;
  around_.happened(Fault::disk_full);
  plan_retry(number);
  return false;
}

/// One submit call. Whoever gets no answer in time asks again alone.
void Clients::send(Numbers numbers) {
  const std::uint16_t shards = around_.options.shards;
  actors::Intake intake(shards, numbers.size(), around_.options.protocol, around_.time.now_ns());
  std::map<ShardId, std::shared_ptr<actors::Amend::List>> amendments;
  for (std::uint32_t i = 0; i < numbers.size(); ++i) {
    const std::size_t number = numbers[i];
    const Request& request = asks_[number].request;
    const unsigned tries = ++asks_[number].tries;
    around_.time.after(kPatienceNs, [this, number, tries] {
      if (!asks_[number].done && asks_[number].tries == tries) send({number});
    });
    if (!reaches(asked_at(request), number)) continue;
    if (const OrderId* order = actors::order_amended(request.operation)) {
      auto& list = amendments[order->shard];
      if (!list) list = std::make_shared<actors::Amend::List>();
      list->requests.push_back(request), list->indexes.push_back(i);
    } else if (const auto added = intake.add(request, i, NoPrices{}); !added) {
      on_outcome(number, {i, Verdict::aborted, false, {}, added.error()});
    }
  }
  const auto receiver = [this, numbers = std::move(numbers)](std::span<const Outcome> told) {
    for (const Outcome& outcome : told) on_outcome(numbers[outcome.index], outcome);
  };
  for (auto& [home, list] : amendments) {
    list->on_outcomes = receiver;
    caf::anon_send(nodes_[home]->actors().order, actors::Amend{std::move(list)});
  }
  for (ShardId home = 0; home < shards; ++home) {
    auto submission = intake.take(home);
    if (!submission) continue;
    submission->on_outcomes = receiver;
    caf::anon_send(nodes_[home]->actors().coordinator, actors::Submit{std::move(submission)});
  }
}

/// Runs inside the coordinator: nothing is sent from here, only planned.
void Clients::on_outcome(std::size_t number, const Outcome& outcome) {
  Ask& ask = asks_[number];
  around_.trace.add(around_.time.now_ns(), "answer ", outcome.transaction ? outcome.transaction.shard : 0,
                    Trace::kClient, number, [&] {
                      return ask.request.key.str() + " " + std::string(to_string(outcome.verdict)) + " " +
                             std::string(to_string(outcome.error.code)) + (outcome.replayed ? " replayed" : "");
                    });
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
  if (ask.committed && std::holds_alternative<Reserve>(ask.request.operation))
    reservations_.push_back(outcome.transaction);
}

void Clients::plan_retry(std::size_t number) {
  const unsigned tries = asks_[number].tries;
  around_.time.after(random_.between(20, 300) * kMillisecond, [this, number, tries] {
    if (!asks_[number].done && asks_[number].tries == tries) send({number});
  });
}

void Clients::read() {
  const Sku sku = workload_.any_sku();
  read<Product, actors::ReadProduct>(sku, &actors::Handles::inventory);
  const AccountId account = workload_.any_account();
  read<Account, actors::ReadAccount>(account, &actors::Handles::payment);
}

template <class Row, class Message, class Name, class Actor>
void Clients::read(const Name& name, Actor actors::Handles::*of) {
  Node& node = *nodes_[home_of(name, around_.options.shards)];
  if (!node.up()) return;
  auto promise = std::make_shared<std::promise<Result<Row>>>();
  auto answer = std::make_shared<std::future<Result<Row>>>(promise->get_future());
  const auto then = [promise = std::move(promise)](const Result<Row>& row) { promise->set_value(row); };
  caf::anon_send(node.actors().*of, Message{name, then});
  const std::size_t floor = judge_.history().floor(History::name(name));
  // The answer waits in the future until somebody looks: later than it was given.
  around_.time.after(60 * kMillisecond, [this, answer, name, floor] {
    if (answer->wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    try {
      judge_.on_read(answer->get(), name, floor);
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
    judge_.must(judge_.is_effect(ask.request.key, ask.transaction),
                [&] { return "key " + ask.request.key.str() + ": a client knows another transaction"; });
    if (!random_.chance(200)) continue;
    ask.done = false;
    ++open_;
    send({number});
  }
}

}  // namespace kontor::sim

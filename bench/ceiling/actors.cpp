#include "bench/ceiling/actors.hpp"

#include <deque>
#include <map>
#include <string>

#include <boost/unordered/unordered_flat_map.hpp>

namespace kontor::ceiling {
namespace {

template <class... Fields>
void write(std::string& record, const Fields&... fields) {
  (record.append(reinterpret_cast<const char*>(&fields), sizeof fields), ...);
}

struct OrderState {
  OrderState() = default;
  Parties* parties = nullptr;
  boost::unordered_flat_map<std::uint64_t, std::uint64_t> keys;

  /// Yes to a key that was never seen.
  void prepare(const SharedBatch& batch) {
    std::string record;
    std::vector<std::uint8_t> yes;
    yes.reserve(batch->checkouts.size());
    for (const Checkout& one : batch->checkouts) {
      const std::uint64_t key = one.key[0] ^ (one.key[1] * 0x9e3779b97f4a7c15U);
      yes.push_back(keys.try_emplace(key, one.id).second);
      write(record, one.id, one.key, one.payer, one.payee, one.lines);
    }
    parties->journal->append(Stream::order, std::move(record));
    caf::anon_send(parties->coordinator, Vote{batch, std::move(yes)});
  }
  void settle(const Batch&) {}  // A key is used up by a refused checkout too.
};

/// What is owned of each account or SKU, and how much of it is promised.
struct Holdings {
  boost::unordered_flat_map<std::uint32_t, std::int64_t> owned, held;
  Holdings(std::uint32_t count, std::int64_t each) {
    for (std::uint32_t i = 0; i < count; ++i) owned.emplace(i, each);
  }
  bool hold(std::uint32_t what, std::int64_t amount) {
    auto& sum = held[what];
    sum += amount;
    return sum <= owned[what];
  }
};

struct PaymentState {
  PaymentState() = default;
  Parties* parties = nullptr;
  Holdings wallets{kAccounts, 1'000'000'000'000};

  void prepare(const SharedBatch& batch) {
    std::string record;
    std::vector<std::uint8_t> yes;
    yes.reserve(batch->checkouts.size());
    for (const Checkout& one : batch->checkouts) {
      const std::int64_t amount = one.total();
      yes.push_back(wallets.hold(one.payer, amount));
      write(record, one.id, one.payer, one.payee, amount);
    }
    parties->journal->append(Stream::payment, std::move(record));
    caf::anon_send(parties->coordinator, Vote{batch, std::move(yes)});
  }

  void settle(const Batch& batch) {
    for (std::size_t i = 0; i < batch.checkouts.size(); ++i) {
      const Checkout& one = batch.checkouts[i];
      const std::int64_t amount = one.total();
      wallets.held[one.payer] -= amount;
      if (batch.accepted[i] == 0) continue;
      wallets.owned[one.payer] -= amount;
      wallets.owned[one.payee] += amount;
    }
  }
};

struct InventoryState {
  InventoryState() = default;
  Parties* parties = nullptr;
  Holdings stock{kSkus, 1'000'000'000};

  void prepare(const SharedBatch& batch) {
    std::string record;
    std::vector<std::uint8_t> yes;
    yes.reserve(batch->checkouts.size());
    for (const Checkout& one : batch->checkouts) {
      bool all = true;
      write(record, one.id);
      for (const Line& line : one.lines) {
        all = stock.hold(line.sku, line.quantity) && all;
        write(record, line.sku, line.quantity);
      }
      yes.push_back(all);
    }
    parties->journal->append(Stream::inventory, std::move(record));
    caf::anon_send(parties->coordinator, Vote{batch, std::move(yes)});
  }

  void settle(const Batch& batch) {
    for (std::size_t i = 0; i < batch.checkouts.size(); ++i)
      for (const Line& line : batch.checkouts[i].lines) {
        stock.held[line.sku] -= line.quantity;
        if (batch.accepted[i] != 0) stock.owned[line.sku] -= line.quantity;
      }
  }
};

struct CoordinatorState {
  CoordinatorState() = default;
  Parties* parties = nullptr;
  std::vector<Checkout> gathered;
  bool flushing = false;
  std::uint64_t batches = 0;
  std::map<std::uint64_t, int> votes;  ///< By batch.
  std::deque<SharedBatch> undurable;   ///< Decided, oldest first.

  void flush() {
    flushing = false;
    const auto batch = std::make_shared<Batch>();
    batch->number = ++batches;
    batch->checkouts.swap(gathered);
    batch->accepted.assign(batch->checkouts.size(), 1);
    for (const caf::actor* to : {&parties->order, &parties->payment, &parties->inventory})
      caf::anon_send(*to, Prepare{batch});
  }

  void count(const Vote& vote) {
    Batch& batch = *vote.batch;
    for (std::size_t i = 0; i < vote.yes.size(); ++i) batch.accepted[i] &= vote.yes[i];
    if (++votes[batch.number] < 3) return;
    votes.erase(batch.number);
    std::string record;
    for (std::size_t i = 0; i < batch.checkouts.size(); ++i) write(record, batch.checkouts[i].id, batch.accepted[i]);
    undurable.push_back(vote.batch);
    parties->journal->append(Stream::coordinator, std::move(record), batch.number);
  }

  void release(std::uint64_t durable) {
    for (; !undurable.empty() && undurable.front()->number <= durable; undurable.pop_front())
      for (const caf::actor* to : {&parties->payment, &parties->inventory, &parties->driver})
        caf::anon_send(*to, Decided{undurable.front()});
  }
};

template <class State>
caf::behavior participant(caf::stateful_actor<State>* self, Parties* parties) {
  self->state.parties = parties;
  return {[self](const Prepare& message) { self->state.prepare(message.batch); },
          [self](const Decided& message) { self->state.settle(*message.batch); }};
}

caf::behavior coordinator(caf::stateful_actor<CoordinatorState>* self, Parties* parties) {
  self->state.parties = parties;
  return {[self](Submit& message) {
            auto& gathered = self->state.gathered;
            gathered.insert(gathered.end(), message.checkouts.begin(), message.checkouts.end());
            if (!std::exchange(self->state.flushing, true)) self->send(self, Flush{});
          },
          [self](Flush) { self->state.flush(); }, [self](const Vote& message) { self->state.count(message); },
          [self](Durable message) { self->state.release(message.batch); }};
}

}  // namespace

void start(caf::actor_system& system, Parties& parties) {
  parties.order = system.spawn(participant<OrderState>, &parties);
  parties.payment = system.spawn(participant<PaymentState>, &parties);
  parties.inventory = system.spawn(participant<InventoryState>, &parties);
  parties.coordinator = system.spawn(coordinator, &parties);
  parties.journal->start([&parties](std::uint64_t batch) { caf::anon_send(parties.coordinator, Durable{batch}); });
}

void stop(Parties& parties) {
  parties.journal->stop();
  for (caf::actor* one : {&parties.coordinator, &parties.order, &parties.payment, &parties.inventory}) {
    caf::anon_send_exit(*one, caf::exit_reason::user_shutdown);
    *one = nullptr;
  }
  parties.driver = nullptr;
}

}  // namespace kontor::ceiling

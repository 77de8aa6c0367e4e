#include "tests/simulation/final_checks.hpp"

#include <set>

#include "domain/placement.hpp"
#include "persistence/audit.hpp"
#include "persistence/shard_set.hpp"
#include "persistence/store_memory.hpp"
#include "tests/support/recovered_state.hpp"

namespace kontor::sim {

using testing::State;

void FinalChecks::run() {
  check_running();
  if (judge_.failed()) return;
  for (const auto& node : nodes_) {
    node->stop();
    if (const auto found = node->check_mirror())
      check_recovered(*node, *found);
    else
      check_recovered(*node);
    if (!judge_.failed()) check_damage(*node);
  }
  if (around_.options.audit && !judge_.failed()) audit();
}

/// What running shards answer; they may outlive whoever asked.
struct FinalChecks::Answers {
  State facts;
  std::size_t awaited = 0;
  bool twice = false;
};

/// Asks for what is durable.
template <class Value, class Message, class Actor, class Name>
void FinalChecks::read(const Actor& actor, const Name& name, std::string what, const std::shared_ptr<Answers>& to) {
  ++to->awaited;
  caf::anon_send(actor, Message{name, [to, what = std::move(what)](const Result<Value>& value) {
                                  std::string fact =
                                      value ? testing::fact(*value) : std::string(to_string(value.code()));
                                  to->twice = !to->facts.emplace(what, std::move(fact)).second || to->twice;
                                  --to->awaited;
                                }});
}

/// What the stores hold promises for.
std::string FinalChecks::still_open() const {
  std::string out;
  for (const auto& node : nodes_) {
    const auto found =
        persistence::recover(node->store(), node->format(), nullptr, nullptr, persistence::Replay::in_turn);
    if (!found) continue;
    const auto list = [&](const auto& open, commit::Role role) {
      for (const auto& [transaction, unused] : open)
        out += "\n  shard " + std::to_string(node->id()) + ": " + std::string(to_string(role)) + " holds " +
               transaction_text(transaction);
    };
    list(found->order.open(), commit::Role::order);
    list(found->inventory.open(), commit::Role::inventory);
    list(found->payment.open(), commit::Role::payment);
  }
  return out;
}

void FinalChecks::check_running() {
  const auto& model = judge_.model();
  const auto actual = std::make_shared<Answers>();
  const std::uint16_t shards = around_.options.shards;
  for (const auto& [name, unused] : model.accounts) {
    const AccountId id = testing::acc(name);
    read<Account, actors::ReadAccount>(nodes_[home_of(id, shards)]->actors().payment, id, "account " + name, actual);
  }
  for (const auto& [name, unused] : model.products) {
    const Sku id = testing::sku(name);
    read<Product, actors::ReadProduct>(nodes_[home_of(id, shards)]->actors().inventory, id, "sku " + name, actual);
  }
  for (const OrderId& id : judge_.orders())
    read<Order, actors::ReadOrder>(nodes_[id.shard]->actors().order, id, order_text(id), actual);
  const bool answered = run_until_([&] { return actual->awaited == 0; });
  judge_.must(answered && !actual->twice, [&] { return std::string("a read has no answer, or two"); });
  const State expected = model.state();
  judge_.must(actual->facts == expected,
              [&] { return "engine | model" + testing::difference(actual->facts, expected) + still_open(); });
}

void FinalChecks::check_recovered(Node& node) {
  std::string why;
  const auto found = persistence::recover(node.store(), node.format(), nullptr, &why, persistence::Replay::in_turn);
  if (!found) return judge_.fail("shard " + std::to_string(node.id()) + " does not recover: " + why);
  check_recovered(node, *found);
}

/// Nothing is open, nothing in doubt, and rows are those of the model.
void FinalChecks::check_recovered(Node& node, const persistence::RecoveredShard& found) {
  const std::string name = "shard " + std::to_string(node.id());
  judge_.must(found.in_doubt.empty(), [&] { return std::string(name + ": in doubt after the end"); });
  judge_.must(found.unacknowledged.empty(),
              [&] { return std::string(name + ": a commit is not acknowledged after the end"); });
  judge_.must(found.order.open().empty() && found.inventory.open().empty() && found.payment.open().empty(),
              [&] { return std::string(name + ": a claim stays after the end"); });
  const auto& model = judge_.model();
  const auto& accounts = found.payment.resource.rows();
  for (Ledger::Index i = 0; i < accounts.size(); ++i) {
    const auto known = model.accounts.find(accounts[i].id.str());
    judge_.must(known != model.accounts.end() && testing::fact(accounts[i]) == testing::fact(known->second), [&] {
      return std::string(name + ": recovered account " + accounts[i].id.str() +
                         " is not the model's: " + testing::fact(accounts[i]) +
                         (known == model.accounts.end() ? " | none" : " | " + testing::fact(known->second)));
    });
  }
  const auto& products = found.inventory.resource.rows();
  for (Inventory::Index i = 0; i < products.size(); ++i) {
    const auto known = model.products.find(products[i].sku.str());
    judge_.must(known != model.products.end() && testing::fact(products[i]) == testing::fact(known->second),
                [&] { return std::string(name + ": recovered sku " + products[i].sku.str() + " is not the model's"); });
  }
}

/// One damaged value: whoever reads it must say so, and whoever does not must see what was there before.
void FinalChecks::check_damage(Node& node) {
  const Fault kind = random_.chance(500) ? Fault::bit_flip : Fault::record_torn;
  if (!around_.options.on(kind) || !random_.chance(300)) return;
  auto& journal = node.store().memory()->streams[random_.index(persistence::kStreams)];
  if (journal.empty()) return;
  around_.happened(kind);
  auto entry = journal.begin();
  std::advance(entry, random_.between(0, static_cast<std::int64_t>(journal.size()) - 1));
  const std::string whole = entry->second;
  const testing::RecoveredState before(node.store(), node.format(), judge_.orders(), judge_.keys());
  if (kind == Fault::bit_flip) {
    char& byte = entry->second[random_.index(entry->second.size())];
    byte = static_cast<char>(byte ^ (1 << random_.below(8)));
  } else {
    entry->second.resize(random_.index(entry->second.size()));
  }
  const testing::RecoveredState after(node.store(), node.format(), judge_.orders(), judge_.keys());
  const std::string name = "shard " + std::to_string(node.id());
  judge_.must(after.facts.contains("error") || after.facts == before.facts,
              [&] { return std::string(name + ": a damaged record is served"); });
  bool found = false;
  const persistence::Store::Reader reader(node.store());
  for (std::size_t i = 0; i < persistence::kStreams; ++i)
    found = found || !reader.scan(static_cast<persistence::Stream>(i), 0, [](const auto&) { return true; });
  judge_.must(found, [&] { return std::string(name + ": a damaged record is not found by reading all"); });
  entry->second = whole;
}

void FinalChecks::audit() {
  ++around_.counters.audits;
  std::vector<std::unique_ptr<persistence::Store>> stores;
  for (const auto& node : nodes_) stores.push_back(node->take_store());
  std::string why = "audit";
  const auto set = persistence::ShardSet::of(std::move(stores), &why, persistence::Replay::in_turn);
  if (!set) return judge_.fail("the auditor cannot read: " + why);
  const auto report = persistence::audit(*set, &why);
  if (!report) return judge_.fail("the auditor cannot read: " + why);
  judge_.must(report->clean(),
              [&] { return std::string("audit: " + (report->faults.empty() ? "" : report->faults.front())); });
}

}  // namespace kontor::sim

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include "bench/shop.hpp"
#include "domain/commit/coordinator.hpp"
#include "domain/commit/participant.hpp"
#include "domain/inventory.hpp"
#include "domain/ledger.hpp"
#include "domain/order.hpp"

// The pure machines, one thread, nothing stored: what of a checkout's processor time is rules. An item is a line for
// `plan`, a transaction elsewhere: decided, held and settled as committed. Participants are driven as their actors
// drive them, a batch at a time with a look ahead; `rows` is the size of the table, touched all over.

namespace {

using namespace kontor;
using namespace kontor::bench;
using benchmark::State;

constexpr std::size_t kAhead = 64;  ///< Demands, and decisions, that are asked for at a time.
constexpr std::size_t kLines = 3;
constexpr std::int64_t kOrdersMin = 10'000;

void must(bool ok) {
  if (!ok) std::abort();  // Then the figures would be those of refusals.
}

/// As the engine's catalogue, without its lock.
class Catalog final : public PriceList {
 public:
  Catalog() {
    for (std::uint64_t i = 0; i < kSkus; ++i) prices_.try_emplace(sku(i), ListedPrice{{1'299, kGbp}, 1});
  }
  const ListedPrice* find(const Sku& name) const override {
    const auto it = prices_.find(name);
    return it == prices_.end() ? nullptr : &it->second;
  }

 private:
  boost::unordered_flat_map<Sku, ListedPrice> prices_;
};

void BM_PlanCheckout(State& state) {
  constexpr std::size_t kOperations = 64;
  static const Catalog kCatalog;
  const auto lines = static_cast<std::size_t>(state.range(0));
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < kOperations; ++i) operations.emplace_back(checkout(i, lines));
  Plan out;
  std::size_t next = 0;
  for (auto _ : state) {
    must(static_cast<bool>(plan(operations[next++ % kOperations], kCatalog, out)));
    benchmark::DoNotOptimize(out.total);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// One merchant, all others customers: two legs a transaction, the merchant's being in every one.
struct PaymentTable {
  using Resource = Ledger;
  static constexpr std::size_t kDemands = 2;
  static void fill(Ledger& ledger, std::uint64_t rows) {
    must(ledger.add({merchant(), kGbp, AccountKind::wallet, 0, 0, 0, 0}));
    for (std::uint64_t i = 1; i < rows; ++i)
      must(ledger.add({customer(i), kGbp, AccountKind::wallet, 0, kAmountMinorMax, 0, 0}));
  }
  static void ask(std::uint64_t chance, std::uint64_t rows, std::vector<PaymentDemand>& out) {
    constexpr Minor kPrice = 1'299;
    const AccountId payer = customer(1 + chance % (rows - 1));
    out.push_back({payer, PaymentAction::post, AccountKind::wallet, kGbp, -kPrice});
    out.push_back({merchant(), PaymentAction::post, AccountKind::wallet, kGbp, kPrice});
  }
};

/// Three products a transaction.
struct StockTable {
  using Resource = Inventory;
  static constexpr std::size_t kDemands = kLines;
  static void fill(Inventory& inventory, std::uint64_t rows) {
    Product product;
    product.currency = kGbp;
    product.price = 1'299;
    product.on_hand = product.received = kStockUnitsMax / 2;
    for (std::uint64_t i = 0; i < rows; ++i) product.sku = sku(i), must(inventory.add(product));
    inventory.take_repriced();
  }
  static void ask(std::uint64_t chance, std::uint64_t rows, std::vector<StockDemand>& out) {
    const std::uint64_t third = rows / kLines;
    for (std::size_t i = 0; i < kLines; ++i)  // Each from a third of its own: sorted, and no product twice.
      out.push_back({sku(third * i + scattered(chance + i) % third), StockAction::sell, kGbp, 1, 2});
  }
};

/// A participant, and transactions that ask it for rows all over its table.
template <class Table>
class Shop {
 public:
  using Resource = typename Table::Resource;
  using Demand = typename Resource::Demand;
  static constexpr std::uint64_t kTransactions = 65'536;

  explicit Shop(std::uint64_t rows) : rows_(rows) {
    Table::fill(participant_.resource, rows);
    demands_.reserve(kTransactions * Table::kDemands);
    for (std::uint64_t i = 0; i < kTransactions; ++i) Table::ask(scattered(i), rows, demands_);
  }

  /// `batch` divides kTransactions.
  void run(std::uint64_t batch) {
    next_ = (next_ + batch - 1) / batch * batch;  // After smaller ones: no batch reaches beyond the last demand.
    const std::uint64_t first = next_;
    const auto demands =
        std::span<const Demand>(demands_).subspan(first % kTransactions * Table::kDemands, batch * Table::kDemands);
    std::size_t fetched = 0;
    for (; next_ < first + batch; ++next_) {
      const std::size_t begin = (next_ - first) * Table::kDemands;
      if (begin + Table::kDemands > fetched) {
        const std::size_t count = std::min(kAhead, demands.size() - fetched);
        participant_.resource.prefetch(demands.subspan(fetched, count));
        fetched += count;
      }
      const TransactionId transaction{0, 1, next_};
      auto claim = participant_.decide(transaction, demands.subspan(begin, Table::kDemands));
      must(static_cast<bool>(claim));
      participant_.hold(transaction, std::move(*claim), next_);
    }
    for (std::uint64_t i = first; i < next_; ++i) {
      if ((i - first) % kAhead == 0)
        for (std::uint64_t j = i; j < std::min<std::uint64_t>(i + kAhead, next_); ++j) participant_.prefetch({0, 1, j});
      must(participant_.settle({{0, 1, i}, true}, next_));
    }
  }

  /// The one that is kept: filling a million rows takes a while.
  static Shop& of(std::int64_t rows) {
    static std::unique_ptr<Shop> kept;
    if (!kept || kept->rows_ != static_cast<std::uint64_t>(rows)) {
      kept.reset();
      kept = std::make_unique<Shop>(static_cast<std::uint64_t>(rows));
    }
    return *kept;
  }

 private:
  const std::uint64_t rows_;
  commit::Participant<Resource> participant_;
  std::vector<Demand> demands_;
  std::uint64_t next_ = 0;
};

template <class Table>
void BM_Rows(State& state) {
  auto& shop = Shop<Table>::of(state.range(0));
  for (auto _ : state) shop.run(static_cast<std::uint64_t>(state.range(1)));
  state.SetItemsProcessed(state.iterations() * state.range(1));
}

/// What a new request asks of the order book; `amends` also refunds a unit of an order in memory, one of its own: a
/// batch must not be larger than the table.
class Orders {
 public:
  explicit Orders(std::uint64_t rows) : rows_(rows), keys_(kKeys) {
    OrderProgress progress;
    progress.lines.assign(kLines, {kQuantityUnitsMax, 0, 0});
    for (std::uint64_t i = 0; i < rows; ++i) participant_.resource.load({0, 1, i}, progress, 0);
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      keys_[i].key = numbered<IdempotencyKey>("checkout", i);
      keys_[i].fingerprint = i;
    }
  }

  void run(std::uint64_t batch, bool amends) {
    const std::uint64_t first = next_;
    std::array<OrderDemand, 2> demands;
    demands[1].action = OrderAction::refund;
    demands[1].quantity = 1;
    for (; next_ < first + batch; ++next_) {
      demands[0] = keys_[next_ % kKeys];
      if (amends) {
        demands[1].order = {0, 1, next_ * kStride % rows_};
        demands[1].expected_version = participant_.resource.find(demands[1].order)->version;
        demands[1].line = static_cast<std::uint32_t>(next_ % kLines);
      }
      const TransactionId transaction{0, 2, next_};
      auto answer = participant_.decide(transaction, std::span(demands).first(amends ? 2 : 1),
                                        static_cast<const Enrolled*>(nullptr));
      must(answer && !answer->repeat_of);
      participant_.hold(transaction, std::move(answer->claim), next_);
    }
    for (std::uint64_t i = first; i < next_; ++i) must(participant_.settle({{0, 2, i}, true}, next_));
  }

  static Orders& of(std::int64_t rows) {
    static std::unique_ptr<Orders> kept;
    if (!kept || kept->rows_ != static_cast<std::uint64_t>(rows)) {
      kept.reset();
      kept = std::make_unique<Orders>(static_cast<std::uint64_t>(rows));
    }
    return *kept;
  }

 private:
  static constexpr std::uint64_t kKeys = 65'536;   ///< A batch is smaller, so none is in use twice.
  static constexpr std::uint64_t kStride = 7'919;  ///< A prime that no size divides by: all rows, out of order.
  const std::uint64_t rows_;
  commit::Participant<OrderBook> participant_;
  std::vector<OrderDemand> keys_;
  std::uint64_t next_ = 0;
};

void BM_OrderEnroll(State& state) {
  Orders& orders = Orders::of(kOrdersMin);
  for (auto _ : state) orders.run(static_cast<std::uint64_t>(state.range(0)), false);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_OrderAmend(State& state) {
  Orders& orders = Orders::of(state.range(0));
  for (auto _ : state) orders.run(static_cast<std::uint64_t>(state.range(1)), true);
  state.SetItemsProcessed(state.iterations() * state.range(1));
}

/// Every transaction is on all sites, all vote yes, all but the coordinator's own acknowledge.
void BM_Coordinator(State& state) {
  const auto batch = static_cast<std::uint32_t>(state.range(0));
  const auto sites = static_cast<ShardId>(state.range(1));
  commit::Coordinator coordinator(0, 1, 1);
  const TransactionHead head{(std::uint64_t{1} << sites) - 1, 0, {}};
  std::vector<commit::Coordinator::Made> made;
  for (auto _ : state) {
    made.clear();
    const std::uint64_t first = coordinator.next();
    for (std::uint32_t i = 0; i < batch; ++i) coordinator.begin(head);
    for (ShardId site = 0; site < sites; ++site) coordinator.votes(site, first, batch, {}, 1, made);
    must(made.size() == batch && made.back().commit);
    for (ShardId site = 1; site < sites; ++site)
      for (std::uint32_t i = 0; i < batch; ++i) coordinator.acknowledge({0, 1, first + i}, site);
    must(coordinator.unacknowledged().empty());
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

}  // namespace

BENCHMARK(BM_PlanCheckout)->ArgName("lines")->Arg(1)->Arg(3)->Arg(30)->Arg(300);
BENCHMARK_TEMPLATE(BM_Rows, PaymentTable)
    ->ArgNames({"rows", "batch"})
    ->ArgsProduct({{1'000, 100'000, 1'000'000}, {1, 64, 4'096}});
BENCHMARK_TEMPLATE(BM_Rows, StockTable)
    ->ArgNames({"rows", "batch"})
    ->ArgsProduct({{1'000, 100'000, 1'000'000}, {1, 64, 4'096}});
BENCHMARK(BM_OrderEnroll)->ArgName("batch")->Arg(1)->Arg(64)->Arg(4'096);
BENCHMARK(BM_OrderAmend)->ArgNames({"rows", "batch"})->ArgsProduct({{kOrdersMin, 100'000, 1'000'000}, {1, 64, 4'096}});
BENCHMARK(BM_Coordinator)->ArgNames({"batch", "sites"})->ArgsProduct({{1, 64, 4'096}, {1, 2, 3, 8}});
BENCHMARK_MAIN();

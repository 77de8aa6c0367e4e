#include <cstdlib>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/shop.hpp"
#include "domain/bundle.hpp"
#include "persistence/record_codec.hpp"
#include "persistence/table_codec.hpp"

// Facts to bytes and back, in memory: what each record costs before the journal has it, and what recovery pays to read
// it. Prepared records are those of three-line checkouts. An item is a transaction, a row of a block, or a line of a
// body; bytes are those of the payload.

namespace {

using namespace kontor;
using namespace kontor::bench;
using namespace kontor::persistence;
using benchmark::State;

constexpr std::size_t kLines = 3;
constexpr Minor kPrice = 1'299;
constexpr BatchHead kHead{0, 1, 1'000'000};

void must(bool ok) {
  if (!ok) std::abort();  // Then the figures would be those of refusals.
}

void report(State& state, std::size_t items, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
  state.counters["bytes_per_item"] = static_cast<double>(bytes) / static_cast<double>(items);
}

class OnePrice final : public PriceList {
 public:
  const ListedPrice* find(const Sku&) const override { return &listed_; }

 private:
  const ListedPrice listed_{{kPrice, kGbp}, 1};
};

Plan planned(const Operation& operation) {
  Plan out;
  must(static_cast<bool>(plan(operation, OnePrice(), out)));
  return out;
}

/// The demands of so many checkouts, laid flat as bundles lay them.
struct Sample {
  Demands<PaymentDemand> payment;
  Demands<StockDemand> stock;
  Demands<OrderDemand> order;
  std::string bodies;

  explicit Sample(std::uint32_t items) {
    ByteWriter out;
    for (std::uint32_t i = 0; i < items; ++i) {
      const Operation operation = checkout(i, kLines);
      const Plan plan = planned(operation);
      add(payment, i, plan.payments);
      add(stock, i, plan.stocks);
      OrderDemand enroll;
      enroll.body_begin = static_cast<std::uint32_t>(out.size());
      write_body(out, operation, plan);
      enroll.body_end = static_cast<std::uint32_t>(out.size());
      enroll.fingerprint = fingerprint(operation);
      enroll.key = numbered<IdempotencyKey>("checkout", i);
      add(order, i, std::vector{enroll});
    }
    bodies = out.take();
  }

  template <class Demand, class List>
  static void add(Demands<Demand>& out, std::uint32_t transaction, const List& demands) {
    const auto begin = static_cast<std::uint32_t>(out.demands.size());
    out.demands.insert(out.demands.end(), demands.begin(), demands.end());
    out.items.push_back({transaction, begin, static_cast<std::uint32_t>(out.demands.size())});
  }
};

template <class Demand>
const Demands<Demand>& of(const Sample& sample) {
  if constexpr (std::is_same_v<Demand, PaymentDemand>)
    return sample.payment;
  else
    return sample.stock;
}

template <class Demand>
std::string prepared(const Demands<Demand>& demands, std::size_t expected_bytes) {
  PreparedWriter out(kHead, expected_bytes);
  for (const auto& item : demands.items) out.item(item.transaction, demands.of(item));
  return out.take();
}

std::string order_prepared(const Sample& sample, std::size_t expected_bytes) {
  OrderPreparedWriter out(kHead.at(0), kHead, expected_bytes);
  for (const auto& item : sample.order.items) out.item(item.transaction, sample.order.of(item), sample.bodies);
  return out.take();
}

/// As the actors do, each record's room is what the last one of its size took.
template <class Demand>
void BM_WritePrepared(State& state) {
  const Sample sample(static_cast<std::uint32_t>(state.range(0)));
  std::size_t bytes = prepared(of<Demand>(sample), 0).size();
  for (auto _ : state) {
    const std::string payload = prepared(of<Demand>(sample), bytes);
    benchmark::DoNotOptimize(payload.data());
  }
  report(state, static_cast<std::size_t>(state.range(0)), bytes);
}

template <class Demand>
void BM_ReadPrepared(State& state) {
  const std::string payload = prepared(of<Demand>(Sample(static_cast<std::uint32_t>(state.range(0)))), 0);
  for (auto _ : state) {
    std::size_t demands = 0;
    const auto done = read_prepared<Demand>(payload, [&](const TransactionId&, auto item) { demands += item.size(); });
    must(done && demands > 0);
  }
  report(state, static_cast<std::size_t>(state.range(0)), payload.size());
}

void BM_WriteOrderPrepared(State& state) {
  const Sample sample(static_cast<std::uint32_t>(state.range(0)));
  const std::size_t bytes = order_prepared(sample, 0).size();
  for (auto _ : state) {
    const std::string payload = order_prepared(sample, bytes);
    benchmark::DoNotOptimize(payload.data());
  }
  report(state, static_cast<std::size_t>(state.range(0)), bytes);
}

void BM_ReadOrderPrepared(State& state) {
  const std::string payload = order_prepared(Sample(static_cast<std::uint32_t>(state.range(0))), 0);
  for (auto _ : state) {
    std::size_t body_bytes = 0;
    const auto done = read_order_prepared(payload, [&](const OrderItem& item) {
      body_bytes += item.body.size();
      return true;
    });
    must(done && body_bytes > 0);
  }
  report(state, static_cast<std::size_t>(state.range(0)), payload.size());
}

/// One request of a batch is looked up, as a repeat does: the last, behind all others.
void BM_ReadOrderItem(State& state) {
  const auto items = static_cast<std::uint32_t>(state.range(0));
  const std::string payload = order_prepared(Sample(items), 0);
  std::vector<OrderDemand> storage;
  for (auto _ : state) must(static_cast<bool>(read_order_item(payload, items - 1, storage)));
  state.SetItemsProcessed(state.iterations());
}

template <class Row>
std::vector<Row> block_rows() {
  std::vector<Row> rows(kRowsPerBlock);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto figure = static_cast<std::int64_t>(scattered(i) % 1'000'000);
    rows[i].currency = kGbp;
    if constexpr (std::is_same_v<Row, Account>) {
      rows[i].id = customer(i), rows[i].balance = figure, rows[i].held = kPrice;
    } else {
      rows[i].sku = sku(i), rows[i].price = kPrice;
      rows[i].received = 1'000'000, rows[i].sold = figure, rows[i].on_hand = 1'000'000 - figure;
    }
  }
  return rows;
}

template <class Row>
void BM_WriteBlock(State& state) {
  const std::vector<Row> rows = block_rows<Row>();
  std::size_t bytes = 0;
  for (auto _ : state) {
    const std::string payload = write_block({1'000'000, 1'000'000}, std::span<const Row>(rows));
    bytes = payload.size();
  }
  report(state, rows.size(), bytes);
}

template <class Row>
void BM_ReadBlock(State& state) {
  const std::vector<Row> rows = block_rows<Row>();
  const std::string payload = write_block({1'000'000, 1'000'000}, std::span<const Row>(rows));
  std::vector<Row> out;
  for (auto _ : state) must(read_block(payload, out) && out.size() == rows.size());
  report(state, rows.size(), payload.size());
}

void BM_WriteBody(State& state) {
  const Operation operation = checkout(1, static_cast<std::size_t>(state.range(0)));
  const Plan plan = planned(operation);
  ByteWriter out;
  for (auto _ : state) {
    out.clear();
    write_body(out, operation, plan);
    benchmark::DoNotOptimize(out.view().data());
  }
  report(state, static_cast<std::size_t>(state.range(0)), out.size());
}

void BM_ReadBody(State& state) {
  const Operation operation = checkout(1, static_cast<std::size_t>(state.range(0)));
  ByteWriter out;
  write_body(out, operation, planned(operation));
  const std::string body = out.take();
  for (auto _ : state) must(static_cast<bool>(read_body(body)));
  report(state, static_cast<std::size_t>(state.range(0)), body.size());
}

/// Checksum and copy of one stored value.
void BM_Seal(State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'p');
  std::string value(sizeof(RecordHeader) + payload.size(), '\0');
  RecordHeader header;
  header.size = static_cast<std::uint32_t>(payload.size());
  for (auto _ : state) {
    seal(header, payload, value.data());
    benchmark::DoNotOptimize(value.data());
  }
  report(state, 1, value.size());
}

void BM_Unseal(State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'p');
  std::string value(sizeof(RecordHeader) + payload.size(), '\0');
  RecordHeader header;
  header.size = static_cast<std::uint32_t>(payload.size());
  seal(header, payload, value.data());
  for (auto _ : state) must(static_cast<bool>(unseal(value, header.key)));
  report(state, 1, value.size());
}

void items_per_record(benchmark::internal::Benchmark* bench) { bench->ArgName("items")->Arg(1)->Arg(64)->Arg(4'096); }
void lines_per_body(benchmark::internal::Benchmark* bench) {
  bench->ArgName("lines")->Arg(1)->Arg(3)->Arg(30)->Arg(300);
}
void payload_bytes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("bytes")->Arg(100)->Arg(4'000)->Arg(400'000);
}

}  // namespace

BENCHMARK_TEMPLATE(BM_WritePrepared, PaymentDemand)->Apply(items_per_record);
BENCHMARK_TEMPLATE(BM_ReadPrepared, PaymentDemand)->Apply(items_per_record);
BENCHMARK_TEMPLATE(BM_WritePrepared, StockDemand)->Apply(items_per_record);
BENCHMARK_TEMPLATE(BM_ReadPrepared, StockDemand)->Apply(items_per_record);
BENCHMARK(BM_WriteOrderPrepared)->Apply(items_per_record);
BENCHMARK(BM_ReadOrderPrepared)->Apply(items_per_record);
BENCHMARK(BM_ReadOrderItem)->Apply(items_per_record);
BENCHMARK_TEMPLATE(BM_WriteBlock, Account);
BENCHMARK_TEMPLATE(BM_ReadBlock, Account);
BENCHMARK_TEMPLATE(BM_WriteBlock, Product);
BENCHMARK_TEMPLATE(BM_ReadBlock, Product);
BENCHMARK(BM_WriteBody)->Apply(lines_per_body);
BENCHMARK(BM_ReadBody)->Apply(lines_per_body);
BENCHMARK(BM_Seal)->Apply(payload_bytes);
BENCHMARK(BM_Unseal)->Apply(payload_bytes);
BENCHMARK_MAIN();

#include <cstdlib>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "cmd/kontor/serve/decode.hpp"
#include "cmd/kontor/serve/idempotency.hpp"
#include "cmd/kontor/serve/strict_json.hpp"

// What of an HTTP checkout's processor time is the body: its JSON, the operation in it, its key. One thread; `lines` is
// the length of the checkout. An item is a request.

namespace {

using namespace kontor::cmd::serve;
using benchmark::State;

void must(bool ok) {
  if (!ok) std::abort();  // Then the figures would be those of refusals.
}

std::string checkout(std::int64_t lines) {
  std::string text = R"({"customer":"customer-000017","currency":"GBP","payees":["merchant-0003"],"lines":[)";
  for (std::int64_t i = 0; i < lines; ++i)
    text += (i == 0 ? "" : ",") + (R"({"sku":"sku-00000)" + std::to_string(100 + i)) + R"(","quantity":2})";
  return text + "]}";
}

const PostRoute& checkout_route() {
  for (const PostRoute& route : post_routes())
    if (route.path == "/v1/checkouts") return route;
  std::abort();
}

void bm_json(State& state) {
  const std::string text = checkout(state.range(0));
  for (auto _ : state) {
    auto parsed = parse_strict(text, {});
    must(std::holds_alternative<boost::json::value>(parsed));
    benchmark::DoNotOptimize(parsed);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void bm_operation(State& state) {
  const std::string text = checkout(state.range(0));
  const PostRoute& route = checkout_route();
  for (auto _ : state) {
    Refusal refusal;
    auto operation = operation_in(route, {}, text, refusal);
    must(!refusal);
    benchmark::DoNotOptimize(operation);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void bm_key(State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(engine_key("local", "/v1/checkouts", {}, "5b0f6c1e-4a34-4b8e-9d51-6c2f8a7e9b10"));
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

BENCHMARK(bm_json)->Name("json")->ArgName("lines")->Arg(1)->Arg(3);
BENCHMARK(bm_operation)->Name("operation")->ArgName("lines")->Arg(1)->Arg(3);
BENCHMARK(bm_key)->Name("key");

BENCHMARK_MAIN();

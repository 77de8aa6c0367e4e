// A shop in twenty lines: open, fund, stock, sell. Runs again and again: each key has its effect once.
#include <cstdio>

#include "actors/engine.hpp"

using namespace kontor;

int main(int argc, char** argv) {
  EngineOptions options;
  options.dir = argc > 1 ? argv[1] : "shop";
  const auto engine = Engine::open(options);  // Recovers what is there.
  if (!engine) return 1;
  const auto id = [](const char* name) { return *AccountId::parse(name); };
  const auto submit = [&](const char* key, const Operation& operation) {
    return (*engine)->submit({*IdempotencyKey::parse(key), operation, 0}).get();
  };
  const Currency gbp = *parse_currency("GBP");
  const Sku mug = *Sku::parse("mug");
  submit("bank", OpenAccount{id("bank"), gbp, AccountKind::external, 0});
  submit("shop", OpenAccount{id("shop"), gbp, AccountKind::wallet, 0});
  submit("alice", OpenAccount{id("alice"), gbp, AccountKind::wallet, 0});
  submit("fund", Deposit{id("bank"), id("alice"), {5000, gbp}});
  submit("mug", DefineProduct{mug, {1299, gbp}});
  submit("mugs", ReceiveStock{{{mug, 10}}});
  const Outcome outcome = submit("order-1", Checkout{id("alice"), gbp, {id("shop")}, {{mug, 2}}, {}});
  const auto alice = (*engine)->account(id("alice")).get();
  std::printf("%s %s: alice has %s\n", order_text(outcome.transaction).c_str(), to_string(outcome.verdict).data(),
              to_string(Money{alice->balance, gbp}).c_str());
  return outcome.verdict == Verdict::committed && alice->balance == 2402 ? 0 : 1;
}

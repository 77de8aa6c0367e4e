// Bodies of requests: what is written is read back, and damage is a code and never a crash.
#include "persistence/operation_codec.hpp"

#include "tests/domain/values.hpp"
#include "tests/persistence/any_demand.hpp"
#include "tests/persistence/damage.hpp"
#include "tests/support/property.hpp"

namespace kontor::persistence {
namespace {

using namespace kontor::tests;

bool is_amendment(OperationKind kind) {
  return kind == OperationKind::cancel || kind == OperationKind::refund || kind == OperationKind::fulfil ||
         kind == OperationKind::redeem || kind == OperationKind::release;
}

template <class Any>
auto* purchase_in(Any& operation) {
  auto* reserve = std::get_if<Reserve>(&operation);
  return reserve ? &reserve->checkout : std::get_if<Checkout>(&operation);
}

/// A plan as the intake would hand it over: prices for a checkout, effects for an amendment, times.
Plan any_plan(const Operation& operation) {
  Plan plan;
  plan.begun_at_ns = any_time(), plan.expires_at_ns = any_time();
  if (const auto* checkout = purchase_in(operation))
    for (std::size_t i = 0; i < checkout->lines.size(); ++i)
      plan.unit_prices.push_back(any_number<Minor>(0, kAmountMinorMax));
  if (!is_amendment(kind_of(operation))) return plan;
  for (auto n = *rc::gen::inRange(0, 5); n > 0; --n) plan.payments.push_back(any_payment());
  for (auto n = *rc::gen::inRange(0, 5); n > 0; --n) plan.stocks.push_back(any_stock());
  return plan;
}

std::string body_of(const Operation& operation, const Plan& plan) {
  ByteWriter out(*rc::gen::inRange<std::size_t>(0, 100));
  write_body(out, operation, plan);
  return out.take();
}

/// As it comes back: with the prices that were charged, and the time that was meant.
Operation resolved(Operation operation, const Plan& plan) {
  if (auto* reserve = std::get_if<Reserve>(&operation))
    reserve->expires_at_ns = plan.expires_at_ns, reserve->expires_in_ns = 0;
  if (auto* checkout = purchase_in(operation))
    for (std::size_t i = 0; i < checkout->lines.size(); ++i) checkout->lines[i].unit_price = plan.unit_prices[i];
  return operation;
}

Errc read_code(std::string_view body) { return read_body(body).code(); }

}  // namespace

TEST_CASE("operation codec: what is written is read back", "[persistence][codec]") {
  const auto kind = static_cast<OperationKind>(GENERATE(range(0, static_cast<int>(kOperationKinds))));
  property("random requests: " + std::string(to_string(kind)), 100, [=] {
    const Operation operation = any_operation(kind);
    const Plan plan = any_plan(operation);
    const std::string body = body_of(operation, plan);
    const auto stored = read_body(body);
    RC_ASSERT(static_cast<bool>(stored));
    RC_ASSERT(stored->operation.index() == operation.index());
    RC_ASSERT(fingerprint(stored->operation) == fingerprint(resolved(operation, plan)));  // Over all fields.
    RC_ASSERT(all_same(stored->payments, plan.payments));
    RC_ASSERT(all_same(stored->stocks, plan.stocks));
    RC_ASSERT(body_of(stored->operation, plan) == body);
    RC_ASSERT(std::visit(
        [&](const auto& op) {
          if constexpr (requires { op.begun_at_ns; })
            return op.begun_at_ns == plan.begun_at_ns;
          else
            return true;
        },
        stored->operation));
  });
}

TEST_CASE("operation codec: a damaged body is a code, never a crash", "[persistence][codec]") {
  const auto kind = static_cast<OperationKind>(GENERATE(range(0, static_cast<int>(kOperationKinds))));
  property("random requests: " + std::string(to_string(kind)), 15, [=] {
    const Operation operation = any_operation(kind);
    const std::string body = body_of(operation, any_plan(operation));
    const Damage cut = truncated(body, read_code);
    RC_ASSERT(cut.corrupt == body.size());  // No part of a body is a body.
    RC_ASSERT(extended(body, read_code).corrupt == 4u);
    RC_ASSERT(overwritten(body, read_code).others == 0u);
  });
}

TEST_CASE("operation codec: noise is a code, never a crash", "[persistence][codec]") {
  property("random bytes", 2'000, [] {
    std::string noise = *rc::gen::arbitrary<std::string>();
    if (!noise.empty()) noise[0] = static_cast<char>(*rc::gen::inRange(0, static_cast<int>(kOperationKinds) + 1));
    const Errc code = read_exactly(noise, read_code);
    RC_ASSERT((code == Errc::none || code == Errc::corrupt_journal));
  });
}

TEST_CASE("operation codec: an unknown kind of request is corrupt", "[persistence][codec]") {
  CHECK(read_body("").code() == Errc::corrupt_journal);
  for (int kind = static_cast<int>(kOperationKinds); kind < 256; ++kind)
    CHECK(read_body(std::string(1, static_cast<char>(kind)) + std::string(100, '\0')).code() == Errc::corrupt_journal);
}

TEST_CASE("operation codec: lists claim no more memory than their bytes allow", "[persistence][codec]") {
  ByteWriter out;
  out.fixed(static_cast<std::uint8_t>(OperationKind::receive_stock));
  out.varint(std::uint64_t{1} << 60);
  out.raw(std::string(50, '\x01'));
  CHECK(read_body(out.view()).code() == Errc::corrupt_journal);
}

TEST_CASE("operation codec: figures beyond their bounds are corrupt", "[persistence][codec]") {
  const auto body = [](Units quantity, Minor price, std::uint8_t payee) {
    Checkout checkout{account("alice"), kGbp, {account("shop")}, {{sku("mug"), quantity, 0, 0, payee}}, {}};
    Plan plan;
    plan.unit_prices.push_back(price);
    ByteWriter out;
    write_body(out, checkout, plan);
    return out.take();
  };
  CHECK(read_body(body(kQuantityUnitsMax, kAmountMinorMax, 0)));
  CHECK(read_body(body(kQuantityUnitsMax + 1, 0, 0)).code() == Errc::corrupt_journal);
  CHECK(read_body(body(1, kAmountMinorMax + 1, 0)).code() == Errc::corrupt_journal);
  CHECK(read_body(body(-1, 0, 0)).code() == Errc::corrupt_journal);
  CHECK(read_body(body(1, 0, 1)).code() == Errc::corrupt_journal);  // There is one payee.
}

TEST_CASE("operation codec: an unknown reason of a release is corrupt", "[persistence][codec]") {
  for (const int reason : {0, 3, 255}) {
    ByteWriter out;
    write_body(out, Release{{0, 1, 1}, static_cast<ReleaseReason>(reason)}, Plan{});
    CHECK(read_body(out.view()).code() == Errc::corrupt_journal);
  }
}

TEST_CASE("operation codec: a shard that cannot be is corrupt", "[persistence][codec]") {
  const auto [shard, code] = GENERATE(table<ShardId, Errc>({
      {0, Errc::none},
      {kShardsMax - 1, Errc::none},
      {kShardsMax, Errc::corrupt_journal},
      {0xffff, Errc::corrupt_journal},
  }));
  ByteWriter out;
  write_body(out, Cancel{{shard, 1, 1}}, Plan{});
  CHECK(read_body(out.view()).code() == code);
}

TEST_CASE("operation codec: the longest request there can be is read back", "[persistence][codec][limits]") {
  Checkout longest{
      account(std::string(kNameBytesMax, 'c')), kGbp, {}, {}, {account(std::string(kNameBytesMax, 'f')), 1}};
  longest.payees.assign(kPayeesMax, account(std::string(kNameBytesMax, 'p')));
  longest.lines.assign(kLinesMax,
                       {sku(std::string(kNameBytesMax, 's')), kQuantityUnitsMax, 0, 0xffff'ffff, kPayeesMax - 1});
  Plan plan;
  plan.unit_prices.resize(kLinesMax, kAmountMinorMax);
  ByteWriter out;
  write_body(out, longest, plan);
  CHECK(out.size() < kRecordBytesMax / 100);
  const auto stored = read_body(out.view());
  REQUIRE(stored);
  CHECK(std::get<Checkout>(stored->operation).lines.size() == kLinesMax);
}

}  // namespace kontor::persistence

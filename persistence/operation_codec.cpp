#include "persistence/operation_codec.hpp"

namespace kontor::persistence {
namespace {

constexpr std::size_t kTextBytesMin = 2;  // A name of one byte with its size.

void write(ByteWriter& out, Money money) {
  out.fixed(money.currency.number);
  out.zigzag(money.minor);
}
Money read_money(ByteReader& in) {
  const Currency currency{in.fixed<std::uint16_t>()};
  return {in.zigzag(), currency};
}

void write(ByteWriter& out, const OpenAccount& op, const Plan&) {
  out.text(op.account);
  out.fixed(op.currency.number);
  out.fixed(static_cast<std::uint8_t>(op.kind));
  out.zigzag(op.credit_limit);
}
void read(ByteReader& in, OpenAccount& op) {
  op.account = in.text<AccountId>();
  op.currency.number = in.fixed<std::uint16_t>();
  op.kind = static_cast<AccountKind>(in.fixed<std::uint8_t>());
  op.credit_limit = in.zigzag();
}

void write(ByteWriter& out, const Deposit& op, const Plan&) {
  out.text(op.external), out.text(op.account), write(out, op.amount);
}
void read(ByteReader& in, Deposit& op) {
  op.external = in.text<AccountId>(), op.account = in.text<AccountId>(), op.amount = read_money(in);
}
void write(ByteWriter& out, const Withdraw& op, const Plan&) {
  out.text(op.account), out.text(op.external), write(out, op.amount);
}
void read(ByteReader& in, Withdraw& op) {
  op.account = in.text<AccountId>(), op.external = in.text<AccountId>(), op.amount = read_money(in);
}
void write(ByteWriter& out, const Transfer& op, const Plan&) {
  out.text(op.source), out.text(op.target), write(out, op.amount);
}
void read(ByteReader& in, Transfer& op) {
  op.source = in.text<AccountId>(), op.target = in.text<AccountId>(), op.amount = read_money(in);
}

void write(ByteWriter& out, const DefineProduct& op, const Plan&) { out.text(op.sku), write(out, op.price); }
void read(ByteReader& in, DefineProduct& op) { op.sku = in.text<Sku>(), op.price = read_money(in); }
void write(ByteWriter& out, const SetPrice& op, const Plan&) {
  out.text(op.sku), write(out, op.price), out.varint(op.expected_version);
}
void read(ByteReader& in, SetPrice& op) {
  op.sku = in.text<Sku>(), op.price = read_money(in), op.expected_version = in.varint_as<std::uint32_t>();
}

void write(ByteWriter& out, const std::vector<StockLine>& lines) {
  out.varint(lines.size());
  for (const StockLine& line : lines) out.text(line.sku), out.zigzag(line.quantity);
}
void read(ByteReader& in, std::vector<StockLine>& lines) {
  lines.resize(in.count(kTextBytesMin + 1));
  for (StockLine& line : lines) line.sku = in.text<Sku>(), line.quantity = in.zigzag();
}
void write(ByteWriter& out, const ReceiveStock& op, const Plan&) { write(out, op.lines); }
void read(ByteReader& in, ReceiveStock& op) { read(in, op.lines); }
void write(ByteWriter& out, const AdjustStock& op, const Plan&) { write(out, op.lines); }
void read(ByteReader& in, AdjustStock& op) { read(in, op.lines); }

void write(ByteWriter& out, const Checkout& op, const Plan& plan) {
  out.text(op.customer);
  out.fixed(op.currency.number);
  out.varint(op.payees.size());
  for (const AccountId& payee : op.payees) out.text(payee);
  out.text(op.fee.account);
  out.fixed(op.fee.basis_points);
  out.varint(op.lines.size());
  for (std::size_t i = 0; i < op.lines.size(); ++i) {
    const Line& line = op.lines[i];
    out.text(line.sku);
    out.varint(static_cast<std::uint64_t>(line.quantity));
    out.varint(static_cast<std::uint64_t>(plan.unit_prices[i]));
    out.varint(line.expected_version);
    out.fixed(line.payee);
  }
}
void read(ByteReader& in, Checkout& op) {
  op.customer = in.text<AccountId>();
  op.currency.number = in.fixed<std::uint16_t>();
  op.payees.resize(in.count(kTextBytesMin));
  for (AccountId& payee : op.payees) payee = in.text<AccountId>();
  op.fee.account = in.text<AccountId>();
  op.fee.basis_points = in.fixed<std::uint16_t>();
  op.lines.resize(in.count(kTextBytesMin + 4));
  for (Line& line : op.lines) {
    line.sku = in.text<Sku>();
    line.quantity = in.varint_as<std::int64_t>(kQuantityUnitsMax);
    line.unit_price = in.varint_as<std::int64_t>(kAmountMinorMax);
    line.expected_version = in.varint_as<std::uint32_t>();
    line.payee = in.fixed<std::uint8_t>();
    if (line.payee >= op.payees.size()) in.fail();
  }
}

void write_time(ByteWriter& out, std::int64_t unix_ns) { out.fixed(static_cast<std::uint64_t>(unix_ns)); }
std::int64_t read_time(ByteReader& in) { return static_cast<std::int64_t>(in.fixed<std::uint64_t>()); }
void write(ByteWriter& out, const Reserve& op, const Plan& plan) {
  write(out, op.checkout, plan), write_time(out, plan.begun_at_ns), write_time(out, plan.expires_at_ns);
}
void read(ByteReader& in, Reserve& op) {
  read(in, op.checkout), op.begun_at_ns = read_time(in), op.expires_at_ns = read_time(in);
}

void write_effects(ByteWriter& out, const Plan& plan) {
  out.varint(plan.payments.size());
  for (const PaymentDemand& demand : plan.payments) write_payment(out, demand);
  out.varint(plan.stocks.size());
  for (const StockDemand& demand : plan.stocks) write_stock(out, demand);
}
void write(ByteWriter& out, const std::vector<OrderLine>& lines) {
  out.varint(lines.size());
  for (const OrderLine& line : lines) out.varint(line.line), out.zigzag(line.quantity);
}
void read(ByteReader& in, std::vector<OrderLine>& lines) {
  lines.resize(in.count(2));
  for (OrderLine& line : lines) line.line = in.varint_as<std::uint32_t>(), line.quantity = in.zigzag();
}
void write(ByteWriter& out, const Cancel& op, const Plan& plan) {
  write_transaction(out, op.order), write_effects(out, plan);
}
void read(ByteReader& in, Cancel& op) { op.order = read_transaction(in); }
void write(ByteWriter& out, const Refund& op, const Plan& plan) {
  write_transaction(out, op.order), write(out, op.lines), out.fixed(static_cast<std::uint8_t>(op.restock));
  write_effects(out, plan);
}
void read(ByteReader& in, Refund& op) {
  op.order = read_transaction(in), read(in, op.lines), op.restock = in.fixed<std::uint8_t>() != 0;
}
void write(ByteWriter& out, const Fulfil& op, const Plan& plan) {
  write_transaction(out, op.order), write(out, op.lines), write_effects(out, plan);
}
void read(ByteReader& in, Fulfil& op) { op.order = read_transaction(in), read(in, op.lines); }
void write(ByteWriter& out, const Redeem& op, const Plan& plan) {
  write_transaction(out, op.order), write_time(out, plan.begun_at_ns), write_effects(out, plan);
}
void read(ByteReader& in, Redeem& op) { op.order = read_transaction(in), op.begun_at_ns = read_time(in); }
void write(ByteWriter& out, const Release& op, const Plan& plan) {
  write_transaction(out, op.order), out.fixed(static_cast<std::uint8_t>(op.reason));
  write_time(out, plan.begun_at_ns), write_effects(out, plan);
}
void read(ByteReader& in, Release& op) {
  op.order = read_transaction(in), op.reason = static_cast<ReleaseReason>(in.fixed<std::uint8_t>());
  op.begun_at_ns = read_time(in);
  if (op.reason != ReleaseReason::asked && op.reason != ReleaseReason::expired) in.fail();
}

void write(ByteWriter& out, const UnmatchedRefund& op, const Plan&) {
  out.text(op.customer), out.text(op.payee), out.fixed(op.currency.number);
  out.varint(op.lines.size());
  for (const ReturnLine& line : op.lines) {
    out.text(line.sku);
    out.varint(static_cast<std::uint64_t>(line.quantity));
    out.varint(static_cast<std::uint64_t>(line.unit_price));
  }
}
void read(ByteReader& in, UnmatchedRefund& op) {
  op.customer = in.text<AccountId>(), op.payee = in.text<AccountId>();
  op.currency.number = in.fixed<std::uint16_t>();
  op.lines.resize(in.count(kTextBytesMin + 2));
  for (ReturnLine& line : op.lines) {
    line.sku = in.text<Sku>();
    line.quantity = in.varint_as<std::int64_t>(kQuantityUnitsMax);
    line.unit_price = in.varint_as<std::int64_t>(kAmountMinorMax);
  }
}

template <std::size_t... kIndex>
Operation make(std::size_t index, std::index_sequence<kIndex...>) {
  Operation out;
  ((index == kIndex ? static_cast<void>(out.emplace<kIndex>()) : void()), ...);
  return out;
}

}  // namespace

void write_payment(ByteWriter& out, const PaymentDemand& demand) {
  out.fixed(static_cast<std::uint8_t>(static_cast<unsigned>(demand.action) << 4 | static_cast<unsigned>(demand.kind)));
  out.text(demand.account);
  out.fixed(demand.currency.number);
  out.zigzag(demand.amount);
}

PaymentDemand read_payment(ByteReader& in) {
  PaymentDemand demand;
  const auto packed = in.fixed<std::uint8_t>();
  demand.action = static_cast<PaymentAction>(packed >> 4);
  demand.kind = static_cast<AccountKind>(packed & 15);
  demand.account = in.text<AccountId>();
  demand.currency.number = in.fixed<std::uint16_t>();
  demand.amount = in.zigzag();
  if (demand.action != PaymentAction::post && demand.action != PaymentAction::open_account) in.fail();
  if (demand.kind != AccountKind::wallet && demand.kind != AccountKind::external) in.fail();
  return demand;
}

void write_stock(ByteWriter& out, const StockDemand& demand) {
  out.fixed(static_cast<std::uint8_t>(demand.action));
  out.text(demand.sku);
  out.fixed(demand.currency.number);
  out.varint(demand.expected_version);
  out.zigzag(demand.amount);
}

StockDemand read_stock(ByteReader& in) {
  StockDemand demand;
  demand.action = static_cast<StockAction>(in.fixed<std::uint8_t>());
  demand.sku = in.text<Sku>();
  demand.currency.number = in.fixed<std::uint16_t>();
  demand.expected_version = in.varint_as<std::uint32_t>();
  demand.amount = in.zigzag();
  if (demand.action < StockAction::sell || demand.action > StockAction::release) in.fail();
  return demand;
}

void write_transaction(ByteWriter& out, const TransactionId& id) {
  out.varint(id.shard), out.varint(id.incarnation), out.varint(id.sequence);
}

TransactionId read_transaction(ByteReader& in) {
  TransactionId id;
  id.shard = in.varint_as<ShardId>(kShardsMax - 1);
  id.incarnation = in.varint_as<std::uint32_t>();
  id.sequence = in.varint();
  return id;
}

void write_body(ByteWriter& out, const Operation& operation, const Plan& plan) {
  out.fixed(static_cast<std::uint8_t>(operation.index()));
  std::visit([&](const auto& op) { write(out, op, plan); }, operation);
}

Result<StoredOperation> read_body(std::string_view body) {
  const Error corrupt{Errc::corrupt_journal, "operation"};
  ByteReader in(body);
  const auto kind = in.fixed<std::uint8_t>();
  if (!in.ok() || kind >= kOperationKinds) return corrupt;
  StoredOperation out{make(kind, std::make_index_sequence<kOperationKinds>{}), {}, {}};
  std::visit([&](auto& op) { read(in, op); }, out.operation);
  const bool amends = std::visit(
      [](const auto& op) {
        return requires { op.order; };
      },
      out.operation);
  if (amends) {
    out.payments.resize(in.count(kTextBytesMin + 4));
    for (PaymentDemand& demand : out.payments) demand = read_payment(in);
    out.stocks.resize(in.count(kTextBytesMin + 5));
    for (StockDemand& demand : out.stocks) demand = read_stock(in);
  }
  if (!in.done()) return corrupt;
  return out;
}

}  // namespace kontor::persistence

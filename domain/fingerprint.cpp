#include "domain/plan.hpp"

namespace kontor {
namespace {

/// Folds fields into one hash; each with its length or width, so that ("ab","c") differs from ("a","bc").
class Fold {
 public:
  void add(std::uint64_t value) { hash_ = XXH3_64bits_withSeed(&value, sizeof value, hash_); }
  void add_signed(std::int64_t value) { add(static_cast<std::uint64_t>(value)); }
  template <class Tag, std::size_t kMax>
  void add(const Text<Tag, kMax>& text) {
    hash_ = XXH3_64bits_withSeed(text.view().data(), text.size(), hash_ + text.size());
  }
  void add(Money money) { add_signed(money.minor), add(money.currency.number); }
  void add(const OrderId& id) { add(id.shard), add(id.incarnation), add(id.sequence); }
  std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_ = 0;
};

void fold(Fold& out, const OpenAccount& op) {
  out.add(op.account), out.add(op.currency.number), out.add(static_cast<std::uint64_t>(op.kind));
  out.add_signed(op.credit_limit);
}
void fold(Fold& out, const Deposit& op) { out.add(op.external), out.add(op.account), out.add(op.amount); }
void fold(Fold& out, const Withdraw& op) { out.add(op.account), out.add(op.external), out.add(op.amount); }
void fold(Fold& out, const Transfer& op) { out.add(op.source), out.add(op.target), out.add(op.amount); }
void fold(Fold& out, const DefineProduct& op) { out.add(op.sku), out.add(op.price); }
void fold(Fold& out, const SetPrice& op) { out.add(op.sku), out.add(op.price), out.add(op.expected_version); }
void fold(Fold& out, const std::vector<StockLine>& lines) {
  out.add(lines.size());
  for (const StockLine& line : lines) out.add(line.sku), out.add_signed(line.quantity);
}
void fold(Fold& out, const ReceiveStock& op) { fold(out, op.lines); }
void fold(Fold& out, const AdjustStock& op) { fold(out, op.lines); }
void fold(Fold& out, const Checkout& op) {
  out.add(op.customer), out.add(op.currency.number), out.add(op.payees.size());
  for (const AccountId& payee : op.payees) out.add(payee);
  out.add(op.fee.account), out.add(op.fee.basis_points), out.add(op.lines.size());
  for (const Line& line : op.lines) {
    out.add(line.sku), out.add_signed(line.quantity), out.add_signed(line.unit_price);
    out.add((std::uint64_t{line.expected_version} << 8) | line.payee);
  }
}
void fold(Fold& out, const std::vector<OrderLine>& lines) {
  out.add(lines.size());
  for (const OrderLine& line : lines) out.add(line.line), out.add_signed(line.quantity);
}
void fold(Fold& out, const Cancel& op) { out.add(op.order); }
void fold(Fold& out, const Refund& op) { out.add(op.order), fold(out, op.lines), out.add(op.restock); }
void fold(Fold& out, const Fulfil& op) { out.add(op.order), fold(out, op.lines); }
void fold(Fold& out, const UnmatchedRefund& op) {
  out.add(op.customer), out.add(op.payee), out.add(op.currency.number), out.add(op.lines.size());
  for (const ReturnLine& line : op.lines)
    out.add(line.sku), out.add_signed(line.quantity), out.add_signed(line.unit_price);
}
void fold(Fold& out, const Reserve& op) {
  fold(out, op.checkout), out.add_signed(op.expires_at_ns), out.add_signed(op.expires_in_ns);
}
void fold(Fold& out, const Redeem& op) { out.add(op.order); }
void fold(Fold& out, const Release& op) { out.add(op.order), out.add(static_cast<std::uint64_t>(op.reason)); }

}  // namespace

std::uint64_t fingerprint(const Operation& operation) {
  Fold out;
  out.add(operation.index());
  std::visit([&](const auto& op) { fold(out, op); }, operation);
  return out.hash();
}

}  // namespace kontor

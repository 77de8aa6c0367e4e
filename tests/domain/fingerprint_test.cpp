// The hash that tells a repeat of a request from another one under the same key. It is stored, so it must never change.
#include <functional>

#include "domain/plan.hpp"
#include "tests/domain/good_operations.hpp"
#include "tests/support/any_operation.hpp"
#include "tests/support/property.hpp"

namespace kontor::tests {
namespace {

/// All the ways to change one field of an operation, and nothing else.
using Changes = std::vector<std::function<void()>>;

template <class Number>
void add_number(Changes& out, Number& field) {
  out.push_back([&field] { field = static_cast<Number>(field ^ 1); });  // It may be the largest.
}
template <class Tag, std::size_t kMax>
void add_name(Changes& out, Text<Tag, kMax>& field) {
  out.push_back([&field] {
    std::string text = field.str();
    text.size() < kMax ? text += 'q' : text.erase(0, 1);
    field = Text<Tag, kMax>::unchecked(text);
  });
}
void add_money(Changes& out, Money& field) { add_number(out, field.minor), add_number(out, field.currency.number); }
void add_order(Changes& out, OrderId& field) {
  add_number(out, field.shard), add_number(out, field.incarnation), add_number(out, field.sequence);
}
template <class Lines>
void add_length(Changes& out, Lines& lines) {
  out.push_back([&lines] { lines.push_back(lines.empty() ? typename Lines::value_type{} : lines.back()); });
  if (!lines.empty()) out.push_back([&lines] { lines.pop_back(); });
}

void add(Changes& out, OpenAccount& op) {
  add_name(out, op.account), add_number(out, op.currency.number), add_number(out, op.credit_limit);
  out.push_back([&op] { op.kind = op.kind == AccountKind::wallet ? AccountKind::external : AccountKind::wallet; });
}
void add(Changes& out, Deposit& op) {
  add_name(out, op.external), add_name(out, op.account), add_money(out, op.amount);
}
void add(Changes& out, Withdraw& op) {
  add_name(out, op.account), add_name(out, op.external), add_money(out, op.amount);
}
void add(Changes& out, Transfer& op) { add_name(out, op.source), add_name(out, op.target), add_money(out, op.amount); }
void add(Changes& out, DefineProduct& op) { add_name(out, op.sku), add_money(out, op.price); }
void add(Changes& out, SetPrice& op) {
  add_name(out, op.sku), add_money(out, op.price), add_number(out, op.expected_version);
}
void add(Changes& out, std::vector<StockLine>& lines) {
  add_length(out, lines);
  for (StockLine& line : lines) add_name(out, line.sku), add_number(out, line.quantity);
}
void add(Changes& out, ReceiveStock& op) { add(out, op.lines); }
void add(Changes& out, AdjustStock& op) { add(out, op.lines); }
void add(Changes& out, Checkout& op) {
  add_name(out, op.customer), add_number(out, op.currency.number), add_length(out, op.payees);
  add_name(out, op.fee.account), add_number(out, op.fee.basis_points), add_length(out, op.lines);
  for (AccountId& payee : op.payees) add_name(out, payee);
  for (Line& line : op.lines) {
    add_name(out, line.sku), add_number(out, line.quantity), add_number(out, line.unit_price);
    add_number(out, line.expected_version), add_number(out, line.payee);
  }
}
void add(Changes& out, std::vector<OrderLine>& lines) {
  add_length(out, lines);
  for (OrderLine& line : lines) add_number(out, line.line), add_number(out, line.quantity);
}
void add(Changes& out, Cancel& op) { add_order(out, op.order); }
void add(Changes& out, Refund& op) {
  add_order(out, op.order), add(out, op.lines);
  out.push_back([&op] { op.restock = !op.restock; });
}
void add(Changes& out, Fulfil& op) { add_order(out, op.order), add(out, op.lines); }
void add(Changes& out, UnmatchedRefund& op) {
  add_name(out, op.customer), add_name(out, op.payee), add_number(out, op.currency.number), add_length(out, op.lines);
  for (ReturnLine& line : op.lines)
    add_name(out, line.sku), add_number(out, line.quantity), add_number(out, line.unit_price);
}
void add(Changes& out, Reserve& op) {
  add(out, op.checkout), add_number(out, op.expires_at_ns), add_number(out, op.expires_in_ns);
}
void add(Changes& out, Redeem& op) { add_order(out, op.order); }
void add(Changes& out, Release& op) {
  add_order(out, op.order);
  out.push_back(
      [&op] { op.reason = op.reason == ReleaseReason::asked ? ReleaseReason::expired : ReleaseReason::asked; });
}

Changes changes_of(Operation& operation) {
  Changes out;
  std::visit([&](auto& op) { add(out, op); }, operation);
  return out;
}

}  // namespace

TEST_CASE("fingerprint: any one field changed makes another request", "[domain][fingerprint]") {
  const auto kind = static_cast<OperationKind>(GENERATE(range(0, static_cast<int>(kOperationKinds))));
  property("random requests: " + std::string(to_string(kind)), 40, [=] {
    const Operation original = any_operation(kind);
    const std::uint64_t expected = fingerprint(original);
    Operation changed = original;
    const std::size_t ways = changes_of(changed).size();
    RC_ASSERT(ways >= 3u);
    for (std::size_t i = 0; i < ways; ++i) {
      changed = original;
      RC_ASSERT(fingerprint(changed) == expected);  // The same request, in another place of memory.
      changes_of(changed)[i]();
      RC_ASSERT(fingerprint(changed) != expected);
    }
  });
}

TEST_CASE("fingerprint: fields that change places make another request", "[domain][fingerprint]") {
  const auto differ = [](const Operation& a, const Operation& b) { CHECK(fingerprint(a) != fingerprint(b)); };
  differ(Transfer{account("a"), account("b"), gbp(1)}, Transfer{account("b"), account("a"), gbp(1)});
  differ(Transfer{account("ab"), account("c"), gbp(1)}, Transfer{account("a"), account("bc"), gbp(1)});
  differ(Transfer{account("a"), account("b"), gbp(1)}, Withdraw{account("a"), account("b"), gbp(1)});
  differ(ReceiveStock{{{sku("a"), 1}, {sku("b"), 1}}}, ReceiveStock{{{sku("b"), 1}, {sku("a"), 1}}});
  differ(ReceiveStock{{{sku("a"), 1}, {sku("b"), 2}}}, ReceiveStock{{{sku("a"), 2}, {sku("b"), 1}}});
  differ(ReceiveStock{{{sku("a"), 1}}}, AdjustStock{{{sku("a"), 1}}});
  differ(Cancel{{0, 1, 2}}, Cancel{{0, 2, 1}});
  differ(Cancel{{0, 1, 2}}, Fulfil{{0, 1, 2}, {}});
  differ(Redeem{{0, 1, 2}}, Release{{0, 1, 2}});
  differ(Reserve{good_checkout(), 5, 0}, Reserve{good_checkout(), 0, 5});
  differ(Refund{{0, 1, 2}, {{1, 2}}, true}, Refund{{0, 1, 2}, {{2, 1}}, true});
}

TEST_CASE("fingerprint: stored fingerprints stay valid", "[domain][fingerprint]") {
  // A key used before an upgrade must know its request after it: these numbers may never change.
  CHECK(fingerprint(good_wallet()) == 0x7771'dc7b'431f'cba7);
  CHECK(fingerprint(good_deposit()) == 0x2784'14ba'a3f6'f304);
  CHECK(fingerprint(good_withdrawal()) == 0x044c'18eb'fb19'eade);
  CHECK(fingerprint(good_transfer()) == 0xf21a'685a'416a'a4f9);
  CHECK(fingerprint(good_product()) == 0x9d2f'1b5c'80ed'6356);
  CHECK(fingerprint(good_price()) == 0x9bc6'9509'5761'b1f4);
  CHECK(fingerprint(good_receipt()) == 0xbbd3'010d'8751'1dfc);
  CHECK(fingerprint(good_adjustment()) == 0x9db3'0bc6'c9a4'152e);
  CHECK(fingerprint(good_checkout()) == 0xd874'da8b'792c'7883);
  CHECK(fingerprint(Cancel{{1, 2, 3}}) == 0x7c15'7d7b'be91'fd58);
  CHECK(fingerprint(Refund{{1, 2, 3}, {{0, 2}, {4, 1}}, true}) == 0xaf39'd109'9c66'78b2);
  CHECK(fingerprint(Fulfil{{1, 2, 3}, {}}) == 0x5beb'6b21'8260'321d);
  CHECK(fingerprint(good_return()) == 0x2d8c'0171'a5d8'e46e);
  CHECK(fingerprint(good_reservation()) == 0x0be3'fd3d'622d'ade0);
  CHECK(fingerprint(Redeem{{1, 2, 3}}) == 0x459c'8d63'47c9'eb01);
  CHECK(fingerprint(Release{{1, 2, 3}, ReleaseReason::expired}) == 0x771d'02c2'a747'4b01);
}

TEST_CASE("fingerprint: when the engine began is not asked for", "[domain][fingerprint]") {
  CHECK(fingerprint(Redeem{{1, 2, 3}, 5}) == fingerprint(Redeem{{1, 2, 3}, 6}));
  CHECK(fingerprint(Release{{1, 2, 3}, ReleaseReason::asked, 5}) == fingerprint(Release{{1, 2, 3}}));
}

}  // namespace kontor::tests

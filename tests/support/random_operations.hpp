#pragma once
#include <array>
#include <ostream>
#include <string>
#include <vector>

#include <rapidcheck.h>

#include "tests/support/shop_words.hpp"

namespace kontor::testing {

/// One step of a random run: what is done, and three numbers that it is made from. Small, so that it shrinks well.
struct Step {
  unsigned what = 0, a = 0, b = 0, c = 0;
};
inline std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << '{' << step.what << ", " << step.a << ", " << step.b << ", " << step.c << '}';
}
inline rc::Gen<Step> any_step() {
  const auto number = rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0U, 1'000'000U));
  return rc::gen::build<Step>(rc::gen::set(&Step::what, number), rc::gen::set(&Step::a, number),
                              rc::gen::set(&Step::b, number), rc::gen::set(&Step::c, number));
}
/// Up to `most`, more in the later ones of a property's runs.
inline rc::Gen<std::vector<Step>> any_steps(int most = 300) {
  return rc::gen::scale(most / 100.0, rc::gen::container<std::vector<Step>>(any_step()));
}

inline constexpr std::array kWallets = {"w0", "w1", "w2", "w3"};
inline constexpr std::array kSkus = {"s0", "s1", "s2"};

/// Accounts and products of a random run: few, so that requests meet.
inline std::vector<Operation> opening_day() {
  std::vector<Operation> out{OpenAccount{acc("bank"), kGbp, AccountKind::external}};
  for (const char* name : kWallets) out.push_back(OpenAccount{acc(name), kGbp, AccountKind::wallet, 30});
  out.push_back(OpenAccount{acc("euro"), kEur});
  Minor price = 7;
  for (const char* name : kSkus) out.push_back(DefineProduct{sku(name), gbp(price++)});
  return out;
}
inline std::vector<Operation> opening_stock() {
  std::vector<Operation> out;
  for (const char* name : kWallets) out.push_back(Deposit{acc("bank"), acc(name), gbp(300)});
  for (const char* name : kSkus) out.push_back(ReceiveStock{{{sku(name), 20}}});
  return out;
}

/// Chooses from a step's numbers, a new digit each time.
class Chooser {
 public:
  explicit Chooser(const Step& step) : digits_{step.a, step.b, step.c} {}
  unsigned below(unsigned count) {
    unsigned& digit = digits_[next_++ % digits_.size()];
    const unsigned chosen = digit % count;
    digit = digit / count + 7 * chosen;
    return chosen;
  }
  template <class List>
  const auto& of(const List& list) {
    return list[below(static_cast<unsigned>(list.size()))];
  }
  AccountId wallet() { return below(40) == 0 ? acc("ghost") : below(60) == 0 ? acc("euro") : acc(of(kWallets)); }
  Sku product() { return below(40) == 0 ? sku("phantom") : sku(of(kSkus)); }

 private:
  std::array<unsigned, 3> digits_;
  std::size_t next_ = 0;
};

inline Checkout random_checkout(Chooser& choose, bool priced) {
  Checkout out{acc(kWallets[choose.below(2)]), kGbp, {acc(kWallets[2])}, {}, {}};
  if (choose.below(3) == 0) out.payees.push_back(acc(kWallets[3]));
  if (choose.below(3) == 0) out.fee = {acc(kWallets[3]), static_cast<std::uint16_t>(choose.below(3'000))};
  for (unsigned lines = 1 + choose.below(3); lines > 0; --lines) {
    Line line{choose.product(), 1 + static_cast<Units>(choose.below(4))};
    if (priced || choose.below(2) == 0) line.unit_price = static_cast<Minor>(choose.below(12));
    if (choose.below(5) == 0) line.expected_version = 1 + choose.below(3);
    line.payee = static_cast<std::uint8_t>(choose.below(static_cast<unsigned>(out.payees.size())));
    out.lines.push_back(line);
  }
  return out;
}

inline Operation random_amendment(Chooser& choose, const std::vector<OrderId>& orders) {
  const OrderId order = orders.empty() || choose.below(30) == 0 ? OrderId{0, 1, 999'999} : choose.of(orders);
  std::vector<OrderLine> lines;
  if (choose.below(3) != 0) lines.push_back({choose.below(2), 1 + static_cast<Units>(choose.below(2))});
  switch (choose.below(7)) {
    case 0: return Cancel{order};
    case 1: return Fulfil{order, lines};
    case 2:
    case 3: return Redeem{order};
    case 4: return Release{order, choose.below(2) == 0 ? ReleaseReason::asked : ReleaseReason::expired};
    default: return Refund{order, lines, choose.below(2) == 0};
  }
}

/// Well-formed, but the shop may refuse it. `orders`: those that may be amended. `priced`: every line names its price.
inline Operation random_operation(const Step& step, const std::vector<OrderId>& orders, bool priced) {
  Chooser choose(step);
  const auto amount = [&] { return gbp(1 + static_cast<Minor>(choose.below(120))); };
  const auto units = [&] { return 1 + static_cast<Units>(choose.below(6)); };
  switch (choose.below(18)) {
    case 0: return OpenAccount{acc("n" + std::to_string(choose.below(9))), kGbp};
    case 1: return Deposit{acc("bank"), choose.wallet(), amount()};
    case 2: return Withdraw{choose.wallet(), acc("bank"), amount()};
    case 3: return DefineProduct{sku("p" + std::to_string(choose.below(9))), amount()};
    case 4: return SetPrice{choose.product(), gbp(1 + static_cast<Minor>(choose.below(9))), choose.below(3)};
    case 5: return ReceiveStock{{{choose.product(), units()}, {sku(kSkus[0]), 1}}};
    case 6: return AdjustStock{{{choose.product(), choose.below(2) == 0 ? units() : -units()}}};
    case 7: return UnmatchedRefund{acc("w0"), acc("w2"), kGbp, {{choose.product(), 1, amount().minor}}};
    case 8: {
      const unsigned source = choose.below(4), target = (source + 1 + choose.below(3)) % 4;
      return Transfer{acc(kWallets[source]), acc(kWallets[target]), amount()};
    }
    case 9:
    case 10:
    case 11: return random_amendment(choose, orders);
    case 12:
    case 13: return Reserve{random_checkout(choose, priced), 0, (50 + choose.below(1'500)) * std::int64_t{1'000'000}};
    default: return random_checkout(choose, priced);
  }
}

}  // namespace kontor::testing

#include "tests/simulation/workload.hpp"

#include <algorithm>
#include <array>

namespace kontor::sim {
namespace {

using testing::acc;
using testing::gbp;
using testing::sku;

constexpr std::array kBuyers = {"ann", "bob", "cem", "dia"};
constexpr std::array kSellers = {"mill", "barn"};
constexpr std::int64_t kMs = 1'000'000;
constexpr const char* kFees = "fees";
constexpr const char* kBank = "bank";
constexpr std::array kSkus = {"hot", "a1", "b2", "c3", "d4", "e5", "f6"};
constexpr std::array<Minor, kSkus.size()> kPrices = {9, 7, 8, 11, 13, 5, 6};

template <class List>
const auto& one_of(Random& random, const List& list) {
  return list[random.index(list.size())];
}

}  // namespace

std::vector<Operation> Workload::accounts_and_products() {
  std::vector<Operation> out{OpenAccount{acc(kBank), testing::kGbp, AccountKind::external}};
  for (const char* name : kBuyers) out.push_back(OpenAccount{acc(name), testing::kGbp, AccountKind::wallet, 40});
  for (const char* name : kSellers) out.push_back(OpenAccount{acc(name), testing::kGbp});
  out.push_back(OpenAccount{acc(kFees), testing::kGbp});
  for (std::size_t i = 0; i < kSkus.size(); ++i) out.push_back(DefineProduct{sku(kSkus[i]), gbp(kPrices[i])});
  return out;
}

std::vector<Operation> Workload::money_and_stock(bool scarce) {
  std::vector<Operation> out;
  for (const char* name : kBuyers) out.push_back(Deposit{acc(kBank), acc(name), gbp(scarce ? 900 : 90'000)});
  ReceiveStock stock;
  for (const char* name : kSkus) stock.lines.push_back({sku(name), scarce ? 25 : 2'000});
  std::sort(stock.lines.begin(), stock.lines.end(), [](const auto& a, const auto& b) { return a.sku < b.sku; });
  out.push_back(std::move(stock));
  return out;
}

Sku Workload::any_sku() { return sku(random_.chance(400) ? kSkus[0] : one_of(random_, kSkus)); }
AccountId Workload::any_account() { return random_.chance(500) ? acc(kBank) : buyer(); }
AccountId Workload::buyer() { return acc(random_.chance(10) ? "ghost" : one_of(random_, kBuyers)); }
AccountId Workload::seller() { return acc(one_of(random_, kSellers)); }

Checkout Workload::checkout() {
  Checkout out{buyer(), testing::kGbp, {seller()}, {}, {}};
  if (random_.chance(300) && out.payees[0] != acc(kSellers[0])) out.payees.push_back(acc(kSellers[0]));
  if (random_.chance(300)) out.fee = {acc(kFees), static_cast<std::uint16_t>(random_.below(3'000))};
  for (unsigned lines = 1 + random_.below(5); lines > 0; --lines) {
    const std::size_t chosen = random_.chance(350) ? 0 : random_.index(kSkus.size());
    Line line{sku(kSkus[chosen]), 1 + static_cast<Units>(random_.below(3)), kPrices[chosen]};
    if (random_.chance(50)) line.expected_version = 1 + random_.below(2);
    line.payee = static_cast<std::uint8_t>(random_.index(out.payees.size()));
    out.lines.push_back(line);
  }
  return out;
}

Operation Workload::amendment(std::span<const OrderId> orders) {
  const OrderId order = orders.empty() || random_.chance(20) ? OrderId{0, 1, 999'999} : one_of(random_, orders);
  std::vector<OrderLine> lines;
  if (random_.chance(600)) lines.push_back({random_.below(2), 1 + static_cast<Units>(random_.below(2))});
  switch (random_.below(4)) {
    case 0: return Cancel{order};
    case 1: return Fulfil{order, lines};
    default: return Refund{order, lines, random_.chance(600)};
  }
}

/// Some are so short that they expire while others ask for them, some outlive what clocks are apart.
Operation Workload::reservation(std::span<const OrderId> reservations) {
  constexpr std::array<std::uint32_t, 4> kMostMs{20, 2'000, 15'000, 15'000};
  if (reservations.empty() || random_.chance(250))
    return Reserve{checkout(), 0, kMs * (1 + random_.below(one_of(random_, kMostMs)))};
  if (random_.chance(20)) return Redeem{OrderId{0, 1, 999'999}};
  // Often the newest: others have ended.
  const OrderId order = random_.chance(600) ? reservations.back() : one_of(random_, reservations);
  switch (random_.below(8)) {
    case 0:
    case 1: return Release{order, ReleaseReason::asked};
    case 2: return Release{order, ReleaseReason::expired};
    case 3: return amendment(reservations);
    default: return Redeem{order};
  }
}

Operation Workload::next(const std::vector<OrderId>& orders, const std::vector<OrderId>& reservations) {
  const auto amount = [&] { return gbp(1 + static_cast<Minor>(random_.below(90))); };
  switch (random_.below(30)) {
    case 0: return OpenAccount{acc("n" + std::to_string(random_.below(6))), testing::kGbp};
    case 1: return Deposit{acc(kBank), buyer(), amount()};
    case 2: return Withdraw{buyer(), acc(kBank), amount()};
    case 3: return ReceiveStock{{{any_sku(), 1 + static_cast<Units>(random_.below(12))}}};
    case 4: return AdjustStock{{{any_sku(), random_.chance(500) ? Units{2} : Units{-2}}}};
    case 5: return SetPrice{any_sku(), amount(), random_.below(3)};
    case 6: return UnmatchedRefund{buyer(), seller(), testing::kGbp, {{any_sku(), 1, amount().minor}}};
    case 7: {
      const std::size_t source = random_.index(kBuyers.size());
      return Transfer{acc(kBuyers[source]), acc(kBuyers[(source + 1) % kBuyers.size()]), amount()};
    }
    case 8:
    case 9:
    case 10: return amendment(orders);
    case 11:
    case 12:
    case 13:
    case 14:
    case 15: return reservation(reservations);
    default: return checkout();
  }
}

}  // namespace kontor::sim

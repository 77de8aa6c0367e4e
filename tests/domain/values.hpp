#pragma once
#include <map>
#include <ostream>
#include <string>
#include <string_view>

#include "domain/plan.hpp"
#include "tests/support/catch.hpp"

/// Short ways to write values in tests, and how Catch2 prints codes.
namespace kontor {

inline std::ostream& operator<<(std::ostream& out, Errc code) { return out << to_string(code); }

}  // namespace kontor

namespace kontor::tests {

inline constexpr Currency kGbp{826}, kEur{978}, kJpy{392}, kKwd{414};

inline Sku sku(std::string_view text) { return *Sku::parse(text); }
inline AccountId account(std::string_view text) { return *AccountId::parse(text); }
inline IdempotencyKey key(std::string_view text) { return *IdempotencyKey::parse(text); }
inline Money gbp(Minor minor) { return {minor, kGbp}; }
inline Money eur(Minor minor) { return {minor, kEur}; }

/// A price list of known products, all of them in pounds unless said otherwise.
class Prices : public PriceList {
 public:
  Prices() = default;
  Prices(std::initializer_list<std::pair<std::string_view, ListedPrice>> listed) {
    for (const auto& [name, price] : listed) set(sku(name), price);
  }
  void set(const Sku& name, const ListedPrice& price) { prices_[name] = price; }
  const ListedPrice* find(const Sku& name) const override {
    const auto it = prices_.find(name);
    return it == prices_.end() ? nullptr : &it->second;
  }

 private:
  std::map<Sku, ListedPrice> prices_;
};

/// The leg of `plan` on an account, or 0 if it has none.
inline Minor leg(const Plan& plan, std::string_view name) {
  for (const PaymentDemand& demand : plan.payments)
    if (demand.account.view() == name) return demand.amount;
  return 0;
}

/// What all legs add up to: 0, or money was made or lost.
inline Minor sum(const Plan& plan) {
  Minor total = 0;
  for (const PaymentDemand& demand : plan.payments) total += demand.amount;
  return total;
}

}  // namespace kontor::tests

#pragma once
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "domain/plan.hpp"

/// The shop that micro-benchmarks buy from: names, products and requests by number, always the same.
namespace kontor::bench {

inline constexpr Currency kGbp{826};
inline constexpr std::uint64_t kSkus = 10'000;
inline constexpr std::uint64_t kCustomers = 100'000;

/// SplitMix64: a sequence of numbers that no predictor learns, the same in every run.
inline std::uint64_t scattered(std::uint64_t i) {
  std::uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

template <class Name>
Name numbered(const char* prefix, std::uint64_t number) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%s-%08llu", prefix, static_cast<unsigned long long>(number));
  return Name::unchecked({text, static_cast<std::size_t>(size)});
}
inline AccountId customer(std::uint64_t number) { return numbered<AccountId>("customer", number); }
inline AccountId merchant() { return AccountId::unchecked("merchant"); }
inline Sku sku(std::uint64_t number) { return numbered<Sku>("sku", number); }

/// A checkout of so many lines, of products anywhere in the catalogue.
inline Checkout checkout(std::uint64_t number, std::size_t lines) {
  Checkout out{customer(scattered(number) % kCustomers), kGbp, {merchant()}, {}, {}};
  for (std::size_t i = 0; i < lines; ++i) {
    const std::uint64_t chance = scattered(number * kLinesMax + i);
    const auto quantity = static_cast<Units>(1 + (chance >> 60));
    out.lines.push_back({sku(chance % kSkus), quantity, kCatalogPrice, 0, 0});
  }
  return out;
}

}  // namespace kontor::bench

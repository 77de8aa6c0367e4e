#include "cmd/kontor/load/workload.hpp"

#include <cassert>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

#include "domain/placement.hpp"

namespace kontor::cmd {
namespace {

/// splitmix64 (public domain, Sebastiano Vigna): a good random word for every number, in any order.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// 32 random bits to 0 … bound - 1, without a division.
std::uint32_t below(std::uint32_t bound, std::uint64_t random32) {
  return static_cast<std::uint32_t>((random32 & 0xffffffffU) * bound >> 32);
}

/// True for a `share` of all `i`, the same ones in every run.
bool chosen(double share, std::uint64_t i) { return static_cast<double>(mixed(~i) >> 11) * 0x1p-53 < share; }

template <class Id>
Id numbered(const char* prefix, std::size_t number) {
  std::array<char, 24> text{};
  const int size = std::snprintf(text.data(), text.size(), "%s-%07zu", prefix, number);
  return Id::unchecked({text.data(), static_cast<std::size_t>(size)});
}

void write_hex(char* out, std::uint64_t value, int digits) {
  for (int i = digits; i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
}

constexpr int kNumberDigits = 10;  // A trillion checkouts in one run.
constexpr int kHomeDigits = 2;     // What is appended to a key until it lives where it is meant to.

}  // namespace

Workload::Workload(const WorkloadOptions& options, std::uint32_t run)
    : options_(options), stream_(mixed(options.seed)), bank_(AccountId::unchecked("bank")) {
  assert(options.skus > 0 && options.customers > 0 && options.merchants > 0 && options.lines > 0);
  write_hex(run_text_.data(), run, static_cast<int>(run_text_.size()));
  for (std::size_t i = 0; i < options.merchants; ++i) merchants_.push_back(named<AccountId>("shop", i));
  for (std::size_t i = 0; i < options.customers; ++i)
    customers_.push_back(named<AccountId>(chosen(options.poor, i) ? "poor" : "cust", i));
  for (std::size_t i = 0; i < options.skus; ++i)
    skus_.push_back(named<Sku>(chosen(options.scarce, i) ? "rare" : "sku", i));
  if (options.zipf > 0 && !options.hot) build_alias();
  if (options.crossing && options.shards > 1) build_elsewhere();
}

/// The same number under the first prefix whose name lives where all are to live.
template <class Id>
Id Workload::named(const char* prefix, std::size_t number) const {
  Id name = numbered<Id>(prefix, number);
  for (int i = 0; options_.names_home && home_of(name, options_.shards) != *options_.names_home; ++i)
    name = numbered<Id>((prefix + std::to_string(i)).c_str(), number);
  return name;
}

void Workload::build_elsewhere() {
  elsewhere_.resize(options_.shards);
  for (std::uint32_t i = 0; i < options_.skus; ++i)
    for (ShardId shard = 0; shard < options_.shards; ++shard)
      if (home_of(skus_[i], options_.shards) != shard) elsewhere_[shard].push_back(i);
}

Currency Workload::currency() { return {826}; }  // GBP.

/// Vose's alias method: each column holds its own product up to a threshold and one other above it.
void Workload::build_alias() {
  const std::size_t n = options_.skus;
  std::vector<double> share(n);
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += share[k] = std::pow(static_cast<double>(k + 1), -options_.zipf);
  std::vector<std::uint32_t> small, large;
  for (std::size_t k = 0; k < n; ++k) {
    share[k] *= static_cast<double>(n) / sum;
    (share[k] < 1 ? small : large).push_back(static_cast<std::uint32_t>(k));
  }
  alias_.resize(n);
  for (std::uint32_t k = 0; k < n; ++k) alias_[k] = {0xffffffffU, k};
  while (!small.empty() && !large.empty()) {
    const std::uint32_t less = small.back(), more = large.back();
    small.pop_back();
    alias_[less] = {static_cast<std::uint32_t>(share[less] * 0x1p32), more};
    share[more] -= 1 - share[less];
    if (share[more] >= 1) continue;
    large.pop_back();
    small.push_back(more);
  }
}

std::uint32_t Workload::product(std::uint64_t random) const {
  if (options_.hot) return 0;
  const std::uint32_t column = below(options_.skus, random);
  if (alias_.empty()) return column;
  const Alias& alias = alias_[column];
  return random >> 32 < alias.threshold ? column : alias.other;
}

IdempotencyKey Workload::key(std::uint64_t n) const {
  constexpr std::size_t kSize = sizeof run_text_ + 1 + kNumberDigits;
  std::array<char, kSize + kHomeDigits> text;
  std::memcpy(text.data(), run_text_.data(), sizeof run_text_);
  text[sizeof run_text_] = '-';
  write_hex(text.data() + sizeof run_text_ + 1, n, kNumberDigits);
  auto key = IdempotencyKey::unchecked({text.data(), kSize});
  if (!options_.keys_home) return key;
  for (std::uint64_t i = 0; i < 256 && home_of(key, options_.shards) != *options_.keys_home; ++i) {
    write_hex(text.data() + kSize, i, kHomeDigits);
    key = IdempotencyKey::unchecked({text.data(), text.size()});
  }
  return key;
}

void Workload::checkout(std::uint64_t n, Request& request) const {
  if (!std::holds_alternative<Checkout>(request.operation)) {
    Checkout fresh;
    fresh.currency = currency();
    fresh.payees.resize(1);
    fresh.lines.resize(options_.lines);
    request.operation = std::move(fresh);
  }
  auto& checkout = *std::get_if<Checkout>(&request.operation);
  request.key = key(n);
  std::uint64_t random = mixed(stream_ ^ mixed(n));
  checkout.customer = customers_[below(options_.customers, random)];
  checkout.payees.front() = merchants_[below(options_.merchants, random >> 32)];
  for (Line& line : checkout.lines) {
    random = mixed(random);
    line.sku = skus_[product(random)];
    line.quantity = 1 + static_cast<Units>((random >> 13) & 1);
  }
  if (elsewhere_.empty()) return;
  const auto& others = elsewhere_[home_of(checkout.customer, options_.shards)];
  if (!others.empty())
    checkout.lines.front().sku = skus_[others[below(static_cast<std::uint32_t>(others.size()), mixed(random))]];
}

}  // namespace kontor::cmd

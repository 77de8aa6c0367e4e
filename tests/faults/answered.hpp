#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "persistence/audit.hpp"
#include "persistence/shard_set.hpp"
#include "tests/support/catch.hpp"

namespace kontor::testing {

/// One checkout whose caller was told that it committed.
struct AnsweredCheckout {
  std::string key;
  TransactionId transaction;
};

/// Reads `committed KEY TRANSACTION`; nothing for other lines.
inline bool read_answered(const std::string& line, std::vector<AnsweredCheckout>& answered) {
  constexpr std::string_view kWord = "committed ";
  if (!line.starts_with(kWord)) return false;
  const std::size_t space = line.find(' ', kWord.size());
  if (space == std::string::npos) return false;
  const auto id = parse_transaction(line.substr(space + 1));
  if (!id) return false;
  answered.push_back({line.substr(kWord.size(), space - kWord.size()), *id});
  return true;
}

/// Every answered checkout is in the directory and committed, none is half there, and the books balance.
inline void check_directory(const std::filesystem::path& dir, const std::vector<AnsweredCheckout>& answered) {
  std::string why;
  {
    const auto set = persistence::ShardSet::open(dir, &why);
    INFO(why);
    REQUIRE(set);
    for (const AnsweredCheckout& checkout : answered) {
      const auto found = set->find(checkout.transaction);
      INFO(checkout.key << ' ' << transaction_text(checkout.transaction));
      REQUIRE(found);
      REQUIRE(found->state == persistence::ItemState::committed);
      REQUIRE(found->request.key.view() == checkout.key);
    }
  }
  const auto report = persistence::audit(dir, &why);
  INFO(why);
  REQUIRE(report);
  INFO((report->faults.empty() ? std::string("no fault") : report->faults.front()));
  REQUIRE(report->clean());
  REQUIRE(report->orders >= answered.size());
}

}  // namespace kontor::testing

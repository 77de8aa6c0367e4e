#include "cmd/kontor/replay/books_check.hpp"

#include <algorithm>

namespace kontor::cmd::replay {
namespace {

constexpr std::uint32_t kReadsAtOnce = 1'024;  // Each read waits for what it saw to be durable: many share one wait.

std::string difference(const char* what, std::int64_t engine, std::int64_t file) {
  return std::string(what) + " is " + std::to_string(engine) + ", should be " + std::to_string(file);
}

/// Empty: as expected. What is held is left to the audit: claims of repeats may linger for a moment on other shards.
std::string fault_of(const Account& account, Minor expected) {
  return account.balance == expected ? "" : difference("balance", account.balance, expected);
}

std::string fault_of(const Product& product, const ExpectedStock& expected) {
  if (product.received != expected.received) return difference("received", product.received, expected.received);
  if (product.sold != expected.sold) return difference("sold", product.sold, expected.sold);
  if (product.returned != expected.returned) return difference("returned", product.returned, expected.returned);
  if (product.adjusted != expected.adjusted) return difference("adjusted", product.adjusted, expected.adjusted);
  if (product.on_hand != expected.on_hand()) return difference("on hand", product.on_hand, expected.on_hand());
  return "";
}

/// Calls `ask(i)` for all i below `count`, many at once, and `judge(i, answer)` for each in order.
template <class Ask, class Judge>
void ask_all(std::uint32_t count, Ask ask, Judge judge) {
  for (std::uint32_t begin = 0; begin < count; begin += kReadsAtOnce) {
    const std::uint32_t end = std::min(count, begin + kReadsAtOnce);
    std::vector<decltype(ask(begin))> asked;
    for (std::uint32_t i = begin; i < end; ++i) asked.push_back(ask(i));
    for (std::uint32_t i = begin; i < end; ++i) judge(i, asked[i - begin].get());
  }
}

}  // namespace

std::vector<std::string> compare_books(Engine& engine, const Bookkeeper& books, const InvoiceFile& file) {
  std::vector<std::string> faults;
  const auto name = [&](const char* kind, const std::string& id, const std::string& fault) {
    if (!fault.empty()) faults.push_back(std::string(kind) + " " + id + ": " + fault);
  };
  ask_all(
      books.accounts(), [&](std::uint32_t i) { return engine.account(books.account_id(i)); },
      [&](std::uint32_t i, const Result<Account>& account) {
        const std::string fault =
            account ? fault_of(*account, books.balance(i)) : std::string(to_string(account.code()));
        name("account", books.account_id(i).str(), fault);
      });
  ask_all(
      static_cast<std::uint32_t>(file.skus().size()), [&](std::uint32_t i) { return engine.product(file.skus()[i]); },
      [&](std::uint32_t i, const Result<Product>& product) {
        const std::string fault = product ? fault_of(*product, books.stock(i)) : std::string(to_string(product.code()));
        name("product", file.skus()[i].str(), fault);
      });
  return faults;
}

}  // namespace kontor::cmd::replay

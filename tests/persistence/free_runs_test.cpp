#include "persistence/free_runs.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace kontor::persistence {
namespace {

constexpr std::size_t kMuch = 1'000'000;  // Pages behind the file's end.

/// One value of LMDB's free list.
std::string list(std::vector<std::uint64_t> pages) {
  std::sort(pages.rbegin(), pages.rend());
  pages.insert(pages.begin(), pages.size());
  return {reinterpret_cast<const char*>(pages.data()), pages.size() * sizeof(std::uint64_t)};
}

std::vector<std::uint64_t> run(std::uint64_t first, std::size_t count) {
  std::vector<std::uint64_t> pages(count);
  std::iota(pages.begin(), pages.end(), first);
  return pages;
}

std::vector<std::uint64_t> scattered(std::uint64_t first, std::size_t count) {
  std::vector<std::uint64_t> pages;
  for (std::size_t i = 0; i < count; ++i) pages.push_back(first + 2 * i);
  return pages;
}

}  // namespace

TEST_CASE("free_runs: with nothing free a value lies in one piece behind the end", "[persistence][free_runs]") {
  FreeRuns runs(kMuch);
  CHECK(runs.take(1) == 1);
  CHECK(runs.take(16'000) == 16'000);
}

TEST_CASE("free_runs: a few scattered pages are left alone", "[persistence][free_runs]") {
  FreeRuns runs(kMuch);
  CHECK(runs.add(list(scattered(100, 50))));
  CHECK(runs.take(120) == 120);
}

TEST_CASE("free_runs: runs are used, the longest first, then the rest of a value in the next",
          "[persistence][free_runs]") {
  FreeRuns runs(kMuch);
  auto pages = run(1'000, 60);
  const auto more = run(5'000, 100), lone = scattered(9'000, 300);
  pages.insert(pages.end(), more.begin(), more.end());
  pages.insert(pages.end(), lone.begin(), lone.end());
  CHECK(runs.add(list(pages)));
  CHECK(runs.take(70) == 70);  // Of the 100, 30 are left.
  CHECK(runs.take(70) == 60);
  CHECK(runs.take(10) == 10);
  CHECK(runs.take(30) == 20);
  CHECK(runs.take(10) == 1);  // Many single pages are left: no search for more.
}

TEST_CASE("free_runs: scattered pages are used one by one until few are left", "[persistence][free_runs]") {
  FreeRuns runs(kMuch);
  CHECK(runs.add(list(scattered(100, FreeRuns::kPagesIgnored + 2))));
  CHECK(runs.take(120) == 1);
  CHECK(runs.take(120) == 1);
  CHECK(runs.take(120) == 1);
  CHECK(runs.take(120) == 120);
}

TEST_CASE("free_runs: only the head of a long list is looked at", "[persistence][free_runs]") {
  FreeRuns runs(kMuch);
  CHECK_FALSE(runs.add(list(scattered(100, FreeRuns::kPagesMax + 1'000))));
  CHECK(runs.take(120) == 1);

  FreeRuns many(kMuch);
  std::size_t lists = 1;
  while (many.add(list(scattered(10'000 * lists, 3)))) ++lists;
  CHECK(lists == FreeRuns::kListsMax);
  CHECK(many.take(120) == 1);  // There may be more than was looked at.
}

TEST_CASE("free_runs: LMDB takes from a list's back, so the low pages are looked at", "[persistence][free_runs]") {
  FreeRuns runs(kMuch);
  auto pages = scattered(100'000, FreeRuns::kPagesMax);
  const auto low = run(10, 500);
  pages.insert(pages.end(), low.begin(), low.end());
  CHECK_FALSE(runs.add(list(pages)));
  CHECK(runs.take(400) == 400);
}

TEST_CASE("free_runs: a value lies behind the end only where the map has room for it and for others",
          "[persistence][free_runs]") {
  FreeRuns runs(1'000);
  CHECK(runs.take(500) == 500);
  CHECK(runs.take(300) == 1);  // 500 are left, of which FreeRuns leaves kPagesIgnored to the tables.
  CHECK(runs.take(244) == 244);
  CHECK(runs.take(2) == 1);
  CHECK(FreeRuns(0).take(2) == 1);
}

}  // namespace kontor::persistence

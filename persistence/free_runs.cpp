#include "persistence/free_runs.hpp"

#include <algorithm>
#include <cassert>

#include "persistence/lmdb_format.hpp"

namespace kontor::persistence {

bool FreeRuns::add(std::string_view list) {
  const auto word = [&](std::size_t i) { return lmdb::load<std::uint64_t>(list.data() + i * sizeof(std::uint64_t)); };
  const std::size_t length = word(0);
  assert(list.size() >= (length + 1) * sizeof(std::uint64_t));  // structure_check saw to it.
  const std::size_t looked = std::min(length, kPagesMax - pages_);
  std::uint64_t page = 0;
  std::size_t run = 0;
  const auto close_run = [&] {
    if (run < kRunPagesMin) return;
    runs_.push_back(run);
    std::push_heap(runs_.begin(), runs_.end());
  };
  for (std::size_t i = length; i > length - looked; --i) {
    const bool follows = run > 0 && word(i) == page + 1;
    if (!follows) close_run();
    run = follows ? run + 1 : 1;
    page = word(i);
  }
  close_run();
  pages_ += looked;
  const bool more = ++lists_ < kListsMax && pages_ < kPagesMax;
  whole_ = whole_ && looked == length && more;
  return more;
}

std::size_t FreeRuns::take(std::size_t wanted) {
  assert(wanted > 0);
  std::size_t taken = 1;
  if (!runs_.empty()) {
    std::pop_heap(runs_.begin(), runs_.end());
    taken = std::min(wanted, runs_.back());
    runs_.back() -= taken;
    if (runs_.back() < kRunPagesMin)
      runs_.pop_back();
    else
      std::push_heap(runs_.begin(), runs_.end());
  } else if (whole_ && pages_ < kPagesIgnored && behind_ >= wanted + kPagesIgnored) {
    behind_ -= wanted;
    return wanted;  // Behind the file's end.
  }
  pages_ -= std::min(pages_, taken);
  return taken;
}

}  // namespace kontor::persistence

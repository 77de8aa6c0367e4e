#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kontor::persistence {

/// Decides how many pages in a row the next value should take, so that LMDB's page allocator never has to search.
///
/// LMDB 0.9 looks for pages in a row by loading its free list record by record and scanning all that is loaded after
/// each; what it loaded is written back with the commit. When the free pages are scattered (tables are rewritten here
/// and there) that is quadratic: a commit of four records went from 0.2 to 2 ms, with no bound. Single pages are taken
/// without a search, but always to use them scatters the journal too, and the disk pays: 200 writes a commit, not 3.
/// So: look at the head of the free list, which LMDB loads first; use what runs it has, and single pages otherwise.
class FreeRuns {
 public:
  static constexpr std::size_t kPagesMax = 8'192;    ///< Looked at: LMDB scans so many in ~10 us.
  static constexpr std::size_t kListsMax = 32;       ///< Likewise: it scans once per list that it loads.
  static constexpr std::size_t kRunPagesMin = 8;     ///< A shorter run is not worth a part of its own.
  static constexpr std::size_t kPagesIgnored = 256;  ///< So few scattered pages are left alone: the file grows instead.

  /// `behind`: pages between the file's end and the map's. When few are left, single pages are all there is.
  explicit FreeRuns(std::size_t behind) : behind_(behind) {}

  /// Adds one value of LMDB's free list: { length: u64, page: u64[length] descending }, in any alignment. LMDB takes
  /// from the back, so the back is looked at. False: enough was seen.
  bool add(std::string_view list);

  /// How many pages the next value should take when `wanted` (at least 1) are needed: at most that. They count as used.
  std::size_t take(std::size_t wanted);

 private:
  std::vector<std::size_t> runs_;  ///< Pages of each; a heap, the longest first.
  std::size_t pages_ = 0;          ///< Free among those looked at.
  std::size_t lists_ = 0;
  std::size_t behind_;
  bool whole_ = true;  ///< Nothing was left out.
};

}  // namespace kontor::persistence

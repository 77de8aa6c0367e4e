#pragma once
#include <cstdint>
#include <cstring>

/// The data file of LMDB 0.9.24, as structure_check.cpp reads it. Not exported by <lmdb.h>; taken from mdb.c and
/// verified against files made by the library (tests/persistence/structure_check_test.cpp). 64-bit, little-endian.
///
///   file     := meta(0) meta(1) page*                     (page n starts at n * page_size)
///   meta(i)  := PageHeader{flags = meta} MetaRecord       (transaction t is written to meta(t & 1))
///   branch   := PageHeader offset: u16[] ... node[]       (node := NodeHeader key; the header holds the child's
///   number) leaf     := PageHeader offset: u16[] ... node[]       (node := NodeHeader key (value | overflow: u64))
///   overflow := PageHeader{count} value                   (`count` pages in a row, only the first has a header)
///
/// Offsets are in the order of keys; nodes are in any order, even-sized, without gaps, up to the page's end.
/// Database 0, the free list: transaction -> { length: u64, page: u64[length] descending }.
/// Database 1, the names: name -> DbRecord.
namespace kontor::persistence::lmdb {

inline constexpr std::uint32_t kMagic = 0xBEEFC0DE;
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint64_t kNoPage = ~std::uint64_t{0};  ///< Root of an empty tree.
inline constexpr std::uint32_t kPageBytesMin = 512;
inline constexpr std::uint32_t kPageBytesMax = 32'768;
inline constexpr std::uint16_t kDepthMax = 32;  ///< The size of LMDB's cursor stack.
inline constexpr std::uint16_t kKeyBytesMax = 511;
inline constexpr std::uint64_t kMetaPages = 2;

inline constexpr std::uint16_t kBranchPage = 0x01, kLeafPage = 0x02, kOverflowPage = 0x04, kMetaPage = 0x08;
inline constexpr std::uint16_t kBigNode = 0x01, kDatabaseNode = 0x02;  ///< Of leaf nodes: value elsewhere; a DbRecord.
inline constexpr std::uint16_t kIntegerKeys = 0x08;                    ///< Of databases: keys are u64, native order.

inline constexpr std::uint16_t kMadeAsFile = 0x4000;  ///< Of database 0: MDB_NOSUBDIR when made; no effect.

struct PageHeader {
  std::uint64_t number = 0;
  std::uint16_t pad = 0, flags = 0;
  std::uint16_t lower = 0, upper = 0;  ///< Bounds of the free space; together the page count of an overflow value.
  std::uint32_t overflow_count() const { return lower | std::uint32_t{upper} << 16; }
};
static_assert(sizeof(PageHeader) == 16);

struct NodeHeader {
  std::uint16_t low = 0, high = 0, flags = 0, key_size = 0;
  std::uint32_t value_size() const { return low | std::uint32_t{high} << 16; }
  std::uint64_t child() const { return value_size() | std::uint64_t{flags} << 32; }
};
static_assert(sizeof(NodeHeader) == 8);

struct DbRecord {
  std::uint32_t pad = 0;  ///< Of database 0: the page size.
  std::uint16_t flags = 0, depth = 0;
  std::uint64_t branch_pages = 0, leaf_pages = 0, overflow_pages = 0, entries = 0, root = kNoPage;
};
static_assert(sizeof(DbRecord) == 48);

struct MetaRecord {
  std::uint32_t magic = 0, version = 0;
  std::uint64_t address = 0, map_size = 0;
  DbRecord free_list, names;
  std::uint64_t last_page = 0, transaction = 0;
};
static_assert(sizeof(MetaRecord) == 136);

/// Copies a struct out of page bytes, which need not be aligned for it.
template <class T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace kontor::persistence::lmdb

#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kontor::persistence {

/// What a walk over the pages of an LMDB file found.
struct StructureReport {
  std::uint64_t pages = 0;  ///< Reachable, free and meta pages together.
  std::uint64_t branch_pages = 0, leaf_pages = 0, overflow_pages = 0, free_pages = 0;
  std::vector<std::string> faults;  ///< One sentence each, with the page number; empty: sound.
  bool sound() const { return faults.empty(); }
};

/// Checks `data.mdb` of a closed (or just being opened) environment before LMDB follows a single pointer in it: LMDB
/// has no page checksums, and a flipped bit in a branch page would crash the process or hide records.
///
/// Checks: both meta pages (magic, version, page size, transaction numbers differ by one, have their page's parity and
/// are those of their free lists, so that a damaged newer meta page cannot silently give way to the older); every
/// branch and leaf page of every named database and of the free list (its own number, flags, bounds, node offsets and
/// sizes inside the page, keys ascending and inside the parent's range, counts equal to the database's record);
/// overflow pages (number, count); every page up to the last used once or free once, and inside the file unless free
/// (LMDB does not write pages that one transaction took and let go). Databases are those of record.hpp, and each
/// value's record header names its key and size; the rest of a value has the record's checksum. Reads with pread; never
/// maps. Source: LMDB 0.9.24, mdb.c: MDB_page, MDB_node, MDB_db, MDB_meta.
StructureReport check_structure(const std::filesystem::path& data_mdb);

}  // namespace kontor::persistence

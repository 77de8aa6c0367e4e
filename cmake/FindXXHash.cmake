# Finds the header of xxHash. Target: XXHash::header, which compiles the hash inline and links no library.
find_path(XXHASH_INCLUDE_DIR xxhash.h)
mark_as_advanced(XXHASH_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(XXHash REQUIRED_VARS XXHASH_INCLUDE_DIR)

if(XXHash_FOUND AND NOT TARGET XXHash::header)
  add_library(XXHash::header INTERFACE IMPORTED)
  set_target_properties(
    XXHash::header
    PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${XXHASH_INCLUDE_DIR}"
               # Empty, so that a source's own `#define XXH_INLINE_ALL` is the same definition and no warning.
               INTERFACE_COMPILE_DEFINITIONS "XXH_INLINE_ALL=")
endif()

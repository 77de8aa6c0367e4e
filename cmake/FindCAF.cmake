# Finds the C++ Actor Framework 0.17, for which Debian ships no CMake or pkg-config file.
# Components: core, io, openssl; each links those before it. Targets: CAF::core, CAF::io, CAF::openssl.
# Imported include directories count as SYSTEM, so CAF's own warnings stay out of our build.
find_package(Threads REQUIRED)

find_path(CAF_INCLUDE_DIR caf/config.hpp)
if(CAF_INCLUDE_DIR)
  file(STRINGS "${CAF_INCLUDE_DIR}/caf/config.hpp" _caf_version REGEX "#define CAF_VERSION [0-9]+")
  if(_caf_version MATCHES "CAF_VERSION ([0-9]*)([0-9][0-9])([0-9][0-9])$") # 1706 is 0.17.6
    math(EXPR _caf_major "0${CMAKE_MATCH_1}")
    math(EXPR _caf_minor "${CMAKE_MATCH_2}")
    math(EXPR _caf_patch "${CMAKE_MATCH_3}")
    set(CAF_VERSION "${_caf_major}.${_caf_minor}.${_caf_patch}")
  endif()
endif()

set(_caf_before Threads::Threads)
foreach(_caf_component IN ITEMS core io openssl)
  find_library(CAF_${_caf_component}_LIBRARY caf_${_caf_component})
  mark_as_advanced(CAF_${_caf_component}_LIBRARY)
  if(CAF_INCLUDE_DIR AND CAF_${_caf_component}_LIBRARY)
    set(CAF_${_caf_component}_FOUND TRUE)
    if(NOT TARGET CAF::${_caf_component})
      add_library(CAF::${_caf_component} UNKNOWN IMPORTED)
      set_target_properties(
        CAF::${_caf_component}
        PROPERTIES IMPORTED_LOCATION "${CAF_${_caf_component}_LIBRARY}"
                   INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
                   INTERFACE_LINK_LIBRARIES "${_caf_before}")
    endif()
    list(APPEND _caf_before CAF::${_caf_component})
  endif()
endforeach()
mark_as_advanced(CAF_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  CAF
  REQUIRED_VARS CAF_core_LIBRARY CAF_INCLUDE_DIR
  VERSION_VAR CAF_VERSION
  HANDLE_COMPONENTS)

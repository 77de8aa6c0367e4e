# Finds the core of prometheus-cpp: Debian's own CMake file asks for civetweb and curl too. Target: PrometheusCore::core.
find_path(PROMETHEUS_CORE_INCLUDE_DIR prometheus/text_serializer.h)
find_library(PROMETHEUS_CORE_LIBRARY prometheus-cpp-core)
mark_as_advanced(PROMETHEUS_CORE_INCLUDE_DIR PROMETHEUS_CORE_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PrometheusCore REQUIRED_VARS PROMETHEUS_CORE_LIBRARY PROMETHEUS_CORE_INCLUDE_DIR)

if(PrometheusCore_FOUND AND NOT TARGET PrometheusCore::core)
  add_library(PrometheusCore::core UNKNOWN IMPORTED)
  set_target_properties(
    PrometheusCore::core
    PROPERTIES IMPORTED_LOCATION "${PROMETHEUS_CORE_LIBRARY}"
               INTERFACE_INCLUDE_DIRECTORIES "${PROMETHEUS_CORE_INCLUDE_DIR}")
endif()

# `cmake --install`: the libraries, their headers under include/kontor, and what find_package(kontor) needs.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(kontor_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/kontor")

install(
  TARGETS kontor_engine kontor_domain kontor_persistence kontor_actors
  EXPORT kontorTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT kontorTargets NAMESPACE kontor:: DESTINATION "${kontor_cmake_dir}")
if(TARGET kontor)
  install(TARGETS kontor RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

foreach(folder domain persistence actors)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION "include/kontor" FILES_MATCHING PATTERN "*.hpp")
endforeach()

configure_package_config_file(cmake/kontorConfig.cmake.in "${PROJECT_BINARY_DIR}/kontorConfig.cmake"
                              INSTALL_DESTINATION "${kontor_cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/kontorConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/kontorConfig.cmake" "${PROJECT_BINARY_DIR}/kontorConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindCAF.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindLMDB.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindXXHash.cmake"
        DESTINATION "${kontor_cmake_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

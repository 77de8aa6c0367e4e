# `kontor-sim-mutants`: the simulator with the planted bugs of mutants.txt. It links none of the engine's libraries but
# compiles their sources, mutated copies where there are any, so that no two definitions of anything meet. Built only
# when it is asked for: ./dev mutants.
set(mutants_list "${CMAKE_CURRENT_SOURCE_DIR}/mutants/mutants.txt")
set(mutants_dir "${CMAKE_CURRENT_BINARY_DIR}/mutated")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${mutants_list}")
file(STRINGS "${mutants_list}" mutated_files REGEX "^  file ")
list(TRANSFORM mutated_files REPLACE "^  file " "")
list(REMOVE_DUPLICATES mutated_files)

# OUT, then arguments of kontor-mutate; DEPENDS on what is read besides the list.
function(kontor_mutate out depends)
  cmake_path(GET out PARENT_PATH folder)
  add_custom_command(
    OUTPUT "${out}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${folder}"
    COMMAND kontor-mutate "${mutants_list}" ${ARGN} "${out}"
    DEPENDS kontor-mutate "${mutants_list}" ${depends}
    VERBATIM)
endfunction()

kontor_mutate("${mutants_dir}/names.cpp" "" --names)
set(mutated_sources "${mutants_dir}/names.cpp")
foreach(file IN LISTS mutated_files)
  kontor_mutate("${mutants_dir}/${file}" "${PROJECT_SOURCE_DIR}/${file}" --source "${PROJECT_SOURCE_DIR}" "${file}")
  list(APPEND mutated_sources "${mutants_dir}/${file}")
endforeach()
foreach(library kontor_domain kontor_persistence kontor_actors)
  get_target_property(sources ${library} SOURCES)
  get_target_property(folder ${library} SOURCE_DIR)
  foreach(source IN LISTS sources)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE name)
    if(source MATCHES "\\.cpp$" AND NOT "${name}/${source}" IN_LIST mutated_files AND NOT IS_ABSOLUTE "${source}")
      list(APPEND mutated_sources "${folder}/${source}")
    endif()
  endforeach()
endforeach()

add_executable(kontor-sim-mutants EXCLUDE_FROM_ALL ${kontor_sim_sources} ${mutated_sources})
target_compile_features(kontor-sim-mutants PRIVATE cxx_std_20)
# Mutated headers are found before the engine's own.
target_include_directories(kontor-sim-mutants BEFORE PRIVATE "${mutants_dir}" "${PROJECT_SOURCE_DIR}")
target_link_libraries(kontor-sim-mutants PRIVATE CAF::core CLI11::CLI11 LMDB::LMDB Boost::headers XXHash::header
                                                 Threads::Threads kontor_warnings ${kontor_sim_allocator})
set_target_properties(kontor-sim-mutants PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
if(KONTOR_PCH)
  target_precompile_headers(kontor-sim-mutants PRIVATE <caf/all.hpp>)
endif()

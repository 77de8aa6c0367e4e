# What all targets have in common: warnings, and the three kinds of target (library, program; tests have their own).

add_library(kontor_warnings INTERFACE)
target_compile_options(
  kontor_warnings
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wconversion
            -Wsign-conversion
            -Wshadow
            -Wold-style-cast
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wcast-align
            -Wimplicit-fallthrough
            $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond>
            $<$<CXX_COMPILER_ID:GNU>:-Wlogical-op>
            # Members of an aggregate that have a default are left out on purpose all over the domain.
            -Wno-missing-field-initializers
            $<$<BOOL:${KONTOR_WERROR}>:-Werror>)

# kontor_library(kontor_domain EXPORT domain SOURCES a.cpp … [PUBLIC lib …] [PRIVATE lib …])
# A folder's library. The sources are listed, never globbed: a forgotten file fails tests/tidy_test.cpp.
function(kontor_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXPORT" "SOURCES;PUBLIC;PRIVATE")
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:kontor_warnings>)
    # With link-time optimisation too, an installed library can be linked by any compiler.
    target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-ffat-lto-objects>)
    if(NOT arg_PUBLIC MATCHES "CAF::") # CAF 0.17's headers dereference an empty shared_ptr (init_fun_factory.hpp).
      target_compile_definitions(${name} PRIVATE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
    endif()
  else() # Headers only.
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_PUBLIC})
  endif()
  add_library(kontor::${arg_EXPORT} ALIAS ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${arg_EXPORT})
  target_compile_features(${name} ${scope} cxx_std_20)
  target_include_directories(${name} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                              $<INSTALL_INTERFACE:include/kontor>)
endfunction()

# kontor_program(kontor SOURCES a.cpp … LIBRARIES lib …)
function(kontor_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  if(NOT arg_SOURCES)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} kontor_warnings)
endfunction()

# Compiles <caf/all.hpp> once for a target with many actors; about 2.5 s are saved per source. A target that this preset
# leaves out is passed over.
function(kontor_precompile_caf name)
  if(NOT TARGET ${name})
    return()
  endif()
  get_target_property(type ${name} TYPE)
  if(KONTOR_PCH AND NOT type STREQUAL "INTERFACE_LIBRARY")
    target_precompile_headers(${name} PRIVATE <caf/all.hpp>)
  endif()
endfunction()

# cmake -D BUILD_DIR=… -D EXAMPLE=… -P check.cmake: installs a build to a directory of its own, lets a foreign project
# find it, builds the documentation's example there and runs it; then runs the installed program.
execute_process(COMMAND mktemp -d OUTPUT_VARIABLE scratch OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(outcome 0)
foreach(
  step
  "${CMAKE_COMMAND};--install;${BUILD_DIR};--prefix;${scratch}/usr"
  "${CMAKE_COMMAND};-G;Ninja;-S;${CMAKE_CURRENT_LIST_DIR};-B;${scratch}/build;-DCMAKE_PREFIX_PATH=${scratch}/usr;-DKONTOR_EXAMPLE=${EXAMPLE}"
  "${CMAKE_COMMAND};--build;${scratch}/build"
  "${scratch}/build/shop;${scratch}/data"
  "${scratch}/usr/bin/kontor;audit;${scratch}/data")
  execute_process(COMMAND ${step} RESULT_VARIABLE outcome OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT outcome EQUAL 0)
    break()
  endif()
endforeach()
file(REMOVE_RECURSE "${scratch}")
if(NOT outcome EQUAL 0)
  message(FATAL_ERROR "${step}: ${outcome}\n${said}")
endif()

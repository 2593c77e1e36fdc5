# How every STaMP library and program is compiled and linked.

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# lld links libMLIR.so several times faster than GNU ld.
find_program(STAMP_LLD NAMES ld.lld-22 ld.lld HINTS "${LLVM_TOOLS_BINARY_DIR}")
if(STAMP_LLD)
  add_link_options("-fuse-ld=lld")
endif()

add_compile_options(-Wall -Wextra -Wno-unused-parameter -fno-exceptions
  -fvisibility-inlines-hidden)
# The order of float operations is part of the meaning (docs/Semantics.md).
add_compile_options(-ffp-contract=off)
if(STAMP_ENABLE_ASSERTIONS)
  add_compile_options(-UNDEBUG)
else()
  add_compile_definitions(NDEBUG)
endif()

include_directories("${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include")
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})

# stamp_add_library(StampIR a.cpp b.cpp DEPENDS ... LINK_LIBS StampBasis)
#
# A static library. MLIR itself is only ever libMLIR.so: a second, static copy
# of any part of it would have TypeIDs of its own.
function(stamp_add_library name)
  cmake_parse_arguments(ARG "NO_MLIR" "" "DEPENDS;LINK_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
  if(NOT ARG_NO_MLIR)
    target_link_libraries(${name} PUBLIC MLIR LLVM)
  endif()
endfunction()

# stamp_add_tool(stamp-opt stamp-opt.cpp LINK_LIBS StampAll)
function(stamp_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} MLIR LLVM)
endfunction()

# How every STaMP library and program is compiled, linked and installed.

include(GNUInstallDirs)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# LLVM's libraries need not lie where the loader looks.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

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

# TableGen, too, looks in the directory's include path.
include_directories("${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include")
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})

# Parses MLIR's headers once, for the libraries. Off in a subdirectory build, whose
# test so proves that every file includes what it uses.
option(STAMP_PRECOMPILE_HEADERS "Precompile the MLIR headers" ${PROJECT_IS_TOP_LEVEL})
if(STAMP_PRECOMPILE_HEADERS)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/precompiled.cpp" CONTENT "")
  add_library(StampPrecompiled OBJECT "${PROJECT_BINARY_DIR}/precompiled.cpp")
  target_precompile_headers(StampPrecompiled PRIVATE
    "${CMAKE_CURRENT_LIST_DIR}/precompiled.h")
endif()

# stamp_add_library(StampIR a.cpp b.cpp DEPENDS ... LINK_LIBS StampBasis)
#
# A static library; to others, Stamp::IR. MLIR itself is only ever libMLIR.so: a
# second, static copy of any part of it would have TypeIDs of its own.
function(stamp_add_library name)
  cmake_parse_arguments(ARG "NO_MLIR" "" "DEPENDS;LINK_LIBS" ${ARGN})
  string(REGEX REPLACE "^Stamp" "" export_name ${name})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_compile_features(${name} PUBLIC cxx_std_17)
  target_include_directories(${name} INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
  if(NOT ARG_NO_MLIR)
    target_link_libraries(${name} PUBLIC MLIR LLVM)
    if(STAMP_PRECOMPILE_HEADERS)
      target_precompile_headers(${name} REUSE_FROM StampPrecompiled)
    endif()
    # The installed package adds the include path of the MLIR that it finds.
    target_include_directories(${name} SYSTEM INTERFACE
      "$<BUILD_INTERFACE:${MLIR_INCLUDE_DIRS};${LLVM_INCLUDE_DIRS}>")
    set_property(GLOBAL APPEND PROPERTY STAMP_MLIR_LIBRARIES Stamp::${export_name})
  endif()

  set_target_properties(${name} PROPERTIES EXPORT_NAME ${export_name})
  add_library(Stamp::${export_name} ALIAS ${name})
  if(STAMP_INSTALL)
    install(TARGETS ${name} EXPORT StampTargets)
  endif()
endfunction()

# stamp_add_tool(stamp-opt stamp-opt.cpp LINK_LIBS StampPipelines)
function(stamp_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} MLIR LLVM)
  if(STAMP_INSTALL)
    install(TARGETS ${name})
  endif()
endfunction()

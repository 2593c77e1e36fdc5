# What `cmake --install` adds to the libraries: headers, generated ones too, and
# a package that may be moved and that finds MLIR itself.

include(CMakePackageConfigHelpers)

set(stamp_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Stamp")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/stamp"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
install(DIRECTORY "${PROJECT_BINARY_DIR}/include/stamp"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)

install(EXPORT StampTargets NAMESPACE Stamp:: DESTINATION "${stamp_package_dir}")
get_property(stamp_mlir_libraries GLOBAL PROPERTY STAMP_MLIR_LIBRARIES)
list(JOIN stamp_mlir_libraries " " stamp_mlir_libraries)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/StampConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/cmake/StampConfig.cmake"
  INSTALL_DESTINATION "${stamp_package_dir}"
  NO_SET_AND_CHECK_MACRO)
# Before 1.0, a minor version may change the interface.
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/cmake/StampConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/cmake/StampConfig.cmake"
  "${PROJECT_BINARY_DIR}/cmake/StampConfigVersion.cmake"
  DESTINATION "${stamp_package_dir}")

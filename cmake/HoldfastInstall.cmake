# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, in three components that can be installed alone:
#   programs   bin/
#   journal_c  the journal for C: shared library, <holdfast/journal.h>, pkg-config file
#   journal    the journal for C++: static libraries, <holdfast/journal/journal.h>
# Nothing of it knows the prefix; the installed tree may be moved. docs/embedding.md is the guide.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(holdfast_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/holdfast")

# --- the package: find_package(holdfast) and what both libraries need ---
configure_package_config_file(
  "${CMAKE_SOURCE_DIR}/cmake/holdfast-config.cmake.in" "${CMAKE_BINARY_DIR}/install/holdfast-config.cmake"
  INSTALL_DESTINATION "${holdfast_package_dir}" NO_SET_AND_CHECK_MACRO)
# The C++ interface is source only and may change with each minor version. The C interface keeps what
# it had for as long as the library is called .so.0.
write_basic_package_version_file(
  "${CMAKE_BINARY_DIR}/install/holdfast-journal-version.cmake" COMPATIBILITY SameMinorVersion)
write_basic_package_version_file(
  "${CMAKE_BINARY_DIR}/install/holdfast-journal-c-version.cmake" COMPATIBILITY AnyNewerVersion)
foreach(component journal_c journal)
  install(FILES "${CMAKE_BINARY_DIR}/install/holdfast-config.cmake"
                "${CMAKE_BINARY_DIR}/install/holdfast-journal-version.cmake"
                "${CMAKE_BINARY_DIR}/install/holdfast-journal-c-version.cmake"
                "${CMAKE_SOURCE_DIR}/cmake/holdfast-config-version.cmake"
          DESTINATION "${holdfast_package_dir}" COMPONENT ${component})
  install(FILES "${CMAKE_SOURCE_DIR}/proto/holdfast/journal/v1/journal.proto"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/holdfast/proto/holdfast/journal/v1" COMPONENT ${component})
endforeach()

# --- the journal for C ---
set_target_properties(holdfast_journal_c PROPERTIES EXPORT_NAME journal_c)
install(TARGETS holdfast_journal_c EXPORT holdfast_journal_c
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT journal_c NAMELINK_COMPONENT journal_c
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT holdfast_journal_c NAMESPACE holdfast:: FILE holdfast-journal-c-targets.cmake
        DESTINATION "${holdfast_package_dir}" COMPONENT journal_c)
install(FILES "${CMAKE_SOURCE_DIR}/journal/c/journal.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/holdfast" COMPONENT journal_c)

file(RELATIVE_PATH holdfast_prefix_from_pc
     "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" holdfast_prefix_from_pc "${holdfast_prefix_from_pc}")
configure_file("${CMAKE_SOURCE_DIR}/cmake/holdfast-journal.pc.in"
               "${CMAKE_BINARY_DIR}/install/holdfast-journal.pc" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/install/holdfast-journal.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT journal_c)

# --- the journal for C++ ---
set_target_properties(holdfast_journal PROPERTIES EXPORT_NAME journal)
set_target_properties(holdfast_journal_proto PROPERTIES EXPORT_NAME journal_proto)
set_target_properties(holdfast_support PROPERTIES EXPORT_NAME support)
install(TARGETS holdfast_journal holdfast_journal_proto holdfast_support EXPORT holdfast_journal
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT journal
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT holdfast_journal NAMESPACE holdfast:: FILE holdfast-journal-targets.cmake
        DESTINATION "${holdfast_package_dir}" COMPONENT journal)
install(FILES "${CMAKE_BINARY_DIR}/generated/holdfast/journal/v1/journal.pb.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/holdfast/journal/v1" COMPONENT journal)
get_target_property(holdfast_public_headers holdfast_journal HOLDFAST_PUBLIC_HEADERS)
install(CODE "
  set(holdfast_headers \"${holdfast_public_headers}\")
  set(holdfast_headers_from \"${CMAKE_SOURCE_DIR}\")
  set(holdfast_headers_to \"${CMAKE_INSTALL_INCLUDEDIR}/holdfast\")"
        COMPONENT journal)
install(SCRIPT "${CMAKE_SOURCE_DIR}/cmake/InstallHeaders.cmake" COMPONENT journal)

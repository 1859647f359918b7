# SPDX-License-Identifier: Apache-2.0
# Which version of Holdfast serves who asks for another: that depends on the component.
set(holdfast_version_of "journal-c")
if("journal" IN_LIST holdfast_FIND_COMPONENTS
   OR (NOT holdfast_FIND_COMPONENTS AND EXISTS "${CMAKE_CURRENT_LIST_DIR}/holdfast-journal-targets.cmake"))
  set(holdfast_version_of "journal")
endif()
include("${CMAKE_CURRENT_LIST_DIR}/holdfast-${holdfast_version_of}-version.cmake")

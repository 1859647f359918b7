# SPDX-License-Identifier: Apache-2.0
# Run at install time. Headers that are "journal/…" in this tree are <holdfast/journal/…> where they
# are installed, so that they cannot clash with somebody else's journal/.
foreach(header IN LISTS holdfast_headers)
  file(READ "${holdfast_headers_from}/${header}" text)
  string(REPLACE "#include \"journal/" "#include \"holdfast/journal/" text "${text}")
  file(WRITE "${holdfast_headers_by_way_of}/${header}" "${text}")
  file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/${holdfast_headers_to}" TYPE FILE
       FILES "${holdfast_headers_by_way_of}/${header}")
endforeach()

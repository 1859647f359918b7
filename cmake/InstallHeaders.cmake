# SPDX-License-Identifier: Apache-2.0
# Run at install time. Headers that are "journal/…" in this tree are <holdfast/journal/…> where they
# are installed, so that they cannot clash with somebody else's journal/.
foreach(header IN LISTS holdfast_headers)
  set(to "${CMAKE_INSTALL_PREFIX}/${holdfast_headers_to}/${header}")
  file(READ "${holdfast_headers_from}/${header}" text)
  string(REPLACE "#include \"journal/" "#include \"holdfast/journal/" text "${text}")
  message(STATUS "Installing: $ENV{DESTDIR}${to}")
  file(WRITE "$ENV{DESTDIR}${to}" "${text}")
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${to}")
endforeach()

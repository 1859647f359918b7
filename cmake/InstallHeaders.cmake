# SPDX-License-Identifier: Apache-2.0
# Run at install time. A header that is "journal/…" or "support/…" in this tree is <holdfast/journal/…>
# or <holdfast/support/…> where it is installed, so that it cannot clash with somebody else's.
foreach(header IN LISTS holdfast_headers)
  set(to "${CMAKE_INSTALL_PREFIX}/${holdfast_headers_to}/${header}")
  file(READ "${holdfast_headers_from}/${header}" text)
  string(REGEX REPLACE "#include \"(journal|support)/" "#include \"holdfast/\\1/" text "${text}")
  message(STATUS "Installing: $ENV{DESTDIR}${to}")
  file(WRITE "$ENV{DESTDIR}${to}" "${text}")
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${to}")
endforeach()

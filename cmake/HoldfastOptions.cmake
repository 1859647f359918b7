# SPDX-License-Identifier: Apache-2.0
# What a builder may choose, and the flags that follow. Warnings are errors for our own code only.

option(HOLDFAST_TOOLS "Build the programs" ON)
option(HOLDFAST_TESTS "Build tests and benchmarks" ON)
option(HOLDFAST_FAILPOINTS "Compile failpoints in (crash tests need them; never in a release)" ON)
set(HOLDFAST_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# Line tables only: full debug information of gRPC and MSM templates doubles build time and memory.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")

find_program(HOLDFAST_CCACHE ccache)
if(HOLDFAST_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${HOLDFAST_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${HOLDFAST_CCACHE}")
endif()

add_library(holdfast_flags INTERFACE)
target_compile_options(holdfast_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Werror -Werror=unused-result)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees overlapping copies in std::string's operator+ at -O3 that are not there (GCC 105651).
  target_compile_options(holdfast_flags INTERFACE $<$<CONFIG:Release>:-Wno-restrict>)
endif()
target_include_directories(holdfast_flags INTERFACE "${CMAKE_SOURCE_DIR}")
if(HOLDFAST_FAILPOINTS)
  target_compile_definitions(holdfast_flags INTERFACE HOLDFAST_FAILPOINTS)
endif()
if(HOLDFAST_SANITIZE)
  add_compile_options(-fsanitize=${HOLDFAST_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HOLDFAST_SANITIZE})
  if(HOLDFAST_SANITIZE MATCHES "thread")
    # ThreadSanitizer knows no fences; Asio's are beside its mutexes, which it knows.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()

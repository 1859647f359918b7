# SPDX-License-Identifier: Apache-2.0
# How a room, a program and a test are declared, each in one call.

# holdfast_library(NAME SOURCES … [PUBLIC targets…] [PRIVATE targets…])
function(holdfast_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC}
                        PRIVATE $<BUILD_INTERFACE:holdfast_flags> ${ARG_PRIVATE})
  target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>")
endfunction()

# holdfast_program(NAME SOURCES … LINK targets…): lands in build/bin
function(holdfast_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE holdfast_flags ${ARG_LINK})
  install(TARGETS ${name} RUNTIME COMPONENT programs)
endfunction()

# holdfast_test(NAME SOURCES … LINK targets… [TIMEOUT seconds] [LABELS …] [ENVIRONMENT …] [SERIAL])
# One program of GoogleTest cases; each case is one ctest test.
function(holdfast_test name)
  cmake_parse_arguments(ARG "SERIAL" "TIMEOUT" "SOURCES;LINK;LABELS;ENVIRONMENT" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE holdfast_flags ${ARG_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
  set(properties TIMEOUT ${ARG_TIMEOUT})
  if(ARG_LABELS)
    list(APPEND properties LABELS "${ARG_LABELS}")
  endif()
  if(ARG_ENVIRONMENT)
    list(APPEND properties ENVIRONMENT "${ARG_ENVIRONMENT}")
  endif()
  if(ARG_SERIAL)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
endfunction()

# holdfast_proto_library(NAME [GRPC] PROTOS files relative to proto/ [PUBLIC targets…])
# Generated code is not ours to warn about: no holdfast_flags, and its headers are SYSTEM.
function(holdfast_proto_library name)
  cmake_parse_arguments(ARG "GRPC" "" "PROTOS;PUBLIC" ${ARGN})
  set(root "${CMAKE_SOURCE_DIR}/proto")
  set(out "${CMAKE_BINARY_DIR}/generated")
  file(MAKE_DIRECTORY "${out}")
  set(sources "")
  foreach(proto ${ARG_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" base "${proto}")
    set(generated "${out}/${base}.pb.cc" "${out}/${base}.pb.h")
    set(arguments --cpp_out=${out})
    if(ARG_GRPC)
      list(APPEND generated "${out}/${base}.grpc.pb.cc" "${out}/${base}.grpc.pb.h")
      list(APPEND arguments --grpc_out=${out} --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>)
    endif()
    add_custom_command(
      OUTPUT ${generated}
      COMMAND protobuf::protoc -I${root} ${arguments} ${root}/${proto}
      DEPENDS ${root}/${proto}
      COMMENT "Generating ${proto}"
      VERBATIM)
    list(APPEND sources ${generated})
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} SYSTEM PUBLIC "$<BUILD_INTERFACE:${out}>")
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${ARG_PUBLIC})
  if(ARG_GRPC)
    target_link_libraries(${name} PUBLIC gRPC::grpc++)
  endif()
  # For tools that read our sources and need the headers, but no object files.
  if(NOT TARGET holdfast_generated)
    add_custom_target(holdfast_generated)
  endif()
  add_custom_target(${name}_generated DEPENDS ${generated})
  add_dependencies(holdfast_generated ${name}_generated)
endfunction()

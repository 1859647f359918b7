# SPDX-License-Identifier: Apache-2.0
holdfast_test(gateway_edge_test SOURCES gateway_edge_test.cc gateway_contract_test.cc
              LINK holdfast_gateway)
holdfast_test(gateway_config_test SOURCES gateway_config_test.cc LINK holdfast_gateway)
holdfast_test(gateway_retention_clock_test SOURCES retention_clock_test.cc LINK holdfast_test_support)
holdfast_test(gateway_server_test SOURCES gateway_server_test.cc LINK holdfast_gateway)
foreach(test gateway_edge_test gateway_config_test)
  target_compile_definitions(${test} PRIVATE HOLDFAST_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endforeach()

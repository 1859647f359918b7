# SPDX-License-Identifier: Apache-2.0
# The command lines, as functions: goldens, rendering, and both ways to an answer.
holdfast_test(cli_test
  SOURCES cli_archive_test.cc cli_arguments_test.cc cli_backup_test.cc cli_checkpoint_test.cc cli_fixture.cc
          cli_gateway.cc cli_help_test.cc cli_holdfast_test.cc cli_journal_test.cc cli_key_test.cc cli_views_test.cc
  LINK holdfast_journal_cli holdfast_command_line holdfast_views holdfast_codec holdfast_planning
       holdfast_lifecycle holdfast_journal holdfast_support holdfast_test_support fmt::fmt)
target_compile_definitions(cli_test PRIVATE HOLDFAST_GOLDEN_DIR="${CMAKE_SOURCE_DIR}/tests/golden/cli"
                                            HOLDFAST_VERSION="${PROJECT_VERSION}")

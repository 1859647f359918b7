# SPDX-License-Identifier: Apache-2.0
# Apart from the planner: who only shows a sandbox does not need what moves it.
set(explain_folder "${CMAKE_CURRENT_LIST_DIR}")
holdfast_library(holdfast_explain
                 SOURCES "${explain_folder}/explain.cc" "${explain_folder}/explain_evidence.cc"
                         "${explain_folder}/explain_words.cc"
                 PUBLIC holdfast_model PRIVATE fmt::fmt)

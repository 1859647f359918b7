// SPDX-License-Identifier: Apache-2.0
//
// For what cannot happen: the process dies with a line that says where, and recovery, which is the
// tested path, takes over. Never for bytes that were read from disk or wire.
#pragma once

#include <cstdio>
#include <cstdlib>

#define HF_CHECK(condition)                                                                  \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: cannot happen: !(%s)\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)

// SPDX-License-Identifier: Apache-2.0
//
// Failpoints: named places, before and after each durable write and each effect, at which a crash
// test kills the process. One list; the enum, the names and the sweep's coverage check come from
// it. Compiled out unless HOLDFAST_FAILPOINTS is defined (never in release builds).
//
// Armed by the environment, read once:
//   HOLDFAST_FAILPOINT_KILL_AT=N    the N-th hit of any failpoint (from 1) kills with SIGKILL
//   HOLDFAST_FAILPOINT_KILL_ON=name:N   the N-th hit of that failpoint
//   HOLDFAST_FAILPOINT_TRACE=FILE   each hit appends the point's name and a newline (O_APPEND)
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace holdfast::support {

// clang-format off
// X(name, where)
#define HOLDFAST_FAILPOINT_LIST(X)                                                    \
  X(kJournalBeforeCommit,        "all rows of the transaction are written, COMMIT is not") \
  X(kJournalAfterCommit,         "COMMIT returned, nobody has been told")             \
  X(kJournalBeforeFlush,         "the projections are written, COMMIT is not")        \
  X(kJournalAfterFlush,          "the projections are durable")                       \
  X(kArchiveBeforeSeal,          "a segment is built and checked under its draft's name") \
  X(kArchiveAfterSeal,           "it is sealed, the journal does not name it")        \
  X(kArchiveAfterCommit,         "the journal names it, and has its records still")   \
  X(kArchiveAfterSlice,          "some of these are removed")                         \
  X(kArchiveBeforeUnlink,        "a segment has expired, its file is there")          \
  X(kEngineBeforeAppend,         "a decision was made, nothing is written")           \
  X(kEngineAfterAppend,          "the decision is durable, its work has not started") \
  X(kEngineBeforeStep,           "a driver or extension is about to be called")       \
  X(kEngineAfterStep,            "it answered; the answer is not durable")            \
  X(kProcessBeforeProvision,     "before the sandbox's directory is made")            \
  X(kProcessAfterProvision,      "after it is made")                                  \
  X(kProcessBeforeSpawn,         "before the supervisor is started")                  \
  X(kProcessAfterSpawn,          "the supervisor runs, nobody knows")                 \
  X(kProcessBeforeStop,          "before the supervisor is told to stop")             \
  X(kProcessAfterStop,           "it is gone, nobody knows")                          \
  X(kProcessBeforeDestroy,       "before the directory is removed")                   \
  X(kProcessAfterDestroy,        "it is gone, nobody knows")                          \
  X(kIpamBeforeLease,            "before the lease file is made")                     \
  X(kIpamAfterLease,             "it is made, nobody knows")                          \
  X(kIpamBeforeRelease,          "before the lease file is removed")                  \
  X(kIpamAfterRelease,           "it is gone, nobody knows")
// clang-format on

enum class Failpoint : std::uint8_t {
#define HOLDFAST_X(name, text) name,
  HOLDFAST_FAILPOINT_LIST(HOLDFAST_X)
#undef HOLDFAST_X
};

std::string_view Name(Failpoint point);
std::vector<Failpoint> AllFailpoints();

// Use HF_FAILPOINT. Counts the hit, traces it, and kills the process if it is the armed one.
void HitFailpoint(Failpoint point);

}  // namespace holdfast::support

#ifdef HOLDFAST_FAILPOINTS
#define HF_FAILPOINT(point) ::holdfast::support::HitFailpoint(::holdfast::support::Failpoint::point)
#else
#define HF_FAILPOINT(point) static_cast<void>(0)
#endif

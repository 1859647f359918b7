// SPDX-License-Identifier: Apache-2.0
//
// A SQLite VFS that is the real one with the faults of storage.h: every call is counted and may be
// made to fail the way the real one reports such a failure (result code and errno, both of which
// the journal reads), every change is recorded, and a sync does nothing but be recorded. Locks and
// shared memory are the real ones. It is no place for memory maps: its files offer none, so that
// nothing passes it by.
#pragma once

namespace holdfast::faults {

// Makes it SQLite's default for the rest of the process. Called once, by Storage::Get.
void InstallFaultVfs();

}  // namespace holdfast::faults

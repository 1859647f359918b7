// SPDX-License-Identifier: Apache-2.0
//
// SQLite takes a read that ends before it should for the end of the file and goes on with zeros, in
// its cache too: from one such answer of the storage a writer would believe for ever that rows are
// gone, and write pages made of it. The journal's connections therefore read through a VFS that is
// SQLite's default in everything but this: a read that comes short within the file is an I/O error.
#pragma once

namespace holdfast::journal {

// The name of that VFS, for sqlite3_open_v2; null, which is the default, when it cannot be made.
// Any thread. What is SQLite's default at the first call is what it reads through.
const char* FullReadsVfs();

}  // namespace holdfast::journal

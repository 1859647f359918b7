// SPDX-License-Identifier: Apache-2.0
//
// Damages a journal as an input says: bytes of the file and of its WAL, pages, lengths, and values
// of tables, the latter with checksums, chains and digests made right again where the input wants
// that, so that the damage is not always caught at the first look; the same in the segments of its
// archive; and what is in the archive's directory.
#pragma once

#include <string>

#include "tests/fuzz/bytes.h"

namespace holdfast::fuzz {

// Carries out what `script` says to the journal at `path`, which nobody has open. Of each step the
// first byte says what is done (damage.cc, Step); the rest is taken as that needs it. With an
// archive, a byte before each step says to what: the journal, the segments one after the other, or
// the directory (damage.cc, FileStep).
void DamageJournal(const std::string& path, Bytes& script);

}  // namespace holdfast::fuzz

// SPDX-License-Identifier: Apache-2.0
//
// Key rotation: which keys a journal's boxes need, and sealing them anew under
// the current one. Reads what is kept for live sandboxes only; for no other is
// anything kept.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "journal/seal.h"

namespace holdfast::journal {

struct BoxesByKey {
  std::map<std::string, std::uint64_t> boxes;  // by the id of the key that they need
  std::uint64_t damaged = 0;                   // that name no key
};
absl::StatusOr<BoxesByKey> CountBoxes(Reader& reader);

struct Resealed {
  std::uint64_t boxes = 0;     // that there were
  std::uint64_t resealed = 0;  // of them, those that were not under the current key, and now are
  std::vector<std::string> failed;  // "SANDBOX: why"; at most 100 are named
  std::uint64_t failures = 0;
};

// Each box is replaced durably by itself, so it may end anywhere and be run
// again. A box that changed meanwhile is left to its writer. `go_on` is asked
// before each box. Errors: the first that concerns the journal and not one box.
absl::StatusOr<Resealed> ResealBoxes(Journal& journal, const Sealer& sealer,
                                     const std::function<bool()>& go_on);

}  // namespace holdfast::journal

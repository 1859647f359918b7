// SPDX-License-Identifier: Apache-2.0
//
// What the appenders know: every batch whose append was acknowledged. A journal is right when it
// holds these records and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "journal/journal.h"

namespace holdfast::faults {

struct Acknowledgement {
  std::string sandbox_id;
  std::uint64_t last_sequence = 0;
  std::uint64_t last_position = 0;
  std::size_t at = 0;  // Storage::recorded() when the appender was told
};

// All members may be called by any thread.
class History {
 public:
  void Acknowledged(const journal::Batch& batch, const journal::Appended& appended);

  std::uint64_t head(const std::string& sandbox_id) const;
  std::vector<Acknowledgement> acknowledgements() const;

  // Compares, by every way to read. Differences are failures of the running test; a read that fails
  // is returned, and what was read before it was compared.
  absl::Status ExpectIs(journal::Reader& reader) const;
  // The same for a journal that was left when `recorded` operations had been done: of each sandbox
  // what had been acknowledged by then, and whole batches of what came after.
  absl::Status ExpectIsAsOf(journal::Reader& reader, std::size_t recorded) const;

 private:
  struct Sandbox {
    std::vector<journal::Draft> drafts;
    journal::Projection projection;
    std::uint64_t last_position = 0;
  };

  using Heads = std::map<std::string, std::uint64_t>;  // by sandbox, the last sequence

  // REQUIRES of all: mutex_ is held.
  absl::Status ExpectTailIs(journal::Reader& reader) const;
  // Each record is one of ours, in its place.
  absl::StatusOr<Heads> ExpectTailIsOurs(journal::Reader& reader) const;
  absl::Status ExpectRowsAre(journal::Reader& reader) const;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, Sandbox> sandboxes_;
  std::vector<Acknowledgement> acknowledgements_;
};

}  // namespace holdfast::faults

// SPDX-License-Identifier: Apache-2.0
//
// What the appenders know: every batch whose append was acknowledged, in the order of its sandbox.
// A journal is right when it holds these and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/journal.h"

namespace holdfast::faults {

// The fold that the appenders store with a batch; it depends on nothing else, so that a stored one
// can be checked.
std::string SnapshotOf(const std::string& sandbox_id, std::uint64_t sequence);

struct Acknowledgement {
  std::string sandbox_id;
  std::uint64_t last_sequence = 0;
  std::uint64_t last_position = 0;
  std::size_t at = 0;  // Storage::recorded() when the appender was told
};

// What must be as it was acknowledged: sealed bytes have their own authentication, so that a disk
// which lies may take them back unseen.
enum class Compare { kAll, kAllButSealed };

// All members may be called by any thread.
class History {
 public:
  void Acknowledged(const journal::Batch& batch, const journal::Appended& appended);
  void SealedReplaced(const std::string& sandbox_id, const std::string& replacement);

  std::uint64_t head(const std::string& sandbox_id) const;
  std::vector<Acknowledgement> acknowledgements() const;

  // Compares all of it, by every way to read. Differences are failures of the running test; a read
  // that fails is returned, and what was read before it was compared.
  absl::Status ExpectIs(journal::Reader& reader) const;
  // The same for a journal that was left when `recorded` operations had been done: of each sandbox
  // what had been acknowledged by then, and whole batches of what came after.
  absl::Status ExpectIsAsOf(journal::Reader& reader, std::size_t recorded, Compare compare) const;

 private:
  // A sandbox after one batch.
  struct Step {
    journal::Projection projection;
    std::vector<std::string> sealed;  // as it was appended, then its replacements
  };
  struct Sandbox {
    std::vector<journal::Draft> drafts;
    std::map<std::uint64_t, Step> steps;  // by the sequence of the batch's last record
  };
  using Heads = std::map<std::string, std::uint64_t>;  // by sandbox, the last sequence

  // REQUIRES of all: mutex_ is held.
  // Each record is one of ours, in its place. What is there of each sandbox.
  absl::StatusOr<Heads> ReadHeads(journal::Reader& reader) const;
  absl::Status ExpectSandboxesAre(journal::Reader& reader, const Heads& heads,
                                  Compare compare) const;
  absl::Status ExpectSandboxIs(journal::Reader& reader, const std::string& id, std::uint64_t head,
                               Compare compare) const;
  absl::Status ExpectLiveAre(journal::Reader& reader, const Heads& heads) const;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, Sandbox> sandboxes_;
  std::vector<Acknowledgement> acknowledgements_;
};

}  // namespace holdfast::faults

// SPDX-License-Identifier: Apache-2.0
//
// A short life of a journal that goes through all that it does to its files: made, opened, appended
// to by one and by many, flushed, checkpointed, read, verified, closed, opened again, read from
// outside. Its limits are small, so that flushes come often. It uses the journal as its users do:
// an error is looked at, what was refused is sent again once the journal is sound.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "journal/journal.h"
#include "tests/faults/history.h"
#include "tests/faults/storage.h"

namespace holdfast::faults {

// The options of every journal here.
journal::Options WorkloadOptions(const std::string& path);
// Opens, and fails the running test when that fails.
std::unique_ptr<journal::Journal> OpenSound(const std::string& path);
// Verify finds nothing wrong; a failure of the running test otherwise.
void ExpectVerifiesClean(journal::Reader& reader);

class Workload {
 public:
  // `fault`: what was injected; the error codes that are legal follow from it. None: any error is a
  // failure of the test.
  explicit Workload(std::string path, std::optional<Fault> fault = std::nullopt);

  // At the first error that a caller sees the fault is lifted, so that all the rest shows whether
  // the journal goes on by itself.
  void Run();
  // The journal is opened once more, with nothing in its way.
  void ExpectExactlyWhatWasAcknowledged();

  const History& history() const { return history_; }

 private:
  void Open();
  void Close();
  // Until it is acknowledged.
  void Append(journal::Batch batch);
  void AppendManyAtOnce();
  void AppendByThreads();
  void LiveAndEnd(const std::string& sandbox_id);
  void ReplaceSealed(const std::string& sandbox_id);
  void Flush();
  void CheckpointFromOutside();
  void ReadAndVerify();
  void ReadFromOutside();

  // Runs `call`; when it fails, lifts the fault and runs it again, which must do.
  void Try(std::string_view what, const std::function<absl::Status()>& call);
  // Looks at a failure as a caller would, lifts the fault, and waits until the journal is sound.
  void Recover(std::string_view what, const absl::Status& failure);
  void ExpectIsDocumented(std::string_view what, const absl::Status& failure) const;
  void ExpectTakesNothingWhileUnsound();
  journal::Batch Events(const std::string& sandbox_id, std::size_t count,
                        std::size_t payload_bytes = 40) const;

  const std::string path_;
  const std::optional<Fault> fault_;
  History history_;
  std::unique_ptr<journal::Journal> journal_;
};

}  // namespace holdfast::faults

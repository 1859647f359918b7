// SPDX-License-Identifier: Apache-2.0
//
// The writer's transactions: each begins by looking whether the journal is still ours, and what a
// plan says is written in one of them.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/plan.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

// Used by one thread at a time, and its connection by nobody else meanwhile.
class Transaction {
 public:
  // `database` outlives it.
  static absl::StatusOr<Transaction> Create(Database& database);

  // From now on Begin fails when the file says another epoch.
  void Own(std::uint64_t epoch) { epoch_ = epoch; }

  // FailedPrecondition: the journal was taken by another process. No transaction is open then.
  absl::Status Begin();
  // Commits or rolls back, by what has come of the transaction so far.
  absl::Status End(absl::Status status);

  // All of the plan, durably, or nothing of it; of an empty one, whether the journal is still ours.
  // Errors: as Writer::Commit.
  absl::Status Write(const Plan& plan);

 private:
  Transaction() = default;
  absl::Status CheckEpoch();
  absl::Status Insert(const Plan& plan);

  sqlite3* db_ = nullptr;
  std::uint64_t epoch_ = 0;  // 0: not ours yet
  Statement begin_, commit_, rollback_, select_epoch_;
  Statement insert_record_, insert_pending_, put_sealed_, drop_sealed_;
};

}  // namespace holdfast::journal

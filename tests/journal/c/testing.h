// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the C interface share: a directory, handles that are closed, and visitors that
// copy what they see.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "journal/c/journal.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal::testing {

// An error that is freed; `&error.pointer` goes into a call. One call each.
struct Error {
  Error() = default;
  ~Error() { hf_error_free(pointer); }
  Error(const Error&) = delete;
  Error& operator=(const Error&) = delete;
  std::string message() const { return hf_error_message(pointer); }
  hf_error* pointer = nullptr;
};

// EXPECT that a call succeeds; says what it said if it does not.
#define EXPECT_HF_OK(call_with_error)                                           \
  do {                                                                          \
    ::holdfast::journal::testing::Error error_of_call;                          \
    EXPECT_EQ((call_with_error), HF_OK)                                         \
        << #call_with_error << ": " << hf_error_message(error_of_call.pointer); \
  } while (false)
// Within EXPECT_HF_OK: where the call puts its error.
#define HF_ERROR &error_of_call.pointer

struct FreeBatch {
  void operator()(hf_batch* batch) const { hf_batch_free(batch); }
};
using Batch = std::unique_ptr<hf_batch, FreeBatch>;

struct SeenRecord {
  std::uint64_t sequence;
  std::int32_t kind;
  std::string sandbox, type, payload;
};

// A visitor over a vector of copies.
template <typename Row, typename Seen, Seen (*Copy)(const Row&)>
std::int32_t Collect(void* context, const Row* row) {
  static_cast<std::vector<Seen>*>(context)->push_back(Copy(*row));
  return HF_CONTINUE;
}

inline SeenRecord CopyRecord(const hf_record& record) {
  return {record.sequence, record.kind, record.sandbox_id, record.type,
          std::string(static_cast<const char*>(record.payload), record.payload_bytes)};
}
inline constexpr auto CollectRecords = Collect<hf_record, SeenRecord, CopyRecord>;

inline std::string CopySandboxId(const hf_sandbox& row) { return row.sandbox_id; }
inline constexpr auto CollectSandboxes = Collect<hf_sandbox, std::string, CopySandboxId>;

class JournalCTest : public ::testing::Test {
 protected:
  ~JournalCTest() override {
    if (journal_ != nullptr) hf_close(journal_, nullptr);
  }

  std::string Path() const { return directory_.File("journal.db"); }

  void Open() {
    const std::string path = Path();
    hf_options options = HF_OPTIONS_INIT;
    options.path = path.c_str();
    options.owner = "test";
    options.boot_id = "boot";
    options.create = 1;
    Error error;
    ASSERT_EQ(hf_open(&options, &journal_, &error.pointer), HF_OK) << error.message();
    ASSERT_EQ(hf_journal_reader(journal_, &reader_, nullptr), HF_OK);
  }

  void Close() {
    Error error;
    EXPECT_EQ(hf_close(journal_, &error.pointer), HF_OK) << error.message();
    journal_ = nullptr;
  }

  // A batch of one event.
  static Batch EventBatch(const char* sandbox, std::uint64_t expected) {
    Batch batch(hf_batch_new(sandbox, expected));
    EXPECT_HF_OK(hf_batch_add_event(batch.get(), "Happened", "payload", 7, 1000, HF_ERROR));
    return batch;
  }

  // Appends it and returns the sandbox's sequence.
  std::uint64_t Append(const Batch& batch) {
    hf_appended appended = HF_APPENDED_INIT;
    EXPECT_HF_OK(hf_append(journal_, batch.get(), &appended, HF_ERROR));
    return appended.last_sequence;
  }

  std::vector<SeenRecord> Read(const char* sandbox) {
    std::vector<SeenRecord> seen;
    EXPECT_HF_OK(hf_read_sandbox(reader_, sandbox, 0, CollectRecords, &seen, HF_ERROR));
    return seen;
  }

  const holdfast::testing::TempDir directory_;
  hf_journal* journal_ = nullptr;
  hf_reader* reader_ = nullptr;
};

}  // namespace holdfast::journal::testing

// SPDX-License-Identifier: Apache-2.0
//
// What is kept beside the records: snapshots, what is sealed, and the flushed tables.
#include <string>
#include <vector>

#include "tests/journal/c/testing.h"

namespace holdfast::journal::testing {
namespace {

std::string Text(const void* bytes, std::size_t size) {
  return size == 0 ? "" : std::string(static_cast<const char*>(bytes), size);
}

// Sandbox "a" has a snapshot of its first record and a second record without; "b" has none.
class JournalCLive : public JournalCTest {
 protected:
  void SetUp() override {
    Open();
    const Batch first = EventBatch("a", 0);
    EXPECT_HF_OK(hf_batch_set_snapshot(first.get(), "fold", 4, HF_ERROR));
    EXPECT_HF_OK(hf_batch_set_sealed(first.get(), "box", 3, HF_ERROR));
    Append(first);
    Append(EventBatch("a", 1));
    Append(EventBatch("b", 0));
    EXPECT_HF_OK(hf_flush(journal_, HF_ERROR));  // readers see snapshots that were flushed
  }

  // What is sealed for the sandbox, or the name of the error.
  std::string Sealed(const char* sandbox) {
    std::string seen;
    const hf_code code = hf_read_sealed(
        reader_, sandbox,
        [](void* context, const void* bytes, std::size_t size) {
          *static_cast<std::string*>(context) = Text(bytes, size);
        },
        &seen, nullptr);
    return code == HF_OK ? seen : hf_code_name(code);
  }
};

TEST_F(JournalCLive, ReadsLiveSandboxesWithTheirSnapshots) {
  std::vector<std::string> seen;
  const auto visit = [](void* context, const hf_sandbox* row,
                        const hf_snapshot* snapshot) -> std::int32_t {
    std::string line = row->sandbox_id;
    if (snapshot != nullptr) {
      line += " " + std::to_string(snapshot->sequence) + " " +
              Text(snapshot->bytes, snapshot->bytes_count);
    }
    static_cast<std::vector<std::string>*>(context)->push_back(line);
    return HF_CONTINUE;
  };

  EXPECT_HF_OK(hf_read_live(reader_, visit, &seen, HF_ERROR));

  EXPECT_EQ(seen, (std::vector<std::string>{"a 1 fold", "b"}));
}

TEST_F(JournalCLive, VisitorOfLiveSandboxesMayStop) {
  int calls = 0;
  const auto visit = [](void* context, const hf_sandbox* /*row*/,
                        const hf_snapshot* /*snapshot*/) -> std::int32_t {
    ++*static_cast<int*>(context);
    return HF_STOP;
  };

  EXPECT_HF_OK(hf_read_live(reader_, visit, &calls, HF_ERROR));

  EXPECT_EQ(calls, 1);
}

TEST_F(JournalCLive, FindsASnapshotOrSaysThatThereIsNone) {
  std::string seen;
  const auto visit = [](void* context, const hf_snapshot* snapshot) {
    *static_cast<std::string*>(context) = Text(snapshot->bytes, snapshot->bytes_count);
  };

  EXPECT_HF_OK(hf_find_snapshot(reader_, "a", visit, &seen, HF_ERROR));
  EXPECT_EQ(seen, "fold");
  EXPECT_EQ(hf_find_snapshot(reader_, "b", visit, &seen, nullptr), HF_NOT_FOUND);
}

TEST_F(JournalCLive, KeepsWhatIsSealedAndReplacesItOnce) {
  EXPECT_EQ(Sealed("a"), "box");
  EXPECT_EQ(Sealed("b"), "NOT_FOUND");

  EXPECT_HF_OK(hf_replace_sealed(journal_, "a", "box", 3, "other", 5, HF_ERROR));
  EXPECT_EQ(hf_replace_sealed(journal_, "a", "box", 3, "third", 5, nullptr), HF_ABORTED);

  EXPECT_EQ(Sealed("a"), "other");
}

TEST_F(JournalCLive, SnapshotsAndWhatIsSealedSurviveAReopen) {
  Close();
  Open();

  EXPECT_EQ(Sealed("a"), "box");
  EXPECT_EQ(hf_find_snapshot(
                reader_, "a", [](void*, const hf_snapshot*) {}, nullptr, nullptr),
            HF_OK);
}

TEST_F(JournalCLive, ForgetsWhatIsSealedWhenTheSandboxIsNoLongerLive) {
  const Batch last = EventBatch("a", 2);
  EXPECT_HF_OK(hf_batch_set_projection(last.get(), "Deleted", 0, nullptr, 0, HF_ERROR));

  Append(last);

  EXPECT_EQ(Sealed("a"), "NOT_FOUND");
}

}  // namespace
}  // namespace holdfast::journal::testing

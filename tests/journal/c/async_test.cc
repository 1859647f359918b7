// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "tests/journal/c/testing.h"

namespace holdfast::journal::testing {
namespace {

// Answers as they come in; waits until there are enough of them.
class Answers {
 public:
  static void Take(void* context, hf_code code, const hf_appended* appended,
                   const hf_error* error) {
    auto& answers = *static_cast<Answers*>(context);
    const std::lock_guard lock(answers.mutex_);
    answers.codes_.push_back(code);
    answers.consistent_ = answers.consistent_ && (code == HF_OK) == (appended != nullptr) &&
                          (code == HF_OK) == (error == nullptr) && hf_error_code(error) == code;
    answers.arrived_.notify_all();
  }

  std::vector<hf_code> Wait(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return codes_.size() >= count; });
    return codes_;
  }
  bool consistent() {
    const std::lock_guard lock(mutex_);
    return consistent_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<hf_code> codes_;  // guarded by mutex_
  bool consistent_ = true;      // guarded by mutex_
};

using JournalCAsync = JournalCTest;

TEST_F(JournalCAsync, CallsBackOnceWithTheResult) {
  Open();
  Answers answers;

  EXPECT_HF_OK(
      hf_append_async(journal_, EventBatch("s1", 0).get(), Answers::Take, &answers, HF_ERROR));
  EXPECT_EQ(answers.Wait(1), std::vector<hf_code>{HF_OK});
  EXPECT_HF_OK(
      hf_append_async(journal_, EventBatch("s1", 0).get(), Answers::Take, &answers, HF_ERROR));

  EXPECT_EQ(answers.Wait(2), (std::vector<hf_code>{HF_OK, HF_ABORTED}));
  EXPECT_TRUE(answers.consistent());
  EXPECT_EQ(Read("s1").size(), 1U);
}

TEST_F(JournalCAsync, TellsOfAMalformedBatchInTheCallback) {
  Open();
  Answers answers;
  const Batch empty(hf_batch_new("s1", 0));

  EXPECT_HF_OK(hf_append_async(journal_, empty.get(), Answers::Take, &answers, HF_ERROR));

  EXPECT_EQ(answers.Wait(1), std::vector<hf_code>{HF_INVALID_ARGUMENT});
}

TEST_F(JournalCAsync, HasCalledBackForAllWhenCloseReturns) {
  Open();
  constexpr std::size_t kBatches = 100;
  Answers answers;
  for (std::size_t i = 0; i < kBatches; ++i) {
    const Batch batch = EventBatch(fmt::format("s{}", i).c_str(), 0);
    EXPECT_HF_OK(hf_append_async(journal_, batch.get(), Answers::Take, &answers, HF_ERROR));
  }

  Close();

  EXPECT_EQ(answers.Wait(0), std::vector<hf_code>(kBatches, HF_OK));
}

// What a callback found when it called the library.
struct Inside {
  hf_journal* journal = nullptr;
  hf_reader* reader = nullptr;
  hf_code append = HF_OK, append_async = HF_INTERNAL, close = HF_OK, flush = HF_OK, archive = HF_OK,
          expire = HF_OK, read = HF_INTERNAL;
  std::uint64_t last = 0;
  Answers first, second;
};

TEST_F(JournalCAsync, CallbackMayReadAndAppendOnWithoutWaiting) {
  Open();
  Inside inside;
  inside.journal = journal_;
  inside.reader = reader_;

  EXPECT_HF_OK(hf_append_async(
      journal_, EventBatch("s1", 0).get(),
      [](void* context, hf_code code, const hf_appended* appended, const hf_error* error) {
        auto& here = *static_cast<Inside*>(context);
        const Batch next = EventBatch("s1", 1);
        here.read = hf_last_position(here.reader, &here.last, nullptr);
        here.append_async =
            hf_append_async(here.journal, next.get(), Answers::Take, &here.second, nullptr);
        Answers::Take(&here.first, code, appended, error);
      },
      &inside, HF_ERROR));

  EXPECT_EQ(inside.first.Wait(1), std::vector<hf_code>{HF_OK});
  EXPECT_EQ(inside.read, HF_OK);
  EXPECT_EQ(inside.last, 1U);
  EXPECT_EQ(inside.append_async, HF_OK);
  EXPECT_EQ(inside.second.Wait(1), std::vector<hf_code>{HF_OK});
}

TEST_F(JournalCAsync, CallbackThatWouldWaitForItselfIsRefused) {
  Open();
  Inside inside;
  inside.journal = journal_;

  EXPECT_HF_OK(hf_append_async(
      journal_, EventBatch("s1", 0).get(),
      [](void* context, hf_code code, const hf_appended* appended, const hf_error* error) {
        auto& here = *static_cast<Inside*>(context);
        const Batch next = EventBatch("s1", 1);
        here.append = hf_append(here.journal, next.get(), nullptr, nullptr);
        here.flush = hf_flush(here.journal, nullptr);
        const hf_archive_options options = HF_ARCHIVE_OPTIONS_INIT;
        here.archive = hf_archive(here.journal, &options, nullptr, nullptr, nullptr, nullptr);
        here.expire = hf_expire_archives(here.journal, 0, nullptr, nullptr, nullptr, nullptr);
        here.close = hf_close(here.journal, nullptr);
        Answers::Take(&here.first, code, appended, error);
      },
      &inside, HF_ERROR));

  inside.first.Wait(1);
  EXPECT_EQ(inside.append, HF_FAILED_PRECONDITION);
  EXPECT_EQ(inside.flush, HF_FAILED_PRECONDITION);
  EXPECT_EQ(inside.archive, HF_FAILED_PRECONDITION);
  EXPECT_EQ(inside.expire, HF_FAILED_PRECONDITION);
  EXPECT_EQ(inside.close, HF_FAILED_PRECONDITION);
  EXPECT_EQ(Append(EventBatch("s1", 1)), 2U);
}

TEST_F(JournalCAsync, CallsNobodyBackAfterCloseReturned) {
  struct Calls {
    std::atomic<int> made{0}, taken{0}, answered{0};
    std::atomic<bool> closed{false}, late{false};
  };
  // Too many records, so that nothing is written; and large, so that the close comes while they are
  // copied.
  const Batch batch(hf_batch_new("s1", 0));
  const std::string payload(std::size_t{1} << 18, 'x');
  for (int i = 0; i < 257; ++i) {
    ASSERT_EQ(hf_batch_add_event(batch.get(), "E", payload.data(), payload.size(), 0, nullptr),
              HF_OK);
  }
  for (int round = 0; round < 5; ++round) {
    Open();
    Calls calls;
    hf_journal* const journal = journal_;
    std::thread caller([&] {
      const auto answer = [](void* context, hf_code, const hf_appended*, const hf_error*) {
        auto& seen = *static_cast<Calls*>(context);
        ++seen.answered;
        if (seen.closed) seen.late = true;
      };
      while (++calls.made,
             hf_append_async(journal, batch.get(), answer, &calls, nullptr) == HF_OK) {
        ++calls.taken;
      }
    });
    while (calls.made < 3) std::this_thread::yield();

    Close();
    calls.closed = true;
    caller.join();

    EXPECT_FALSE(calls.late);
    EXPECT_EQ(calls.answered, calls.taken);
  }
}

TEST_F(JournalCAsync, ClosingUnderOtherThreadsLosesNothingThatWasAcknowledged) {
  Open();
  std::atomic<int> started{0};
  std::atomic<std::uint64_t> acknowledged{0};
  std::vector<std::thread> threads;
  hf_journal* const journal = journal_;
  constexpr int kThreads = 4;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string sandbox = fmt::format("s{}", t);
      ++started;
      for (std::uint64_t sequence = 0;; ++sequence) {
        const Batch batch = EventBatch(sandbox.c_str(), sequence);
        if (hf_append(journal, batch.get(), nullptr, nullptr) != HF_OK) return;
        ++acknowledged;
      }
    });
  }
  while (started < kThreads || acknowledged < 20) std::this_thread::yield();

  Close();
  for (std::thread& thread : threads) thread.join();

  Open();
  std::uint64_t last = 0;
  EXPECT_HF_OK(hf_last_position(reader_, &last, HF_ERROR));
  EXPECT_EQ(last, acknowledged.load());
}

}  // namespace
}  // namespace holdfast::journal::testing

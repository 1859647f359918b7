// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <string>

#include "tests/journal/c/testing.h"

namespace holdfast::journal::testing {
namespace {

using JournalCAppend = JournalCTest;

TEST_F(JournalCAppend, StoresTheBatchAndSaysWhere) {
  Open();
  const Batch batch = EventBatch("s1", 0);
  EXPECT_HF_OK(hf_batch_add_event(batch.get(), "HappenedToo", nullptr, 0, 2000, HF_ERROR));
  hf_appended appended = HF_APPENDED_INIT;

  EXPECT_HF_OK(hf_append(journal_, batch.get(), &appended, HF_ERROR));

  EXPECT_EQ(appended.first_position, 1U);
  EXPECT_EQ(appended.last_position, 2U);
  EXPECT_EQ(appended.last_sequence, 2U);
  const auto seen = Read("s1");
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].type, "Happened");
  EXPECT_EQ(seen[0].payload, "payload");
  EXPECT_EQ(seen[0].kind, HF_EVENT_RECORD);
  EXPECT_EQ(seen[1].type, "HappenedToo");
}

TEST_F(JournalCAppend, RefusesAStaleSequenceAndTakesTheBatchAgainWithTheRightOne) {
  Open();
  Append(EventBatch("s1", 0));
  const Batch batch = EventBatch("s1", 0);

  EXPECT_EQ(hf_append(journal_, batch.get(), nullptr, nullptr), HF_ABORTED);
  EXPECT_HF_OK(hf_batch_set_expected_sequence(batch.get(), 1, HF_ERROR));

  EXPECT_EQ(Append(batch), 2U);
}

TEST_F(JournalCAppend, SetsWhatListsSayOfTheSandbox) {
  Open();
  const Batch batch = EventBatch("s1", 0);
  EXPECT_HF_OK(hf_batch_set_projection(batch.get(), "Done", 0, "sum", 3, HF_ERROR));
  Append(batch);
  struct Seen {
    std::string state, summary;
    std::int32_t live = 1;
    std::uint64_t head = 0;
  } seen;

  EXPECT_HF_OK(hf_find_sandbox(
      reader_, "s1",
      [](void* context, const hf_sandbox* row) -> std::int32_t {
        *static_cast<Seen*>(context) = {
            row->state, std::string(static_cast<const char*>(row->summary), row->summary_bytes),
            row->live, row->head_sequence};
        return HF_CONTINUE;
      },
      &seen, HF_ERROR));

  EXPECT_EQ(seen.state, "Done");
  EXPECT_EQ(seen.summary, "sum");
  EXPECT_EQ(seen.live, 0);
  EXPECT_EQ(seen.head, 1U);
}

hf_intent MakeIntent(const hf_resource* const* claims) {
  hf_intent intent = HF_INTENT_INIT;
  intent.operation = 7;
  intent.deadline_ms = 5000;
  intent.name = "lease";
  intent.participant = "ipam";
  intent.action = "make";
  intent.key = "s1/7/lease";
  intent.undo_action = "drop";
  intent.undo_args = "{\"lease\":1}";
  intent.undo_idempotent = 1;
  intent.claims = claims;
  intent.claims_count = 1;
  return intent;
}

hf_resource MakeResource(const char* handle) {
  hf_resource resource = HF_RESOURCE_INIT;
  resource.kind = "lease";
  resource.name = "demo/s1";
  resource.handle = handle;
  return resource;
}

// A sandbox whose second record is an intent that claims a lease.
class JournalCIntent : public JournalCTest {
 protected:
  void SetUp() override {
    Open();
    const hf_resource claim = MakeResource(nullptr);
    const hf_resource* const claims[] = {&claim};
    const hf_intent intent = MakeIntent(claims);
    const Batch batch = EventBatch("s1", 0);
    EXPECT_HF_OK(hf_batch_add_intent(batch.get(), &intent, 1000, HF_ERROR));
    ASSERT_EQ(Append(batch), 2U);
  }

  hf_outcome MakeOutcome(const hf_resource* const* resources) {
    hf_outcome outcome = HF_OUTCOME_INIT;
    outcome.intent = 2;
    outcome.verdict = HF_DONE;
    outcome.closes = 1;
    outcome.resources = resources;
    outcome.resources_count = 1;
    return outcome;
  }

  std::vector<std::string> OpenIntents() {
    std::vector<std::string> seen;
    EXPECT_HF_OK(hf_list_open_intents(
        reader_, nullptr,
        [](void* context, const hf_open_intent* row) -> std::int32_t {
          static_cast<std::vector<std::string>*>(context)->push_back(
              std::string(row->sandbox_id) + " " + std::to_string(row->intent) + " " + row->key +
              " " + row->participant + " " + row->action);
          return HF_CONTINUE;
        },
        &seen, HF_ERROR));
    return seen;
  }

  std::vector<std::string> Ledger(bool all) {
    std::vector<std::string> seen;
    EXPECT_HF_OK(hf_read_ledger(
        reader_, "s1", all ? 1 : 0,
        [](void* context, const hf_ledger_row* row) -> std::int32_t {
          static_cast<std::vector<std::string>*>(context)->push_back(
              std::string(row->kind) + " " + row->name + " [" + row->handle + "] " +
              std::to_string(row->status));
          return HF_CONTINUE;
        },
        &seen, HF_ERROR));
    return seen;
  }
};

TEST_F(JournalCIntent, IsOwedUntilItsOutcomeIsAppended) {
  EXPECT_EQ(OpenIntents(), std::vector<std::string>{"s1 2 s1/7/lease ipam make"});
  EXPECT_EQ(Ledger(false), std::vector<std::string>{"lease demo/s1 [] 1"});

  const hf_resource made = MakeResource("10.0.0.1");
  const hf_resource* const resources[] = {&made};
  const hf_outcome outcome = MakeOutcome(resources);
  const Batch batch(hf_batch_new("s1", 2));
  EXPECT_HF_OK(hf_batch_add_outcome(batch.get(), &outcome, 2000, HF_ERROR));
  Append(batch);

  EXPECT_TRUE(OpenIntents().empty());
  EXPECT_EQ(Ledger(false), std::vector<std::string>{"lease demo/s1 [10.0.0.1] 2"});
}

TEST_F(JournalCIntent, ComesBackFromItsRecordAsItWent) {
  struct Seen {
    hf_intent intent;
    std::vector<std::string> text;
  } seen;
  const std::string payload = Read("s1").at(1).payload;

  EXPECT_HF_OK(hf_decode_intent(
      payload.data(), payload.size(),
      [](void* context, const hf_intent* intent) {
        auto& into = *static_cast<Seen*>(context);
        into.intent = *intent;
        into.text = {intent->name,
                     intent->participant,
                     intent->action,
                     intent->key,
                     intent->args,
                     intent->undo_action,
                     intent->undo_args,
                     intent->undo_participant,
                     intent->claims[0]->kind,
                     intent->claims[0]->name};
      },
      &seen, HF_ERROR));

  EXPECT_EQ(seen.text, (std::vector<std::string>{"lease", "ipam", "make", "s1/7/lease", "", "drop",
                                                 "{\"lease\":1}", "ipam", "lease", "demo/s1"}));
  EXPECT_EQ(seen.intent.operation, 7U);
  EXPECT_EQ(seen.intent.deadline_ms, 5000);
  EXPECT_EQ(seen.intent.kind, HF_FORWARD);
  EXPECT_EQ(seen.intent.undo_idempotent, 1);
  EXPECT_EQ(seen.intent.claims_count, 1U);
}

TEST_F(JournalCIntent, OutcomeComesBackFromItsRecordAsItWent) {
  const hf_resource made = MakeResource("10.0.0.1");
  const hf_resource* const resources[] = {&made};
  const hf_variable variable = {sizeof(hf_variable), "ADDRESS", "10.0.0.1"};
  const hf_variable* const variables[] = {&variable};
  hf_outcome outcome = MakeOutcome(resources);
  outcome.variables = variables;
  outcome.variables_count = 1;
  outcome.state = "memory";
  outcome.state_bytes = 6;
  outcome.state_schema = 3;
  outcome.result = "plan";
  outcome.result_bytes = 4;
  outcome.has_exit_code = 1;
  outcome.exit_code = -9;
  outcome.reason = "Fine";
  const Batch batch(hf_batch_new("s1", 2));
  EXPECT_HF_OK(hf_batch_add_outcome(batch.get(), &outcome, 2000, HF_ERROR));
  Append(batch);
  struct Seen {
    hf_outcome outcome;
    std::vector<std::string> text;
  } seen;
  const std::string payload = Read("s1").at(2).payload;

  EXPECT_HF_OK(hf_decode_outcome(
      payload.data(), payload.size(),
      [](void* context, const hf_outcome* read) {
        auto& into = *static_cast<Seen*>(context);
        into.outcome = *read;
        into.text = {read->reason,
                     read->resources[0]->handle,
                     read->variables[0]->name,
                     read->variables[0]->value,
                     std::string(static_cast<const char*>(read->state), read->state_bytes),
                     std::string(static_cast<const char*>(read->result), read->result_bytes)};
      },
      &seen, HF_ERROR));

  EXPECT_EQ(seen.text, (std::vector<std::string>{"Fine", "10.0.0.1", "ADDRESS", "10.0.0.1",
                                                 "memory", "plan"}));
  EXPECT_EQ(seen.outcome.intent, 2U);
  EXPECT_EQ(seen.outcome.attempt, 1U);
  EXPECT_EQ(seen.outcome.verdict, HF_DONE);
  EXPECT_EQ(seen.outcome.closes, 1);
  EXPECT_EQ(seen.outcome.state_schema, 3U);
  EXPECT_EQ(seen.outcome.has_exit_code, 1);
  EXPECT_EQ(seen.outcome.exit_code, -9);
}

TEST_F(JournalCIntent, EncodedByTheCallerIsTheSameRecord) {
  const std::string payload = Read("s1").at(1).payload;
  const Batch batch(hf_batch_new("s2", 0));

  EXPECT_HF_OK(hf_batch_add_encoded(batch.get(), HF_INTENT_RECORD, payload.data(), payload.size(),
                                    1000, HF_ERROR));
  Append(batch);

  const auto seen = Read("s2");
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].kind, HF_INTENT_RECORD);
  EXPECT_EQ(seen[0].type, "StepIntended");
  EXPECT_EQ(seen[0].payload, payload);
}

TEST_F(JournalCIntent, UndoReleasesWhatWasMade) {
  const hf_resource made = MakeResource("10.0.0.1");
  const hf_resource* const resources[] = {&made};
  const hf_outcome done = MakeOutcome(resources);
  hf_intent undo = HF_INTENT_INIT;
  undo.kind = HF_UNDO;
  undo.undoes = 2;
  undo.participant = "ipam";
  undo.action = "drop";
  hf_outcome undone = HF_OUTCOME_INIT;
  undone.intent = 4;
  undone.verdict = HF_DONE;
  undone.closes = 1;
  const Batch batch(hf_batch_new("s1", 2));
  EXPECT_HF_OK(hf_batch_add_outcome(batch.get(), &done, 2000, HF_ERROR));
  EXPECT_HF_OK(hf_batch_add_intent(batch.get(), &undo, 2000, HF_ERROR));
  EXPECT_HF_OK(hf_batch_add_outcome(batch.get(), &undone, 2000, HF_ERROR));

  Append(batch);

  EXPECT_TRUE(Ledger(false).empty());
  EXPECT_EQ(Ledger(true), std::vector<std::string>{"lease demo/s1 [10.0.0.1] 3"});
}

}  // namespace
}  // namespace holdfast::journal::testing

// SPDX-License-Identifier: Apache-2.0
//
// The journal for programs in C, and for every language that can call C: installed as
// <holdfast/journal.h>, linked with -lholdfast_journal. docs/embedding.md is the guide; what a
// record, an intent, an outcome and the ledger are is in docs/journal-format.md.
//
// Rules that hold for every function here:
//
//   Errors      A function that can fail returns an hf_code, HF_OK being 0. Its last parameter
//               `error` may be NULL; else it is set to NULL on success and to a new error on
//               failure, to be freed with hf_error_free. Arguments that make no sense (NULL where
//               something must be, a closed handle, a size over the limit) are answered with
//               HF_INVALID_ARGUMENT and change nothing. Unless said otherwise, results are set on
//               success only.
//   Threads     Every function may be called from any thread at any time, also on the same handle,
//               with one exception: an hf_batch is used by one thread at a time.
//   Handles     hf_journal and hf_reader are names that the library looks up and never
//               dereferences; one that was closed is recognised, also while other threads use it.
//               hf_batch and hf_error are plain memory: do not use them once they are freed.
//   Callbacks   What a callback is given belongs to the library and is valid until it returns.
//               A callback must not throw, longjmp or unwind through the library. Visitors run on
//               the caller's thread, within the call, and may call any function here.
//   Text        Strings end with NUL. Text within an intent or an outcome must be UTF-8. Bytes
//               have a size and are opaque; NULL with size 0 means no bytes.
//   Booleans    int32_t: 0 is false, all else is true; the library itself says 1.
//   Times       Milliseconds since 1970-01-01 UTC.
//   Processes   A handle is of no use after fork() in the child: open the journal after it.
//
// The ABI. Functions and constants never change their meaning and are never removed, and
// structs only grow at their ends, as long as the library is called libholdfast_journal.so.0. Every
// struct begins with its size: who makes one sets it (the HF_…_INIT macros do), and the library
// takes what is missing at the end for zero. What the library makes may be larger than the caller
// knows.
#ifndef HOLDFAST_JOURNAL_H_
#define HOLDFAST_JOURNAL_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The version of the interface that this header describes. Grows with each addition to it;
// hf_interface_version() says what the library that was found at run time has.
#define HF_INTERFACE_VERSION 2
uint32_t hf_interface_version(void);
// The release of the library, e.g. "0.1.0". Never freed.
const char* hf_version(void);

// --- errors --------------------------------------------------------------------------------------

typedef int32_t hf_code;
enum {
  HF_OK = 0,
  HF_INVALID_ARGUMENT = 3,     // the call makes no sense, or is over a limit; nothing was done
  HF_NOT_FOUND = 5,            // there is none
  HF_ALREADY_EXISTS = 6,       // something is there, and is kept (since version 2)
  HF_RESOURCE_EXHAUSTED = 8,   // disk full, no memory, or too many appends are waiting
  HF_FAILED_PRECONDITION = 9,  // held by another process, taken by one, not ours, or a newer format
  HF_ABORTED = 10,             // the sandbox has moved on: read it and decide again
  HF_INTERNAL = 13,            // a defect of the library
  HF_UNAVAILABLE = 14,         // I/O error, or closed
  HF_DATA_LOSS = 15            // what is stored is damaged
};

typedef struct hf_error hf_error;
// HF_OK for NULL.
hf_code hf_error_code(const hf_error* error);
// One sentence for people. Lives as long as the error; "" for NULL.
const char* hf_error_message(const hf_error* error);
// NULL is ignored.
void hf_error_free(hf_error* error);
// "ABORTED" and so on; "UNKNOWN" for a code that this library does not know. Never freed.
const char* hf_code_name(hf_code code);

// --- opening and closing -------------------------------------------------------------------------

typedef struct hf_journal hf_journal;  // a journal file, held for writing by this process
typedef struct hf_reader hf_reader;    // a journal file, read

typedef struct hf_options {
  size_t size;
  const char* path;     // of the journal file; its neighbours (-wal, -shm, .lock) lie beside it
  const char* owner;    // who we are, for the message a second writer gets; NULL: "holdfast"
  const char* boot_id;  // of this host's boot, stored with the epoch; NULL: ""
  int32_t create;       // make the journal if there is none
  int32_t reserved;     // 0
} hf_options;
// clang-format off
#define HF_OPTIONS_INIT {sizeof(hf_options), NULL, NULL, NULL, 0, 0}
// clang-format on

// Takes the journal for writing: locks it against other processes, raises its epoch durably and
// brings what a crash left up to date. Copies the options.
//   HF_FAILED_PRECONDITION  held by another process (the message names it), not a Holdfast
//                           journal, or of a newer format. Untouched.
//   HF_NOT_FOUND            there is none and `create` is false
//   HF_DATA_LOSS            truncated or damaged. Untouched.
//   HF_UNAVAILABLE, HF_RESOURCE_EXHAUSTED   I/O error, disk full
hf_code hf_open(const hf_options* options, hf_journal** journal, hf_error** error);

// Commits what waits, then gives the journal up. Other threads' calls on it end with an error or
// with their result; all callbacks of hf_append_async have returned. The handle, and that of
// hf_journal_reader, is closed whatever is returned; the error is that of the last writes to disk,
// and nothing that was acknowledged is concerned by it. Refused in an append's callback
// (HF_FAILED_PRECONDITION; the journal stays open).
hf_code hf_close(hf_journal* journal, hf_error** error);

// The journal's own reader: the same handle each time, closed with the journal.
hf_code hf_journal_reader(hf_journal* journal, hf_reader** reader, hf_error** error);

// Opens a journal file to be read only, also while another process writes it, or after that died.
// Errors as hf_open's; nobody's hold on the file is one.
hf_code hf_reader_open(const char* path, hf_reader** reader, hf_error** error);
// HF_FAILED_PRECONDITION for a journal's own reader, which stays open.
hf_code hf_reader_close(hf_reader* reader, hf_error** error);

// --- intents and outcomes ------------------------------------------------------------------------

// A thing in the world. As a claim it has no handle yet.
typedef struct hf_resource {
  size_t size;
  const char* kind;    // family: "process", "lease", …; not empty
  const char* name;    // unique within kind and participant; not empty
  const char* handle;  // the participant's own proof of which thing it is; NULL: ""
} hf_resource;
// clang-format off
#define HF_RESOURCE_INIT {sizeof(hf_resource), NULL, NULL, NULL}
// clang-format on

enum { HF_FORWARD = 1, HF_UNDO = 2 };

// A step is owed. Append it before the step starts. Its number is the sequence of its record.
typedef struct hf_intent {
  size_t size;
  uint64_t operation;                // number of the operation it belongs to; the caller's own
  uint64_t undoes;                   // of HF_UNDO: the intent whose effect is removed
  int64_t deadline_ms;               // of each attempt, in milliseconds; 0: none
  const char* name;                  // of the step, unique within the operation
  const char* participant;           // who carries it out; not empty
  const char* action;                // what it does
  const char* key;                   // idempotency key, the same on every attempt
  const char* args;                  // of HF_UNDO: arguments of the undo that is carried out
  const char* undo_action;           // how the step is undone; NULL: there is nothing to undo
  const char* undo_args;             // its arguments
  const char* undo_participant;      // who undoes it; NULL: `participant`
  const hf_resource* const* claims;  // what may exist from now on
  size_t claims_count;
  int32_t kind;             // HF_FORWARD or HF_UNDO
  int32_t idempotent;       // may run again when nobody can tell whether it ran
  int32_t undo_idempotent;  // the undo may run when nobody can tell whether the step took effect
  int32_t reserved;         // 0
} hf_intent;
// clang-format off
#define HF_INTENT_INIT {sizeof(hf_intent), 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
                        NULL, 0, HF_FORWARD, 0, 0, 0}
// clang-format on

enum {
  HF_DONE = 1,         // took effect; `resources` is all that it made
  HF_FAILED = 2,       // did not do what it should
  HF_UNKNOWN = 3,      // nobody knows whether it took effect
  HF_PRESENT = 4,      // probed: it took effect; `resources` is all that it made
  HF_ABSENT = 5,       // probed: it left nothing in the world
  HF_CANNOT_TELL = 6,  // probed: could not be found out
  HF_VANISHED = 7,     // what it had made is gone, and nobody undid it
  HF_RELEASED = 8,     // given up: an operator attested that nothing of it is in the world
  HF_ABANDONED = 9     // given up: nothing will be done under this intent any more
};

// A name and its value.
typedef struct hf_variable {
  size_t size;
  const char* name;
  const char* value;
} hf_variable;

// An attempt at an intent's step was answered, or what it made was looked for.
typedef struct hf_outcome {
  size_t size;
  uint64_t intent;      // the sequence of the intent's record
  const char* reason;   // a word for programs
  const char* message;  // a sentence for people
  const hf_resource* const* resources;
  size_t resources_count;
  const hf_variable* const* variables;  // environment for the workload
  size_t variables_count;
  const void* state;  // an extension's own memory of the sandbox; NULL: none
  size_t state_bytes;
  const void* result;  // of the plan step: the plan; NULL: none
  size_t result_bytes;
  uint32_t attempt;       // from 1
  uint32_t state_schema;  // schema version of `state`
  int32_t verdict;        // HF_DONE, …
  int32_t closes;         // nothing more is owed under this intent
  int32_t retryable;      // of HF_FAILED: worth another attempt
  int32_t no_effect;      // of HF_FAILED: it certainly left nothing
  int32_t has_exit_code;  // of HF_VANISHED
  int32_t exit_code;
} hf_outcome;
// clang-format off
#define HF_OUTCOME_INIT {sizeof(hf_outcome), 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 0, \
                         1, 0, 0, 0, 0, 0, 0, 0}
// clang-format on

typedef void (*hf_intent_visitor)(void* context, const hf_intent* intent);
typedef void (*hf_outcome_visitor)(void* context, const hf_outcome* outcome);

// Calls `visit` once with what the payload of an intent's (outcome's) record says. Strings that the
// record lacks are "", lists are empty; `undo_action` is NULL if there is nothing to undo, `state`
// and `result` are NULL if there is none.
//   HF_DATA_LOSS  not the payload of an intent (outcome)
hf_code hf_decode_intent(const void* payload, size_t payload_bytes, hf_intent_visitor visit,
                         void* context, hf_error** error);
hf_code hf_decode_outcome(const void* payload, size_t payload_bytes, hf_outcome_visitor visit,
                          void* context, hf_error** error);

// --- appending -----------------------------------------------------------------------------------

// Records of one sandbox that are stored together or not at all, and the sandbox's state after
// them. Copies all it is given. Limits: 256 records; 1 MiB each payload, summary, snapshot and
// sealed bytes; 512 bytes each sandbox id, type and state. They are checked by the append, but for
// the sizes of bytes, which are checked when they are given.
typedef struct hf_batch hf_batch;

enum { HF_EVENT_RECORD = 1, HF_INTENT_RECORD = 2, HF_OUTCOME_RECORD = 3 };

// NULL if there is no memory or `sandbox_id` is NULL. `expected_sequence` is the sequence of the
// sandbox's last record, 0 if it has none. Until hf_batch_set_projection is called, the state is ""
// and the sandbox is live.
hf_batch* hf_batch_new(const char* sandbox_id, uint64_t expected_sequence);
// NULL is ignored. At any time: what was appended does not need it.
void hf_batch_free(hf_batch* batch);
// To append the same again, after HF_ABORTED.
hf_code hf_batch_set_expected_sequence(hf_batch* batch, uint64_t expected_sequence,
                                       hf_error** error);

// Adds a record of an event: `type` is its name, `payload` opaque.
hf_code hf_batch_add_event(hf_batch* batch, const char* type, const void* payload,
                           size_t payload_bytes, int64_t time_unix_ms, hf_error** error);
// Adds a record of an intent or an outcome.
hf_code hf_batch_add_intent(hf_batch* batch, const hf_intent* intent, int64_t time_unix_ms,
                            hf_error** error);
hf_code hf_batch_add_outcome(hf_batch* batch, const hf_outcome* outcome, int64_t time_unix_ms,
                             hf_error** error);
// The same for who has Protobuf: `kind` is HF_INTENT_RECORD or HF_OUTCOME_RECORD, `payload` a
// holdfast.journal.v1.Intent or Outcome (share/holdfast/proto).
hf_code hf_batch_add_encoded(hf_batch* batch, int32_t kind, const void* payload,
                             size_t payload_bytes, int64_t time_unix_ms, hf_error** error);

// What lists and restarts say of the sandbox after this batch: its state's name, whether something
// may still have to be done or released, and a summary of the caller's own.
hf_code hf_batch_set_projection(hf_batch* batch, const char* state, int32_t live,
                                const void* summary, size_t summary_bytes, hf_error** error);

// What the caller made of the sandbox's records up to and with this batch, in its own bytes, so
// that a start need not read them all (hf_read_live). A cache: readers see it after the next flush,
// it may be lost in a crash, and it never says more than the records do. NULL with 0 bytes: empty.
hf_code hf_batch_set_snapshot(hf_batch* batch, const void* snapshot, size_t snapshot_bytes,
                              hf_error** error);
// Replaces what is kept for the sandbox under hf_read_sealed; durable with the batch. It lies
// beside the records, so that it can be encrypted anew, and is removed for ever when the sandbox is
// no longer live. Must be ciphertext: the library does not encrypt it.
hf_code hf_batch_set_sealed(hf_batch* batch, const void* sealed, size_t sealed_bytes,
                            hf_error** error);

// What an append made. `size` is set by the caller (HF_APPENDED_INIT).
typedef struct hf_appended {
  size_t size;
  uint64_t first_position;
  uint64_t last_position;
  uint64_t last_sequence;  // expected_sequence of the next batch
} hf_appended;
// clang-format off
#define HF_APPENDED_INIT {sizeof(hf_appended), 0, 0, 0}
// clang-format on

// Appends the batch and returns when it is on the disk. `appended` may be NULL. The batch stays the
// caller's. Not in an append's callback (HF_FAILED_PRECONDITION): it would wait for itself.
//   HF_ABORTED              the sandbox's sequence is another: read and decide again
//   HF_INVALID_ARGUMENT     empty, over a limit, or an intent or outcome is malformed
//   HF_DATA_LOSS            what is stored of this sandbox is damaged; no other one is concerned
//   HF_RESOURCE_EXHAUSTED   disk full, or too many appends are waiting
//   HF_UNAVAILABLE          I/O error, or closed. Try again when hf_sound says so.
//   HF_FAILED_PRECONDITION  the journal was taken by another process: stop being a writer
// Whatever the error, nothing was written and nothing acknowledged was lost.
hf_code hf_append(hf_journal* journal, const hf_batch* batch, hf_appended* appended,
                  hf_error** error);

// `appended` is set when `code` is HF_OK, `error` when it is not; the other is NULL.
typedef void (*hf_append_callback)(void* context, hf_code code, const hf_appended* appended,
                                   const hf_error* error);

// The same without waiting: when HF_OK is returned, `done` is called exactly once, with the result,
// after the commit, on the journal's writer thread, before hf_close returns. It must not block
// there: it may call hf_append_async and read, but not what waits for a commit (hf_append,
// hf_flush, hf_replace_sealed, hf_archive, hf_expire_archives, hf_close). On any error that is
// returned, also HF_UNAVAILABLE because the journal is being closed, `done` is never called. The
// batch may be freed at once.
hf_code hf_append_async(hf_journal* journal, const hf_batch* batch, hf_append_callback done,
                        void* context, hf_error** error);

// Puts `replacement` in the place of `expected` as what is sealed for the sandbox, durably. Not in
// an append's callback. HF_ABORTED: something else is kept by now, or nothing. Else as hf_append.
hf_code hf_replace_sealed(hf_journal* journal, const char* sandbox_id, const void* expected,
                          size_t expected_bytes, const void* replacement, size_t replacement_bytes,
                          hf_error** error);

// Brings the file's tables up to the last record, durably. It happens by itself; this is for those
// who want to read them with other tools. Not in an append's callback. Errors as hf_append's.
hf_code hf_flush(hf_journal* journal, hf_error** error);

// The fencing token of this process's hold on the journal; grows with each open.
hf_code hf_epoch(hf_journal* journal, uint64_t* epoch, hf_error** error);
// False after a commit that failed, until one succeeds again; the journal tries by itself. Take no
// commands meanwhile.
hf_code hf_sound(hf_journal* journal, int32_t* sound, hf_error** error);

// Of this process's hold on the journal.
typedef struct hf_stats {
  size_t size;       // set by the caller (HF_STATS_INIT)
  uint64_t commits;  // transactions that became durable
  uint64_t batches;  // in them
  uint64_t records;  // in them
  uint64_t commits_failed;
  uint64_t batches_waiting;  // now
} hf_stats;
// clang-format off
#define HF_STATS_INIT {sizeof(hf_stats), 0, 0, 0, 0, 0}
// clang-format on
hf_code hf_read_stats(hf_journal* journal, hf_stats* stats, hf_error** error);

// --- reading -------------------------------------------------------------------------------------

// What a visitor returns. All but 0 stops; to be stopped is no error.
enum { HF_CONTINUE = 0, HF_STOP = 1 };

// A record as stored. Never changes.
typedef struct hf_record {
  size_t size;
  uint64_t position;  // in the whole journal, from 1, strictly increasing
  uint64_t sequence;  // in the sandbox, from 1, gapless
  uint64_t epoch;     // of the writer
  int64_t time_unix_ms;
  const char* sandbox_id;
  const char* type;  // name of the event's type; "StepIntended", "StepAnswered" for the others
  const void* payload;
  size_t payload_bytes;
  int32_t kind;  // HF_EVENT_RECORD, …
  int32_t reserved;
} hf_record;
typedef int32_t (*hf_record_visitor)(void* context, const hf_record* record);

// Every function below sees one consistent state of the journal, that of its start. A record whose
// checksum fails ends a call with HF_DATA_LOSS naming it.

// The sandbox's records from `from_sequence` on, in order. A sandbox without any is no error.
hf_code hf_read_sandbox(hf_reader* reader, const char* sandbox_id, uint64_t from_sequence,
                        hf_record_visitor visit, void* context, hf_error** error);
// At most `limit` records of all sandboxes with a position greater than `after`, in order.
hf_code hf_read_tail(hf_reader* reader, uint64_t after, size_t limit, hf_record_visitor visit,
                     void* context, hf_error** error);

typedef struct hf_sandbox {
  size_t size;
  uint64_t head_sequence;  // of its last record
  uint64_t head_position;
  const char* sandbox_id;
  const char* state;  // as the appender said; so are the others
  const void* summary;
  size_t summary_bytes;
  int32_t live;
  int32_t reserved;
} hf_sandbox;
typedef int32_t (*hf_sandbox_visitor)(void* context, const hf_sandbox* sandbox);

// Calls `visit` once. HF_NOT_FOUND: the sandbox has no records.
hf_code hf_find_sandbox(hf_reader* reader, const char* sandbox_id, hf_sandbox_visitor visit,
                        void* context, hf_error** error);
// At most `limit` sandboxes in the order of their ids, those after `after_id` (NULL: from the
// first on). All of them are read before the first is visited: page through a large journal.
hf_code hf_list_sandboxes(hf_reader* reader, int32_t live_only, const char* after_id, size_t limit,
                          hf_sandbox_visitor visit, void* context, hf_error** error);

// A stored snapshot of one sandbox; see hf_batch_set_snapshot.
typedef struct hf_snapshot {
  size_t size;
  uint64_t sequence;  // of the last record that it knows
  const void* bytes;
  size_t bytes_count;
} hf_snapshot;
// `snapshot` is NULL if there is none that is whole.
typedef int32_t (*hf_live_visitor)(void* context, const hf_sandbox* sandbox,
                                   const hf_snapshot* snapshot);
// All live sandboxes in the order of their first records; for a start. What came after the snapshot
// is read with hf_read_sandbox(…, snapshot->sequence + 1, …).
hf_code hf_read_live(hf_reader* reader, hf_live_visitor visit, void* context, hf_error** error);
typedef void (*hf_snapshot_visitor)(void* context, const hf_snapshot* snapshot);
// Calls `visit` once. HF_NOT_FOUND: there is none that is whole.
hf_code hf_find_snapshot(hf_reader* reader, const char* sandbox_id, hf_snapshot_visitor visit,
                         void* context, hf_error** error);
typedef void (*hf_bytes_visitor)(void* context, const void* bytes, size_t size);
// Calls `visit` once with what is sealed for the sandbox. HF_NOT_FOUND: nothing is.
hf_code hf_read_sealed(hf_reader* reader, const char* sandbox_id, hf_bytes_visitor visit,
                       void* context, hf_error** error);

// An intent under which something may still be owed.
typedef struct hf_open_intent {
  size_t size;
  uint64_t intent;    // sequence of its record; read the whole intent from there
  uint64_t position;  // of its record
  int64_t time_unix_ms;
  const char* sandbox_id;
  const char* key;
  const char* participant;
  const char* action;
} hf_open_intent;
typedef int32_t (*hf_open_intent_visitor)(void* context, const hf_open_intent* intent);
// Of one sandbox, or of all if `sandbox_id` is NULL or "", in the order of their records.
hf_code hf_list_open_intents(hf_reader* reader, const char* sandbox_id,
                             hf_open_intent_visitor visit, void* context, hf_error** error);

enum {
  HF_LEDGER_MAYBE = 1,     // intended; no outcome yet, or an unknown one
  HF_LEDGER_HELD = 2,      // made
  HF_LEDGER_RELEASED = 3,  // its undo is done: looked, and it is gone
  HF_LEDGER_GONE = 4       // found absent without having been undone, or never made
};

// A thing in the world that a sandbox holds, may hold, or held.
typedef struct hf_ledger_row {
  size_t size;
  uint64_t intent;  // sequence of the intent that made it
  int64_t since_unix_ms;
  const char* sandbox_id;
  const char* participant;
  const char* kind;
  const char* name;
  const char* handle;
  const char* key;  // idempotency key of that intent
  int32_t status;   // HF_LEDGER_MAYBE, …
  int32_t reserved;
} hf_ledger_row;
typedef int32_t (*hf_ledger_visitor)(void* context, const hf_ledger_row* row);
// Of one sandbox, or of all if `sandbox_id` is NULL or "". Only what is held or maybe, unless
// `all`.
hf_code hf_read_ledger(hf_reader* reader, const char* sandbox_id, int32_t all,
                       hf_ledger_visitor visit, void* context, hf_error** error);

// 0: the journal is empty.
hf_code hf_last_position(hf_reader* reader, uint64_t* position, hf_error** error);

// Who holds, or last held, the journal.
typedef struct hf_ownership {
  size_t size;
  uint64_t epoch;
  int64_t pid;
  int64_t since_unix_ms;
  const char* owner;
  const char* boot_id;
  int32_t held_now;
  int32_t reserved;
} hf_ownership;
typedef void (*hf_ownership_visitor)(void* context, const hf_ownership* ownership);
// Calls `visit` once.
hf_code hf_read_ownership(hf_reader* reader, hf_ownership_visitor visit, void* context,
                          hf_error** error);
// Who held the journal before this process, as it was at hf_open. Calls `visit` once.
hf_code hf_previous_ownership(hf_journal* journal, hf_ownership_visitor visit, void* context,
                              hf_error** error);

// Random name of the journal file, made when it was created: 32 hexadecimal digits and NUL.
// HF_INVALID_ARGUMENT: the buffer is smaller than HF_JOURNAL_ID_BYTES.
#define HF_JOURNAL_ID_BYTES 33
hf_code hf_journal_id(hf_reader* reader, char* buffer, size_t buffer_bytes, hf_error** error);

typedef struct hf_damage {
  size_t size;
  uint64_t position;       // 0 when unknown
  uint64_t sequence;       // 0 when unknown
  const char* sandbox_id;  // "" when it concerns the whole file
  const char* kind;        // "checksum", "chain", "gap", …
  const char* message;     // one sentence: what is wrong and what is lost
} hf_damage;
typedef int32_t (*hf_damage_visitor)(void* context, const hf_damage* damage);

typedef struct hf_verify_report {
  size_t size;       // set by the caller (HF_VERIFY_REPORT_INIT)
  uint64_t records;  // that were read
  uint64_t sandboxes;
  uint64_t damages;  // found; 0: the journal is as it was written. At most 1000 are named.
} hf_verify_report;
// clang-format off
#define HF_VERIFY_REPORT_INIT {sizeof(hf_verify_report), 0, 0, 0}
// clang-format on

enum {
  HF_VERIFY_QUICK = 1,  // what is not flushed yet, and every sandbox's row: grows with what is live
  HF_VERIFY_DEEP = 2    // every record's checksum and chain, and all projections made anew
};

// Reads the journal and compares it with itself. Damage is a result, not an error. `visit` may be
// NULL. Does not block the writer.
hf_code hf_verify(hf_reader* reader, int32_t mode, hf_damage_visitor visit, void* context,
                  hf_verify_report* report, hf_error** error);

// --- checkpoints (since version 2) ---------------------------------------------------------------

// One line that stands for all records up to `position`, or up to the last one when it is 0; kept
// where nobody who can write the journal can write, it proves later that none of them was changed.
// Reads the last record of each sandbox; whether those before it are sound, hf_verify says. Without
// a newline.
//   HF_INVALID_ARGUMENT  the journal ends before `position`, or the buffer is smaller than
//                        HF_CHECKPOINT_BYTES
//   HF_DATA_LOSS         a sandbox's last record is damaged
#define HF_CHECKPOINT_BYTES 256
hf_code hf_checkpoint(hf_reader* reader, uint64_t position, char* buffer, size_t buffer_bytes,
                      hf_error** error);

// What comes of comparing a journal with a checkpoint.
typedef struct hf_proof {
  size_t size;
  uint64_t records;  // that were read
  uint64_t sandboxes;
  uint64_t damages;     // found; at most 1000 are named
  const char* message;  // one sentence: what is proved, or what is known of why not
  int32_t holds;        // nothing up to the checkpoint's position was changed since it was made
  int32_t reserved;
} hf_proof;
typedef void (*hf_proof_visitor)(void* context, const hf_proof* proof);

// Verifies all records, as hf_verify with HF_VERIFY_DEEP, and compares them with a checkpoint's
// line. That it does not hold is a result, not an error. Calls `visit_damage`, which may be NULL,
// for each damage, then `visit` once.
//   HF_INVALID_ARGUMENT  not the line of a checkpoint
hf_code hf_verify_against(hf_reader* reader, const char* checkpoint, hf_damage_visitor visit_damage,
                          hf_proof_visitor visit, void* context, hf_error** error);

// --- the archive (since version 2) ---------------------------------------------------------------

// A sealed file of `<journal>.archive/` with whole finished sandboxes. Every reader finds what is
// in it as before.
typedef struct hf_segment {
  size_t size;
  uint64_t number;  // from 1
  uint64_t records;
  uint64_t sandboxes;
  uint64_t first_position;
  uint64_t last_position;
  int64_t sealed_unix_ms;
  const char* file;    // name within the directory
  const char* digest;  // SHA-256 of what it holds, hexadecimal
  int32_t expired;     // its file was removed by hf_expire_archives
  int32_t reserved;
} hf_segment;
typedef int32_t (*hf_segment_visitor)(void* context, const hf_segment* segment);
// All that there ever were, in the order of their numbers.
hf_code hf_list_segments(hf_reader* reader, hf_segment_visitor visit, void* context,
                         hf_error** error);

// Is told, in one sentence, why something that was due stays.
typedef int32_t (*hf_kept_visitor)(void* context, const char* why);

typedef struct hf_archive_options {
  size_t size;
  int64_t finished_before_unix_ms;     // those whose last record is older, who are not live, go
  uint64_t sandboxes_per_segment_max;  // 0: 4096; one segment is one transaction of the moves
  uint64_t records_per_segment_max;    // 0: 500000
  // Asked now and then on the calling thread, with `stop_context`; all but 0 ends early, and the
  // next run goes on. It may read and append, but not archive or expire. NULL: never.
  int32_t (*stop)(void* stop_context);
  void* stop_context;
} hf_archive_options;
// clang-format off
#define HF_ARCHIVE_OPTIONS_INIT {sizeof(hf_archive_options), 0, 0, 0, NULL, NULL}
// clang-format on

typedef struct hf_archive_report {
  size_t size;        // set by the caller (HF_ARCHIVE_REPORT_INIT)
  uint64_t segments;  // sealed by this run
  uint64_t sandboxes;
  uint64_t records;
  uint64_t kept;  // that were due and stay: what is damaged is not sealed
} hf_archive_report;
// clang-format off
#define HF_ARCHIVE_REPORT_INIT {sizeof(hf_archive_report), 0, 0, 0, 0}
// clang-format on

// Moves finished sandboxes that hold nothing into sealed segments, durably, while the journal is
// written; then goes on with what an earlier run had to leave. The calling thread does the work,
// appends wait at most for the moves; a second run waits for the first. `visit_kept` and `report`
// may be NULL. Not in an append's callback. Errors as hf_append's, and
//   HF_DATA_LOSS  a segment was not on the disk what was written into it. Nothing is lost.
// Whatever the error, and wherever the process dies: every sandbox is in the journal or in a sealed
// segment, and the next run goes on.
hf_code hf_archive(hf_journal* journal, const hf_archive_options* options,
                   hf_kept_visitor visit_kept, void* context, hf_archive_report* report,
                   hf_error** error);

// Throws away, for ever, segments of which every record is older. Not one with records of a
// sandbox that lives again, or that has others in a segment which stays. `visit_removed` is given
// those that were removed, `visit_kept` why others stay; both may be NULL. Threads and errors as
// hf_archive's.
hf_code hf_expire_archives(hf_journal* journal, int64_t older_than_unix_ms,
                           hf_segment_visitor visit_removed, hf_kept_visitor visit_kept,
                           void* context, hf_error** error);

// --- backup and restore (since version 2) --------------------------------------------------------

typedef struct hf_backup_report {
  size_t size;
  uint64_t position;  // of the last record in it
  uint64_t records;
  uint64_t sandboxes;
  uint64_t archive_files;
  const char* journal_id;
} hf_backup_report;
typedef void (*hf_backup_visitor)(void* context, const hf_backup_report* report);

// Writes all that is durable at one moment of the journal file at `journal_path`, live or not, held
// by this process or by another, to the new file `destination`, and its archive to
// `<destination>.archive/`. It gets its name when it is whole, verified and synced. Blocks for as
// long as reading all records takes; appends go on meanwhile. Calls `visit`, which may be NULL,
// once on success.
//   HF_NOT_FOUND            no journal at `journal_path`
//   HF_ALREADY_EXISTS       something is at `destination`. It is kept.
//   HF_FAILED_PRECONDITION  not a journal, or of a newer format; another backup into the same
//                           directory is under way; the archive's place holds something else
//   HF_DATA_LOSS            the journal is damaged; hf_verify says what
//   HF_UNAVAILABLE, HF_RESOURCE_EXHAUSTED   I/O error, disk full. Nothing is at `destination`.
hf_code hf_backup(const char* journal_path, const char* destination, hf_backup_visitor visit,
                  void* context, hf_error** error);

typedef struct hf_restore_options {
  size_t size;
  const char* backup;
  const char* journal_path;
  int32_t replace;   // set aside what is at `journal_path`, as `<path>.before-restore-<time>`
  int32_t reserved;  // 0
} hf_restore_options;
// clang-format off
#define HF_RESTORE_OPTIONS_INIT {sizeof(hf_restore_options), NULL, NULL, 0, 0}
// clang-format on

typedef struct hf_restore_report {
  size_t size;
  uint64_t position;  // of the last record
  uint64_t sandboxes;
  uint64_t epoch;  // from which the next writer goes on; far beyond the backup's
  const char* journal_id;
  const char* set_aside;  // where the journal that was there is now; "" when none was
} hf_restore_report;
typedef void (*hf_restore_visitor)(void* context, const hf_restore_report* report);

// Puts a copy of a backup in the place of a journal, durably, after having verified it. Close the
// journal before; readers may stay open, and see the restored one from their next call on. Calls
// `visit`, which may be NULL, once on success. What was begun after the backup is unknown to the
// restored journal: look in the world (docs/backup.md).
//   HF_NOT_FOUND            no such backup
//   HF_FAILED_PRECONDITION  the journal is held (the message says by whom); something is there and
//                           `replace` is false; the backup is no journal, of a newer format, or a
//                           journal in use
//   HF_DATA_LOSS            the backup is damaged. Nothing was changed.
//   HF_UNAVAILABLE, HF_RESOURCE_EXHAUSTED   I/O error, disk full
hf_code hf_restore(const hf_restore_options* options, hf_restore_visitor visit, void* context,
                   hf_error** error);

#ifdef __cplusplus
}
#endif

#endif  // HOLDFAST_JOURNAL_H_

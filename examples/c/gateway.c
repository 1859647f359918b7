// SPDX-License-Identifier: Apache-2.0
//
// The skeleton of a gateway in C that embeds the journal. Its sandboxes hold one thing outside: a
// lease, which is a file. Each run takes the journal, first settles what a run before it left open,
// then does what it was asked to:
//
//   gateway DIR create ID [--die-before | --die-after]    make a lease
//   gateway DIR delete ID [--die-before | --die-after]    give it up
//   gateway DIR status                                    print what is held
//   gateway DIR backup FILE                               archive what is finished, copy all of it
//
// --die-before and --die-after end the process with SIGKILL right before and right after the
// effect, when nobody has written down what came of it. Run it again, and nothing is lost or done
// twice.
#include <errno.h>
#include <fcntl.h>
#include <holdfast/journal.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct Gateway {
  const char* directory;
  const char* die;  // "--die-before", "--die-after" or NULL
  hf_journal* journal;
  hf_reader* reader;
} Gateway;

// Ends the program if a call failed.
static void Check(hf_code code, hf_error* error, const char* doing) {
  if (code == HF_OK) return;
  fprintf(stderr, "%s: %s: %s\n", doing, hf_code_name(code), hf_error_message(error));
  hf_error_free(error);
  exit(1);
}

static int64_t Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// --- the world: leases are files -----------------------------------------------------------------

static const char* LeasePath(const Gateway* gateway, const char* id) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s.lease", gateway->directory, id);
  return path;
}

static int LeaseIsThere(const Gateway* gateway, const char* id) {
  return access(LeasePath(gateway, id), F_OK) == 0;
}

// Both may be called again after a crash: the second call finds the work of the first.
static int MakeLease(const Gateway* gateway, const char* id) {
  const int file = open(LeasePath(gateway, id), O_CREAT | O_WRONLY, 0600);
  return file >= 0 && close(file) == 0;
}

static int DropLease(const Gateway* gateway, const char* id) {
  return unlink(LeasePath(gateway, id)) == 0 || errno == ENOENT;
}

static void DieIf(const Gateway* gateway, const char* moment) {
  if (gateway->die != NULL && strcmp(gateway->die, moment) == 0) raise(SIGKILL);
}

// --- the journal ---------------------------------------------------------------------------------

static int32_t OnHead(void* context, const hf_sandbox* sandbox) {
  *(uint64_t*)context = sandbox->head_sequence;
  return HF_CONTINUE;
}

// The sequence of the sandbox's last record, 0 if it has none.
static uint64_t HeadOf(const Gateway* gateway, const char* id) {
  hf_error* error = NULL;
  uint64_t head = 0;
  const hf_code code = hf_find_sandbox(gateway->reader, id, OnHead, &head, &error);
  if (code == HF_NOT_FOUND) {
    hf_error_free(error);
    return 0;
  }
  Check(code, error, "find");
  return head;
}

// Appends the batch, durably, and frees it. Returns the sequence of its last record.
static uint64_t Append(const Gateway* gateway, hf_batch* batch, const char* state, int live) {
  hf_error* error = NULL;
  hf_appended appended = HF_APPENDED_INIT;
  Check(hf_batch_set_projection(batch, state, live, NULL, 0, &error), error, "projection");
  Check(hf_append(gateway->journal, batch, &appended, &error), error, "append");
  hf_batch_free(batch);
  return appended.last_sequence;
}

// Writes down what came of an intent: that the lease is there, or that it is not.
static void Answer(const Gateway* gateway, const char* id, uint64_t intent, int32_t verdict,
                   int is_there) {
  hf_resource lease = HF_RESOURCE_INIT;
  lease.kind = "lease";
  lease.name = id;
  lease.handle = "file";
  const hf_resource* const made[] = {&lease};
  hf_outcome outcome = HF_OUTCOME_INIT;
  outcome.intent = intent;
  outcome.verdict = verdict;
  outcome.closes = 1;
  outcome.resources = made;
  outcome.resources_count = is_there ? 1 : 0;

  hf_error* error = NULL;
  hf_batch* batch = hf_batch_new(id, HeadOf(gateway, id));
  Check(hf_batch_add_outcome(batch, &outcome, Now(), &error), error, "outcome");
  Append(gateway, batch, is_there ? "Held" : "Gone", is_there);
}

static void Create(const Gateway* gateway, const char* id) {
  const uint64_t head = HeadOf(gateway, id);
  char key[600];
  snprintf(key, sizeof key, "%s/%llu/lease", id, (unsigned long long)head);
  hf_resource lease = HF_RESOURCE_INIT;
  lease.kind = "lease";
  lease.name = id;
  const hf_resource* const claims[] = {&lease};
  hf_intent intent = HF_INTENT_INIT;
  intent.name = "lease";
  intent.participant = "leases";
  intent.action = "make";
  intent.key = key;
  intent.undo_action = "drop";
  intent.undo_args = id;
  intent.undo_idempotent = 1;
  intent.claims = claims;
  intent.claims_count = 1;

  // 1. What is about to be done, and how it is undone, is on the disk …
  hf_error* error = NULL;
  hf_batch* batch = hf_batch_new(id, head);
  Check(hf_batch_add_event(batch, "Requested", NULL, 0, Now(), &error), error, "event");
  Check(hf_batch_add_intent(batch, &intent, Now(), &error), error, "intent");
  const uint64_t owed = Append(gateway, batch, "Making", 1);
  // 2. … before it is done; 3. and what came of it, after.
  DieIf(gateway, "--die-before");
  const int made = MakeLease(gateway, id);
  DieIf(gateway, "--die-after");
  Answer(gateway, id, owed, made ? HF_DONE : HF_FAILED, made);
  printf("%s %s\n", made ? "made" : "could not make", id);
}

// How an intent is undone; copied, because a visitor's strings are gone when it returns.
typedef struct Undo {
  char action[64];
  char args[600];
} Undo;

static void OnIntent(void* context, const hf_intent* intent) {
  Undo* undo = context;
  snprintf(undo->action, sizeof undo->action, "%s", intent->undo_action ? intent->undo_action : "");
  snprintf(undo->args, sizeof undo->args, "%s", intent->undo_args);
}

static int32_t OnIntentRecord(void* context, const hf_record* record) {
  hf_error* error = NULL;
  Check(hf_decode_intent(record->payload, record->payload_bytes, OnIntent, context, &error), error,
        "decode");
  return HF_STOP;  // the first record is the intent's
}

static int32_t OnLedgerRow(void* context, const hf_ledger_row* row) {
  *(uint64_t*)context = row->intent;
  return HF_CONTINUE;
}

static void Delete(const Gateway* gateway, const char* id) {
  // What holds the lease, and how it is undone, is in the journal: nothing else remembers.
  hf_error* error = NULL;
  uint64_t made_by = 0;
  Check(hf_read_ledger(gateway->reader, id, 0, OnLedgerRow, &made_by, &error), error, "ledger");
  if (made_by == 0) {
    printf("%s holds nothing\n", id);
    return;
  }
  Undo undo;
  Check(hf_read_sandbox(gateway->reader, id, made_by, OnIntentRecord, &undo, &error), error,
        "read");

  hf_intent intent = HF_INTENT_INIT;
  intent.kind = HF_UNDO;
  intent.undoes = made_by;
  intent.name = "undo lease";
  intent.participant = "leases";
  intent.action = undo.action;
  intent.args = undo.args;
  intent.idempotent = 1;
  hf_batch* batch = hf_batch_new(id, HeadOf(gateway, id));
  Check(hf_batch_add_intent(batch, &intent, Now(), &error), error, "intent");
  const uint64_t owed = Append(gateway, batch, "Dropping", 1);
  DieIf(gateway, "--die-before");
  const int dropped = DropLease(gateway, undo.args);
  DieIf(gateway, "--die-after");
  if (dropped) Answer(gateway, id, owed, HF_DONE, 0);
  printf("%s %s\n", dropped ? "dropped" : "could not drop", id);
}

// An intent without an outcome: the process died in between. Look, before anything is done.
static int32_t OnOwed(void* context, const hf_open_intent* owed) {
  const Gateway* gateway = context;
  const char* id = owed->sandbox_id;
  const int is_there = LeaseIsThere(gateway, id);
  printf("owed: %s %s: it is %s\n", owed->action, id, is_there ? "there" : "not there");
  if (strcmp(owed->action, "make") == 0) {
    Answer(gateway, id, owed->intent, is_there ? HF_PRESENT : HF_ABSENT, is_there);
  } else if (DropLease(gateway, id)) {
    Answer(gateway, id, owed->intent, HF_DONE, 0);
  }
  return HF_CONTINUE;
}

static int32_t OnHeld(void* context, const hf_ledger_row* row) {
  (void)context;
  printf("held: %s %s (%s) by %s\n", row->kind, row->name, row->handle, row->sandbox_id);
  return HF_CONTINUE;
}

static void OnBackup(void* context, const hf_backup_report* report) {
  printf("backup of %llu records: %s\n", (unsigned long long)report->records, (const char*)context);
}

// Without giving the journal up: what is finished makes room, and then all is copied.
static void Backup(const Gateway* gateway, const char* journal_path, const char* file) {
  hf_error* error = NULL;
  hf_archive_options options = HF_ARCHIVE_OPTIONS_INIT;
  options.finished_before_unix_ms = Now() + 1;  // all; a real one keeps a month or so
  hf_archive_report archived = HF_ARCHIVE_REPORT_INIT;
  Check(hf_archive(gateway->journal, &options, NULL, NULL, &archived, &error), error, "archive");
  printf("archived %llu\n", (unsigned long long)archived.sandboxes);
  Check(hf_backup(journal_path, file, OnBackup, (void*)file, &error), error, "backup");
}

int main(int argc, char** argv) {
  if (argc < 3 || (argc < 4 && strcmp(argv[2], "status") != 0)) {
    fprintf(stderr,
            "usage: %s DIR create|delete ID [--die-before|--die-after], %s DIR status, "
            "%s DIR backup FILE\n",
            argv[0], argv[0], argv[0]);
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);  // what was printed survives SIGKILL
  Gateway gateway = {argv[1], argc > 4 ? argv[4] : NULL, NULL, NULL};
  mkdir(gateway.directory, 0700);

  char path[4096];
  snprintf(path, sizeof path, "%s/journal.db", gateway.directory);
  hf_options options = HF_OPTIONS_INIT;
  options.path = path;
  options.owner = "example-gateway";
  options.create = 1;
  hf_error* error = NULL;
  uint64_t epoch = 0;
  Check(hf_open(&options, &gateway.journal, &error), error, "open");
  Check(hf_journal_reader(gateway.journal, &gateway.reader, &error), error, "reader");
  Check(hf_epoch(gateway.journal, &epoch, &error), error, "epoch");
  printf("epoch %llu\n", (unsigned long long)epoch);

  Check(hf_list_open_intents(gateway.reader, NULL, OnOwed, &gateway, &error), error, "owed");
  if (strcmp(argv[2], "create") == 0) {
    Create(&gateway, argv[3]);
  } else if (strcmp(argv[2], "delete") == 0) {
    Delete(&gateway, argv[3]);
  } else if (strcmp(argv[2], "backup") == 0) {
    Backup(&gateway, path, argv[3]);
  } else {
    Check(hf_read_ledger(gateway.reader, NULL, 0, OnHeld, NULL, &error), error, "ledger");
  }
  Check(hf_close(gateway.journal, &error), error, "close");
  return 0;
}

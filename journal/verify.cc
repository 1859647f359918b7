// SPDX-License-Identifier: Apache-2.0
//
// Quick looks at what a restart would read. Deep makes two passes. The first reads all records in
// the order of the file, which is cheap, and checks what each can be checked for alone. The second
// follows each sandbox's back pointers and checks what ties records together: chain, sequence,
// head, and the projections folded anew.
#include "journal/verify.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "journal/canonical.h"
#include "journal/ledger.h"
#include "journal/ownership.h"
#include "journal/prepared.h"
#include "journal/verify_segments.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr std::size_t kDamagesMax = 1'000;
// A position this far beyond its predecessor is a changed number, and not worth the memory to note
// it: a bit for each position is kept.
constexpr std::uint64_t kPositionGapMax = std::uint64_t{1} << 28;
constexpr char kIntentFacts[] =
    "SELECT intent, kind, undoes\n"
    "FROM open_intents\n"
    "WHERE sandbox = ?1";

class Verifier {
 public:
  Verifier(JournalView& connection, Hasher hasher)
      : connection_(connection), hasher_(std::move(hasher)) {}

  absl::StatusOr<VerifyReport> Quick() {
    if (absl::Status status = CheckLive(); !status.ok()) {
      HF_RETURN_IF_ERROR(NameUnreadable(status, 0, "sandboxes"));
    }
    if (absl::Status status = CheckTail(); !status.ok()) {
      HF_RETURN_IF_ERROR(NameUnreadable(status, connection_.tail().flushed() + 1, "records"));
    }
    HF_RETURN_IF_ERROR(CheckSegments(VerifyMode::kQuick));
    return std::move(report_);
  }

  absl::StatusOr<VerifyReport> Deep() {
    HF_RETURN_IF_ERROR(CheckTrees());
    HF_RETURN_IF_ERROR(CheckSegments(VerifyMode::kDeep));
    if (absl::Status status = ScanRecords(); !status.ok()) {
      HF_RETURN_IF_ERROR(NameUnreadable(status, last_scanned_ + 1, "records"));
    }
    if (absl::Status status = WalkSandboxes(); !status.ok()) {
      HF_RETURN_IF_ERROR(NameUnreadable(status, 0, "sandboxes"));
    }
    HF_RETURN_IF_ERROR(FindUnreached());
    HF_RETURN_IF_ERROR(CheckPending());
    HF_RETURN_IF_ERROR(FindStrayRows());
    return std::move(report_);
  }

 private:
  void Name(std::string kind, std::string sandbox_id, std::uint64_t position,
            std::uint64_t sequence, std::string message) {
    if (report_.damages.size() >= kDamagesMax) return;
    report_.damages.push_back(Damage{.sandbox_id = std::move(sandbox_id),
                                     .position = position,
                                     .sequence = sequence,
                                     .kind = std::move(kind),
                                     .message = std::move(message)});
  }

  // Bytes that SQLite itself cannot read are a finding; a disk that does not answer is an error.
  absl::Status NameUnreadable(const absl::Status& status, std::uint64_t position,
                              std::string_view what) {
    if (!absl::IsDataLoss(status)) return status;
    Name("sqlite", "", position, 0,
         fmt::format("the table of {} cannot be read on from here: {}", what,
                     std::string(status.message())));
    return absl::OkStatus();
  }

  absl::Status CheckTrees() {
    HF_ASSIGN_OR_RETURN(Statement check,
                        connection_.database().Prepare("PRAGMA integrity_check(100)"));
    while (true) {
      const absl::StatusOr<bool> row = check.Step();
      if (!row.ok()) return NameUnreadable(row.status(), 0, "pages");
      if (!*row) return absl::OkStatus();
      if (check.Bytes(0) != "ok") Name("sqlite", "", 0, 0, std::string(check.Bytes(0)));
    }
  }

  // Before the records: those of a segment that cannot be read are left out of what follows, and
  // their loss is one finding and not one for each.
  absl::Status CheckSegments(VerifyMode mode) {
    SegmentVerifier segments(
        connection_, [this](const std::string& message) { Name("segment", "", 0, 0, message); });
    const absl::Status status =
        mode == VerifyMode::kQuick ? segments.Quick() : segments.Deep(absent_);
    return status.ok() ? status : NameUnreadable(status, 0, "segments");
  }

  absl::Status ScanRecords() {
    HF_ASSIGN_OR_RETURN(const Ownership ownership, ReadOwnership(connection_.database()));
    std::uint64_t epoch = 0;
    std::uint64_t missing = 0;
    HF_RETURN_IF_ERROR(connection_.Scan(0, INT64_MAX, [&](const StoredRecord& stored) {
      const Record& record = stored.record;
      missing += NoteGap(record.position);
      ++report_.records;
      if (record.position - last_scanned_ <= kPositionGapMax) {
        last_scanned_ = record.position;
        present_.resize(record.position + 1);
        present_[record.position] = true;
      }
      if (!CheckAlone(stored)) return Visit::kContinue;
      if (record.epoch < epoch || record.epoch > ownership.epoch) {
        Name("order", record.sandbox_id, record.position, record.sequence,
             fmt::format("its epoch {} is out of order", record.epoch));
      } else {
        epoch = record.epoch;
      }
      return Visit::kContinue;
    }));
    // A last record that is missing from the journal itself is missed by its sandbox.
    if (absent_.records > 0 && last_scanned_ < connection_.tail().flushed()) {
      missing += NoteGap(connection_.tail().flushed() + 1);
    }
    const bool as_many = missing <= absent_.records && missing + absent_.unsure >= absent_.records;
    if (!as_many && absent_.records > 0) {
      Name("missing", "", 0, 0,
           fmt::format("{} records are missing where {} went with segments that are not there",
                       missing, absent_.records));
    }
    return absl::OkStatus();
  }

  // How many records are missing before `position`. Named, unless they can be those of a segment
  // that expired or cannot be read.
  std::uint64_t NoteGap(std::uint64_t position) {
    if (position == last_scanned_ + 1) return 0;
    if (!absent_.Covers(last_scanned_ + 1, position - 1)) {
      Name("missing", "", last_scanned_ + 1, 0,
           fmt::format("the records at positions {} to {} are missing", last_scanned_ + 1,
                       position - 1));
    }
    return position - last_scanned_ - 1;
  }

  absl::Status CheckLive() {
    return connection_.ForEachSandbox(
        /*live_only=*/true,
        [&](const JournalView::SandboxKeys& sandbox,
            std::string_view wrong) -> absl::StatusOr<Visit> {
          ++report_.sandboxes;
          const std::string& id = sandbox.row.sandbox_id;
          if (!wrong.empty()) Name("projection", id, 0, 0, std::string(wrong));
          HF_RETURN_IF_ERROR(CheckSnapshot(sandbox));
          HF_ASSIGN_OR_RETURN(const auto head,
                              connection_.ReadRecord(sandbox.row.head_position, id));
          if (!head.has_value() || !head->sound || head->sandbox != sandbox.key ||
              head->record.sequence != sandbox.row.head_sequence) {
            Name(head.has_value() ? "checksum" : "missing", id, sandbox.row.head_position,
                 sandbox.row.head_sequence,
                 fmt::format("its last record, {}, is {}", sandbox.row.head_sequence,
                             head.has_value() ? "not what it was" : "missing"));
          }
          return Visit::kContinue;
        });
  }

  absl::Status CheckTail() {
    return connection_.Scan(connection_.tail().flushed(), SIZE_MAX,
                            [&](const StoredRecord& stored) {
                              ++report_.records;
                              CheckAlone(stored);
                              return Visit::kContinue;
                            });
  }

  // What a record can be checked for without its neighbours.
  bool CheckAlone(const StoredRecord& stored) {
    const Record& record = stored.record;
    if (record.sandbox_id.empty()) {
      Name("missing", "", record.position, record.sequence,
           fmt::format("the row that names sandbox {} is missing", stored.sandbox));
    } else if (!stored.sound) {
      Name("checksum", record.sandbox_id, record.position, record.sequence,
           fmt::format("the checksum of record {} fails: it was changed", record.sequence));
    } else {
      return true;
    }
    return false;
  }

  absl::Status CheckSnapshot(const JournalView::SandboxKeys& sandbox) {
    const absl::Status status = connection_.FindSnapshot(sandbox).status();
    if (!absl::IsDataLoss(status)) return status;
    Name("snapshot", sandbox.row.sandbox_id, 0, 0,
         "the checksum of its snapshot fails: it is not used, and nothing is lost");
    return absl::OkStatus();
  }

  absl::Status WalkSandboxes() {
    reached_.resize(present_.size());
    HF_ASSIGN_OR_RETURN(intent_facts_, connection_.database().Prepare(kIntentFacts));
    return connection_.ForEachSandbox(
        /*live_only=*/false,
        [&](const JournalView::SandboxKeys& sandbox,
            std::string_view wrong) -> absl::StatusOr<Visit> {
          ++report_.sandboxes;
          if (sandbox.row.head_position == 0) {
            Name("missing", sandbox.row.sandbox_id, 0, 0, std::string(wrong));
            broken_.insert(sandbox.key);
            return Visit::kContinue;
          }
          if (!wrong.empty()) Name("projection", sandbox.row.sandbox_id, 0, 0, std::string(wrong));
          HF_RETURN_IF_ERROR(CheckSnapshot(sandbox));
          HF_RETURN_IF_ERROR(WalkOne(sandbox));
          return Visit::kContinue;
        });
  }

  absl::Status WalkOne(const JournalView::SandboxKeys& sandbox) {
    const std::string& id = sandbox.row.sandbox_id;
    auto positions = connection_.WalkBack(sandbox, 1);
    if (!positions.ok()) {
      if (!absl::IsDataLoss(positions.status())) return positions.status();
      Name("gap", id, 0, 0, std::string(positions.status().message()));
      broken_.insert(sandbox.key);
      return absl::OkStatus();
    }
    LedgerFold fold;
    Hash previous = kChainStart;
    bool readable = true;
    for (auto position = positions->rbegin(); position != positions->rend(); ++position) {
      HF_ASSIGN_OR_RETURN(const auto stored, connection_.ReadRecord(*position, id));
      if (!stored.has_value()) return absl::DataLossError("a record vanished from the snapshot");
      if (*position < reached_.size()) reached_[*position] = true;
      const Record& record = stored->record;
      // A record whose checksum fails is named already, and its chain fails with it.
      if (stored->sound && hasher_.Link(previous, stored->View()) != stored->hash) {
        Name("chain", id, *position, record.sequence,
             fmt::format(
                 "record {} does not follow from its predecessor: one of the two was changed",
                 record.sequence));
      }
      previous = stored->hash;
      readable = readable && stored->sound && Fold(*stored, fold);
    }
    // Without every intent and outcome there is nothing to compare the projections with.
    return readable ? CompareProjections(sandbox, fold) : absl::OkStatus();
  }

  bool Fold(const StoredRecord& stored, LedgerFold& fold) {
    const Record& record = stored.record;
    const absl::StatusOr<Meaning> meaning =
        ParseMeaning(record.kind, record.sequence, record.payload);
    bool folded = meaning.ok();
    if (folded && meaning->intent != nullptr) {
      fold.Apply(record.sequence, record.position, record.time_unix_ms, *meaning->intent);
    } else if (folded && meaning->outcome != nullptr) {
      folded = fold.Apply(record.time_unix_ms, *meaning->outcome);
    }
    if (!folded) {
      Name("payload", record.sandbox_id, record.position, record.sequence,
           fmt::format("record {} is no intent or outcome that can be read", record.sequence));
    }
    return folded;
  }

  absl::Status CompareProjections(const JournalView::SandboxKeys& sandbox, const LedgerFold& fold) {
    const std::string& id = sandbox.row.sandbox_id;
    HF_ASSIGN_OR_RETURN(const std::vector<OpenIntent> intents, connection_.ListOpenIntents(id));
    const bool same_intents =
        std::equal(intents.begin(), intents.end(), fold.open_intents().begin(),
                   fold.open_intents().end(), [](const OpenIntent& stored, const auto& folded) {
                     const OpenIntent& other = folded.second;
                     return std::tie(stored.intent, stored.position, stored.key, stored.participant,
                                     stored.action, stored.time_unix_ms) ==
                            std::tie(other.intent, other.position, other.key, other.participant,
                                     other.action, other.time_unix_ms);
                   });
    HF_ASSIGN_OR_RETURN(const bool same_facts, SameFacts(sandbox.key, fold));
    if (!same_intents || !same_facts) {
      Name("projection", id, 0, 0,
           fmt::format("its {} open intents are not the {} that follow from its records",
                       intents.size(), fold.open_intents().size()));
    }
    HF_ASSIGN_OR_RETURN(const std::vector<LedgerRow> rows, connection_.ReadLedger(id, true));
    const bool same_rows = std::equal(
        rows.begin(), rows.end(), fold.rows().begin(), fold.rows().end(),
        [](const LedgerRow& stored, const auto& folded) {
          const LedgerRow& other = folded.second;
          return std::tie(stored.participant, stored.kind, stored.name, stored.handle,
                          stored.status, stored.intent, stored.key, stored.since_unix_ms) ==
                 std::tie(other.participant, other.kind, other.name, other.handle, other.status,
                          other.intent, other.key, other.since_unix_ms);
        });
    if (!same_rows) {
      Name("projection", id, 0, 0,
           fmt::format("its {} ledger rows are not the {} that follow from its records",
                       rows.size(), fold.rows().size()));
    }
    return absl::OkStatus();
  }

  // What the writer decides by when an outcome comes.
  absl::StatusOr<bool> SameFacts(std::uint64_t sandbox, const LedgerFold& fold) {
    const ResetOnExit reset(intent_facts_);
    intent_facts_.Bind(1, sandbox);
    bool same = true;
    while (true) {
      HF_ASSIGN_OR_RETURN(const bool row, intent_facts_.Step());
      if (!row) return same;
      const auto facts = fold.facts().find(intent_facts_.Unsigned(0));
      same = same && facts != fold.facts().end() &&
             intent_facts_.Integer(1) ==
                 (facts->second.undo ? v1::Intent::UNDO : v1::Intent::FORWARD) &&
             intent_facts_.Unsigned(2) == facts->second.undoes;
    }
  }

  // Records that no head leads to, of sandboxes whose chain is not known to be broken.
  absl::Status FindUnreached() {
    if (present_ == reached_) return absl::OkStatus();
    const absl::Status status = connection_.Scan(0, INT64_MAX, [&](const StoredRecord& stored) {
      const Record& record = stored.record;
      const bool reached = record.position >= reached_.size() || reached_[record.position];
      if (!reached && !record.sandbox_id.empty() && !broken_.contains(stored.sandbox)) {
        Name("gap", record.sandbox_id, record.position, record.sequence,
             fmt::format("record {} is not reached from the sandbox's head", record.sequence));
      }
      return Visit::kContinue;
    });
    // What cannot be read was named by the first pass.
    return absl::IsDataLoss(status) ? absl::OkStatus() : status;
  }

  absl::Status CheckPending() {
    constexpr char kPending[] =
        "SELECT p.position, p.sandbox, p.checksum, p.live, p.id, p.state, p.summary, r.sandbox\n"
        "FROM pending AS p\n"
        "LEFT JOIN records AS r ON r.position = p.position";
    HF_ASSIGN_OR_RETURN(Statement pending, connection_.database().Prepare(kPending));
    while (true) {
      const absl::StatusOr<bool> row = pending.Step();
      if (!row.ok()) return NameUnreadable(row.status(), 0, "pending");
      if (!*row) return absl::OkStatus();
      const std::uint32_t checksum =
          RowChecksum(pending.Unsigned(1), pending.Integer(3) != 0, pending.Bytes(4),
                      pending.Bytes(5), pending.Bytes(6));
      if (pending.Unsigned(2) != checksum || pending.Unsigned(7) != pending.Unsigned(1) ||
          pending.Unsigned(0) <= connection_.tail().flushed()) {
        Name("projection", std::string(pending.Bytes(4)), pending.Unsigned(0), 0,
             "what was said of it with this record was changed, or belongs to none");
      }
    }
  }

  absl::Status FindStrayRows() {
    constexpr std::pair<const char*, const char*> kQueries[] = {
        {"heads",
         "SELECT DISTINCT sandbox\nFROM heads\nWHERE sandbox NOT IN (SELECT key FROM sandboxes)"},
        {"open_intents",
         "SELECT DISTINCT sandbox\nFROM open_intents\n"
         "WHERE sandbox NOT IN (SELECT key FROM sandboxes)"},
        {"ledger",
         "SELECT DISTINCT sandbox\nFROM ledger\nWHERE sandbox NOT IN (SELECT key FROM sandboxes)"},
        {"snapshots",
         "SELECT sandbox\nFROM snapshots\nWHERE sandbox NOT IN (SELECT key FROM sandboxes)"},
        {"sealed", "SELECT sandbox\nFROM sealed\nWHERE sandbox NOT IN (SELECT key FROM sandboxes)"},
    };
    for (const auto& [table, query] : kQueries) {
      HF_ASSIGN_OR_RETURN(Statement stray, connection_.database().Prepare(query));
      while (true) {
        const absl::StatusOr<bool> row = stray.Step();
        if (!row.ok()) {
          HF_RETURN_IF_ERROR(NameUnreadable(row.status(), 0, table));
          break;
        }
        if (!*row) break;
        if (connection_.tail().Find(stray.Unsigned(0)) != nullptr) continue;
        Name("projection", "", stray.Unsigned(0), 0,
             fmt::format("`{}` has rows of sandbox {}, which has no row that names it", table,
                         stray.Unsigned(0)));
      }
    }
    return absl::OkStatus();
  }

  JournalView& connection_;
  Hasher hasher_;
  Statement intent_facts_;
  VerifyReport report_;
  std::uint64_t last_scanned_ = 0;
  std::vector<bool> present_;  // by position
  std::vector<bool> reached_;  // by position
  std::set<std::uint64_t> broken_;
  AbsentRecords absent_;
};

}  // namespace

absl::StatusOr<VerifyReport> Verify(JournalView& view, VerifyMode mode) {
  HF_ASSIGN_OR_RETURN(Hasher hasher, Hasher::Create());
  Verifier verifier(view, std::move(hasher));
  return mode == VerifyMode::kQuick ? verifier.Quick() : verifier.Deep();
}

}  // namespace holdfast::journal

// SPDX-License-Identifier: Apache-2.0
#include "journal/segment.h"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>

#include "fmt/format.h"
#include "journal/files.h"
#include "journal/schema.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr std::string_view kPrefix = "segment-";
constexpr std::string_view kSuffix = ".hfj";
constexpr std::string_view kDraftSuffix = ".new";
// Of the digest, in a name: 32 bits.
constexpr std::size_t kNameDigits = 8;
constexpr char kSelectMeta[] =
    "SELECT value\n"
    "FROM meta\n"
    "WHERE name = ?1";

std::string_view View(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

void Put(std::uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

void PutText(std::string_view text, std::string& out) {
  Put(text.size(), 4, out);
  out.append(text);
}

absl::Status Expect(Database& segment, std::string_view name, std::string_view value) {
  HF_ASSIGN_OR_RETURN(Statement meta, segment.Prepare(kSelectMeta));
  HF_ASSIGN_OR_RETURN(const bool found, meta.BindText(1, name).Step());
  if (found && meta.Bytes(0) == value) return absl::OkStatus();
  return absl::DataLossError(fmt::format("its {} is \"{}\", not \"{}\"", name,
                                         found ? std::string(meta.Bytes(0)) : "", value));
}

// That it is a whole segment, as far as its header and size tell, and of this journal.
absl::Status CheckMarks(Database& database, const std::string& path,
                        const std::string& journal_id) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return absl::UnavailableError(strerror(errno));
  }
  HF_ASSIGN_OR_RETURN(const std::string mark, database.QueryText("PRAGMA application_id"));
  if (mark != std::to_string(kSegmentApplicationId)) {
    return absl::DataLossError("it is no archive segment");
  }
  HF_ASSIGN_OR_RETURN(const std::string pages, database.QueryText("PRAGMA page_count"));
  const std::string whole = fmt::format("{}", status.st_size / kPageBytes);
  if (pages != whole || status.st_size % kPageBytes != 0) {
    return absl::DataLossError(
        fmt::format("it has {} bytes where {} pages should be", status.st_size, pages));
  }
  return Expect(database, "journal_id", journal_id);
}

absl::StatusOr<std::unique_ptr<ReadConnection>> OpenFile(const std::string& path,
                                                         const std::string& journal_id) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return absl::DataLossError("the file is missing");
    return absl::UnavailableError(strerror(errno));
  }
  HF_ASSIGN_OR_RETURN(std::unique_ptr<ReadConnection> connection, ReadConnection::Open(path));
  HF_RETURN_IF_ERROR(connection->Begin());
  HF_RETURN_IF_ERROR(CheckMarks(connection->database(), path, journal_id));
  return connection;
}

// Of one sandbox, as far as the records were read.
struct Chain {
  SegmentPart part;
  Hash hash{};
};

class ContentReader {
 public:
  ContentReader(ReadConnection& segment, const StopFunction& stop, Hasher hasher)
      : segment_(segment), stop_(stop), hasher_(std::move(hasher)) {}

  absl::StatusOr<SegmentContent> Read() {
    HF_RETURN_IF_ERROR(CheckTrees());
    HF_RETURN_IF_ERROR(segment_.Scan(0, INT64_MAX, [&](const StoredRecord& stored) {
      Add(stored);
      stopped_ = stopped_ || (content_.records % kStopRecords == 0 && Asked(stop_));
      return stopped_ ? Visit::kStop : Visit::kContinue;
    }));
    if (stopped_ || Asked(stop_)) return absl::CancelledError("asked to stop");
    HF_RETURN_IF_ERROR(ReadRows());
    if (content_.parts.size() != chains_.size()) {
      Wrong("it has records of a sandbox without a row");
    }
    content_.digest = SegmentDigest(hasher_, content_.parts);
    HF_RETURN_IF_ERROR(CompareMark("digest", content_.digest));
    HF_RETURN_IF_ERROR(CompareMark("newest_unix_ms", std::to_string(content_.newest_unix_ms)));
    return std::move(content_);
  }

 private:
  void Wrong(std::string what) {
    if (content_.wrong.empty()) content_.wrong = std::move(what);
  }

  // With what the segment says of itself.
  absl::Status CompareMark(std::string_view name, const std::string& value) {
    const absl::Status same = Expect(segment_.database(), name, value);
    if (same.ok() || !absl::IsDataLoss(same)) return same;
    Wrong(std::string(same.message()));
    return absl::OkStatus();
  }

  absl::Status CheckTrees() {
    HF_ASSIGN_OR_RETURN(const std::string checked,
                        segment_.database().QueryText("PRAGMA integrity_check(1)"));
    return checked == "ok" ? absl::OkStatus() : absl::DataLossError(checked);
  }

  void Add(const StoredRecord& stored) {
    const Record& record = stored.record;
    if (content_.records++ == 0) content_.first_position = record.position;
    content_.last_position = record.position;
    content_.newest_unix_ms = content_.records == 1
                                  ? record.time_unix_ms
                                  : std::max(content_.newest_unix_ms, record.time_unix_ms);
    if (!stored.sound) {
      Wrong(fmt::format("the checksum of the record at position {} fails", record.position));
    }
    const auto [found, first] = chains_.try_emplace(stored.sandbox);
    Chain& chain = found->second;
    // What the first of a later part follows from is in an earlier segment.
    const bool follows = first ? stored.sandbox == record.position || stored.previous != 0
                               : stored.previous == chain.part.position &&
                                     record.sequence == chain.part.sequence + 1 &&
                                     stored.hash == hasher_.Link(chain.part.hash, stored.View());
    const bool begins = first && stored.previous == 0;
    if (!follows || (begins && (record.sequence != 1 ||
                                stored.hash != hasher_.Link(kChainStart, stored.View())))) {
      Wrong(fmt::format("the record at position {} does not follow from its predecessor",
                        record.position));
    }
    chain.part.key = stored.sandbox;
    chain.part.position = record.position;
    chain.part.sequence = record.sequence;
    chain.part.hash = stored.hash;
    ++chain.part.records;
  }

  absl::Status ReadRows() {
    HF_ASSIGN_OR_RETURN(Statement ledger, segment_.database().Prepare(kSelectLedger));
    return segment_.ForEachSandbox(
        /*live_only=*/false, /*after_key=*/0,
        [&](const ReadConnection::SandboxKeys& sandbox,
            std::string_view wrong) -> absl::StatusOr<Visit> {
          const std::string& id = sandbox.row.sandbox_id;
          if (!wrong.empty()) Wrong(fmt::format("sandbox \"{}\": {}", id, wrong));
          const auto chain = chains_.find(sandbox.key);
          if (chain == chains_.end() || sandbox.row.projection.live ||
              chain->second.part.position != sandbox.row.head_position ||
              chain->second.part.sequence != sandbox.row.head_sequence) {
            Wrong(fmt::format("sandbox \"{}\": its row is not what its records say", id));
          }
          if (chain != chains_.end()) {
            chain->second.part.id = id;
            content_.parts.push_back(chain->second.part);
          }
          const ResetOnExit reset(ledger);
          ledger.Bind(1, sandbox.key);
          while (true) {
            HF_ASSIGN_OR_RETURN(const bool row, ledger.Step());
            if (!row) return Visit::kContinue;
            LinkLedgerRow(hasher_, sandbox.key, ledger, content_.ledger);
          }
        });
  }

  ReadConnection& segment_;
  const StopFunction& stop_;
  Hasher hasher_;
  bool stopped_ = false;
  SegmentContent content_;
  std::map<std::uint64_t, Chain> chains_;
};

}  // namespace

std::string ArchiveOf(const std::string& path) { return path + ".archive"; }

std::string SegmentName(std::uint64_t number, std::string_view digest) {
  return fmt::format("{}{:06}-{}{}", kPrefix, number, std::string(digest.substr(0, kNameDigits)),
                     kSuffix);
}

std::string DraftName(std::uint64_t number) {
  return fmt::format("{}{:06}{}", kPrefix, number, kDraftSuffix);
}

std::optional<std::uint64_t> SegmentNumber(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  if (name.ends_with(kDraftSuffix)) {
    name.remove_suffix(kDraftSuffix.size());
  } else {
    if (!name.ends_with(kSuffix)) return std::nullopt;
    name.remove_suffix(kSuffix.size());
    const std::size_t dash = name.find('-');
    if (dash == std::string_view::npos || name.size() != dash + 1 + kNameDigits ||
        name.find_first_not_of("0123456789abcdef", dash + 1) != std::string_view::npos) {
      return std::nullopt;
    }
    name = name.substr(0, dash);
  }
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) return std::nullopt;
  return number;
}

bool IsDraft(std::string_view name) {
  return name.ends_with(kDraftSuffix) && SegmentNumber(name).has_value();
}

absl::StatusOr<std::vector<std::string>> ListSegmentFiles(const std::string& archive) {
  HF_ASSIGN_OR_RETURN(std::vector<std::string> names, ListFiles(archive));
  std::erase_if(names, [](const std::string& name) {
    return !SegmentNumber(name).has_value() || IsDraft(name);
  });
  return names;
}

std::int64_t Fingerprint(Hasher& hasher, std::string_view sandbox_id) {
  const Hash hash = hasher.Of(sandbox_id);
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | hash[static_cast<std::size_t>(i)];
  return static_cast<std::int64_t>(value);
}

std::string SegmentDigest(Hasher& hasher, const std::vector<SegmentPart>& parts) {
  std::string bytes;
  for (const SegmentPart& part : parts) {
    Put(part.key, 8, bytes);
    PutText(part.id, bytes);
    Put(part.sequence, 8, bytes);
    bytes.append(View(part.hash));
    Put(part.records, 8, bytes);
  }
  return ToHex(View(hasher.Of(bytes)));
}

void LinkLedgerRow(Hasher& hasher, std::uint64_t sandbox, const Statement& row, Hash& hash) {
  std::string bytes;
  Put(sandbox, 8, bytes);
  for (const int text : {0, 1, 2, 3, 6}) PutText(row.Bytes(text), bytes);
  for (const int number : {4, 5, 7}) Put(row.Unsigned(number), 8, bytes);
  hash = hasher.Link(hash, bytes);
}

absl::StatusOr<std::unique_ptr<ReadConnection>> OpenSegment(const std::string& archive,
                                                            const std::string& journal_id,
                                                            const Segment& segment) {
  const std::string path = fmt::format("{}/{}", archive, segment.file);
  auto connection = OpenFile(path, journal_id);
  absl::Status checked = connection.status();
  if (checked.ok()) {
    checked = Expect((*connection)->database(), "segment", std::to_string(segment.number));
  }
  if (checked.ok()) checked = Expect((*connection)->database(), "digest", segment.digest);
  if (!checked.ok()) return InSegment(path, checked);
  return connection;
}

absl::StatusOr<std::unique_ptr<ReadConnection>> OpenStray(const std::string& archive,
                                                          const std::string& journal_id,
                                                          const std::string& name) {
  auto connection = OpenFile(fmt::format("{}/{}", archive, name), journal_id);
  if (!connection.ok()) return InSegment(name, connection.status());
  return connection;
}

absl::StatusOr<SegmentContent> ReadSegment(ReadConnection& segment, const StopFunction& stop) {
  HF_ASSIGN_OR_RETURN(Hasher hasher, Hasher::Create());
  return ContentReader(segment, stop, std::move(hasher)).Read();
}

absl::Status Matches(const SegmentContent& content, const Segment& segment) {
  if (!content.wrong.empty()) return absl::DataLossError(content.wrong);
  const bool same =
      std::tie(content.digest, content.records, content.first_position, content.last_position) ==
          std::tie(segment.digest, segment.records, segment.first_position,
                   segment.last_position) &&
      content.parts.size() == segment.sandboxes;
  return same ? absl::OkStatus() : absl::DataLossError("it does not hold what was sealed");
}

absl::Status InSegment(std::string_view file, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      fmt::format("archive segment {}: {}", file, std::string(status.message())));
}

}  // namespace holdfast::journal

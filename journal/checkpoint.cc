// SPDX-License-Identifier: Apache-2.0
#include "journal/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kDigestDigits = 64;

std::vector<std::string_view> Words(std::string_view line) {
  constexpr std::string_view kSpaces = " \t\r\n";
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t start = line.find_first_not_of(kSpaces);
    if (start == std::string_view::npos) return words;
    const std::size_t end = std::min(line.find_first_of(kSpaces, start), line.size());
    words.push_back(line.substr(start, end - start));
    line.remove_prefix(end);
  }
}

bool IsHex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool ParseNumber(std::string_view text, std::uint64_t& number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

// Why sandboxes may be missing although nobody did anything wrong; empty when there is no reason.
absl::StatusOr<std::string> Expired(Reader& reader) {
  HF_ASSIGN_OR_RETURN(const std::vector<Segment> segments, reader.ListSegments());
  const auto expired = std::count_if(segments.begin(), segments.end(),
                                     [](const Segment& segment) { return segment.expired; });
  if (expired == 0) return "";
  return fmt::format(
      "; {} segments of the archive were removed because they had grown old: if the checkpoint "
      "counted sandboxes in them, it can be proved no more",
      expired);
}

// Empty when the two are the same, else what is known of the difference.
std::string Difference(const Checkpoint& checkpoint, const Checkpoint& now,
                       const VerifyReport& verified) {
  if (now.digest == checkpoint.digest && now.sandboxes == checkpoint.sandboxes) return "";
  const std::string counts = now.sandboxes == checkpoint.sandboxes
                                 ? ""
                                 : fmt::format(" ({} sandboxes, where the checkpoint counted {})",
                                               now.sandboxes, checkpoint.sandboxes);
  return fmt::format("the records up to position {} are not those of the checkpoint{}: {}",
                     checkpoint.position, counts,
                     verified.ok() ? "every chain holds, so one was rewritten to its end; which, a "
                                     "digest of all cannot tell"
                                   : "the damages tell where");
}

}  // namespace

std::string FormatCheckpoint(const Checkpoint& checkpoint) {
  return fmt::format("{} {} {} {} {}", kCheckpointMark, checkpoint.journal_id, checkpoint.position,
                     checkpoint.sandboxes, checkpoint.digest);
}

absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view line) {
  const std::vector<std::string_view> words = Words(line);
  Checkpoint checkpoint;
  if (words.size() != 5 || words[0] != kCheckpointMark || !IsHex(words[1], kIdDigits) ||
      !ParseNumber(words[2], checkpoint.position) || !ParseNumber(words[3], checkpoint.sandboxes) ||
      !IsHex(words[4], kDigestDigits)) {
    return absl::InvalidArgumentError(fmt::format(
        "not a checkpoint, which is \"{} JOURNAL-ID POSITION SANDBOXES DIGEST\"", kCheckpointMark));
  }
  checkpoint.journal_id = std::string(words[1]);
  checkpoint.digest = std::string(words[4]);
  return checkpoint;
}

absl::StatusOr<CheckpointProof> Prove(Reader& reader, const Checkpoint& checkpoint) {
  CheckpointProof proof;
  HF_ASSIGN_OR_RETURN(proof.verified, reader.Verify(VerifyMode::kDeep));
  if (reader.journal_id() != checkpoint.journal_id) {
    proof.message = fmt::format("the checkpoint is of another journal, {}; this one is {}",
                                checkpoint.journal_id, reader.journal_id());
    return proof;
  }
  const absl::StatusOr<Checkpoint> now = reader.MakeCheckpoint(checkpoint.position);
  if (absl::IsOutOfRange(now.status())) {
    HF_ASSIGN_OR_RETURN(const std::uint64_t last, reader.LastPosition());
    proof.message = fmt::format(
        "the checkpoint was made at position {}, and the journal ends at {}: it was cut, or an "
        "older copy was put in its place",
        checkpoint.position, last);
    return proof;
  }
  if (absl::IsDataLoss(now.status())) {
    proof.message =
        fmt::format("the checkpoint cannot be compared: {}", std::string(now.status().message()));
    return proof;
  }
  HF_RETURN_IF_ERROR(now.status());
  proof.message = Difference(checkpoint, *now, proof.verified);
  if (!proof.message.empty()) {
    HF_ASSIGN_OR_RETURN(const std::string expired, Expired(reader));
    proof.message += expired;
    return proof;
  }
  if (!proof.verified.ok()) {
    proof.message = fmt::format(
        "the last records up to position {} are those of the checkpoint, but the damages say that "
        "something was changed",
        checkpoint.position);
    return proof;
  }
  proof.holds = true;
  proof.message = fmt::format("nothing up to position {} was changed since the checkpoint was made",
                              checkpoint.position);
  return proof;
}

}  // namespace holdfast::journal

// SPDX-License-Identifier: Apache-2.0
#include "journal/rotation.h"

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <utility>

#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr std::size_t kPage = 512;
constexpr std::size_t kFailedNamed = 100;

using Visitor =
    std::function<absl::StatusOr<Visit>(const std::string& sandbox_id, std::string box)>;

absl::Status ForEachBox(Reader& reader, const Visitor& visit) {
  std::string after;
  for (;;) {
    HF_ASSIGN_OR_RETURN(const std::vector<SandboxRow> page,
                        reader.ListSandboxes(/*live_only=*/true, after, kPage));
    for (const SandboxRow& row : page) {
      auto box = reader.ReadSealed(row.sandbox_id);
      // One damaged sandbox keeps no other from its new key: its box is one that cannot be opened.
      if (absl::IsDataLoss(box.status())) box = std::optional<std::string>("");
      HF_RETURN_IF_ERROR(box.status());
      if (!box->has_value()) continue;
      HF_ASSIGN_OR_RETURN(const Visit next, visit(row.sandbox_id, **std::move(box)));
      if (next == Visit::kStop) return absl::OkStatus();
    }
    if (page.size() < kPage) return absl::OkStatus();
    after = page.back().sandbox_id;
  }
}

// True when it was replaced. Errors of the box are its own; those of the
// journal are in `journal`.
absl::StatusOr<bool> ResealOne(Journal& journal, const Sealer& sealer,
                               const std::string& sandbox_id, const std::string& box,
                               absl::Status& journal_status) {
  HF_ASSIGN_OR_RETURN(const std::string key, KeyIdOf(box));
  if (key == sealer.current_key_id()) return false;
  const std::string context = SealContext(journal.reader().journal_id(), sandbox_id);
  HF_ASSIGN_OR_RETURN(const support::SecretBytes plaintext, sealer.Open(box, context));
  HF_ASSIGN_OR_RETURN(std::string anew, sealer.Seal(plaintext.Reveal(), context));
  const absl::Status replaced = journal.ReplaceSealed(sandbox_id, box, std::move(anew));
  // Somebody else was faster: it is deleted, or was sealed anew by its own
  // create.
  if (absl::IsAborted(replaced)) return false;
  if (absl::IsDataLoss(replaced)) return replaced;
  journal_status = replaced;
  return replaced.ok();
}

}  // namespace

absl::StatusOr<BoxesByKey> CountBoxes(Reader& reader) {
  BoxesByKey count;
  HF_RETURN_IF_ERROR(
      ForEachBox(reader, [&](const std::string&, std::string box) -> absl::StatusOr<Visit> {
        const absl::StatusOr<std::string> key = KeyIdOf(box);
        key.ok() ? ++count.boxes[*key] : ++count.damaged;
        return Visit::kContinue;
      }));
  return count;
}

absl::StatusOr<Resealed> ResealBoxes(Journal& journal, const Sealer& sealer,
                                     const std::function<bool()>& go_on) {
  Resealed report;
  const auto visit = [&](const std::string& id, std::string box) -> absl::StatusOr<Visit> {
    if (!go_on()) return Visit::kStop;
    ++report.boxes;
    absl::Status journal_status;
    const absl::StatusOr<bool> replaced = ResealOne(journal, sealer, id, box, journal_status);
    HF_RETURN_IF_ERROR(journal_status);
    if (!replaced.ok()) {
      ++report.failures;
      if (report.failed.size() < kFailedNamed) {
        report.failed.push_back(
            fmt::format("{}: {}", id, std::string(replaced.status().message())));
      }
    } else if (*replaced) {
      ++report.resealed;
    }
    return Visit::kContinue;
  };
  HF_RETURN_IF_ERROR(ForEachBox(journal.reader(), visit));
  return report;
}

}  // namespace holdfast::journal

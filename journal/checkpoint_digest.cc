// SPDX-License-Identifier: Apache-2.0
#include "journal/checkpoint_digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "journal/checkpoint.h"
#include "support/check.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

absl::StatusOr<HeadAt> FindHead(JournalView& connection, const JournalView::SandboxKeys& sandbox,
                                std::uint64_t position) {
  const std::string& id = sandbox.row.sandbox_id;
  std::uint64_t at = sandbox.row.head_position;
  std::uint64_t sequence = sandbox.row.head_sequence;
  while (true) {
    HF_ASSIGN_OR_RETURN(const std::optional<StoredRecord> stored, connection.ReadRecord(at, id));
    if (!stored.has_value() || !stored->sound || stored->sandbox != sandbox.key ||
        stored->record.sequence != sequence) {
      return absl::DataLossError(fmt::format("sandbox \"{}\": record {} at position {} is {}", id,
                                             sequence, at,
                                             stored.has_value() ? "not what it was" : "missing"));
    }
    if (at <= position) {
      return HeadAt{.key = sandbox.key, .id = id, .sequence = sequence, .hash = stored->hash};
    }
    if (stored->previous >= at || sequence == 1) {
      return absl::DataLossError(fmt::format(
          "sandbox \"{}\": record {} at position {} does not lead back", id, sequence, at));
    }
    at = stored->previous;
    --sequence;
  }
}

class Digest {
 public:
  static absl::StatusOr<Digest> Create() {
    Digest digest;
    digest.context_.reset(EVP_MD_CTX_new());
    if (digest.context_ == nullptr ||
        EVP_DigestInit_ex2(digest.context_.get(), EVP_sha256(), nullptr) != 1) {
      return absl::UnavailableError("the crypto library offers no SHA-256");
    }
    return digest;
  }

  void Add(std::string_view bytes) {
    HF_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  // Little-endian.
  void AddNumber(std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
    Add(text);
  }
  std::string Finish() {
    Hash hash;
    HF_CHECK(EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) == 1);
    return ToHex(std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  Digest() = default;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

absl::Status CollectHeads(JournalView& connection, std::uint64_t position,
                          std::vector<HeadAt>& heads) {
  return connection.ForEachSandbox(
      /*live_only=*/false,
      [&](const JournalView::SandboxKeys& sandbox,
          std::string_view wrong) -> absl::StatusOr<Visit> {
        if (sandbox.key > position) return Visit::kStop;  // in the order of the keys
        if (!wrong.empty()) {
          return absl::DataLossError(
              fmt::format("sandbox \"{}\": {}", sandbox.row.sandbox_id, std::string(wrong)));
        }
        HF_ASSIGN_OR_RETURN(HeadAt head, FindHead(connection, sandbox, position));
        heads.push_back(std::move(head));
        return Visit::kContinue;
      });
}

absl::StatusOr<Checkpoint> DigestHeads(std::string journal_id, std::uint64_t position,
                                       std::vector<HeadAt> heads) {
  std::sort(heads.begin(), heads.end(),
            [](const HeadAt& left, const HeadAt& right) { return left.key < right.key; });
  HF_ASSIGN_OR_RETURN(Digest digest, Digest::Create());
  digest.Add(kCheckpointMark);
  digest.Add("\n");
  digest.Add(journal_id);
  digest.AddNumber(position, 8);
  for (const HeadAt& head : heads) {
    digest.AddNumber(head.key, 8);
    digest.AddNumber(head.id.size(), 4);
    digest.Add(head.id);
    digest.AddNumber(head.sequence, 8);
    digest.Add(std::string_view(reinterpret_cast<const char*>(head.hash.data()), head.hash.size()));
  }
  return Checkpoint{.journal_id = std::move(journal_id),
                    .position = position,
                    .sandboxes = heads.size(),
                    .digest = digest.Finish()};
}

}  // namespace holdfast::journal

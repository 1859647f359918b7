// SPDX-License-Identifier: Apache-2.0
//
// Little-endian, lengths before bytes; nothing is optional, so no two records have the same bytes.
#include "journal/canonical.h"

#include <libdeflate.h>
#include <openssl/evp.h>

#include <cstring>

#include "absl/status/status.h"
#include "support/check.h"

namespace holdfast::journal {
namespace {

template <typename Integer>
void PutInteger(Integer value, std::string& bytes) {
  char buffer[sizeof(Integer)];
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    buffer[i] = static_cast<char>((static_cast<std::uint64_t>(value) >> (8 * i)) & 0xff);
  }
  bytes.append(buffer, sizeof(Integer));
}

void PutText(std::string_view text, std::string& bytes) {
  PutInteger(static_cast<std::uint32_t>(text.size()), bytes);
  bytes.append(text);
}

// Gathers small fields, so that what takes the bytes is called seldom and large ones are not
// copied.
template <typename Take>
class Pieces {
 public:
  explicit Pieces(Take& take) : take_(take) {}

  template <typename Integer>
  void PutInteger(Integer value) {
    if (sizeof(buffer_) - used_ < sizeof(Integer)) Flush();
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
      buffer_[used_ + i] = static_cast<char>((static_cast<std::uint64_t>(value) >> (8 * i)) & 0xff);
    }
    used_ += sizeof(Integer);
  }

  void PutText(std::string_view text) {
    PutInteger(static_cast<std::uint32_t>(text.size()));
    if (text.size() > sizeof(buffer_) - used_) {
      Flush();
      take_(text);
    } else if (!text.empty()) {
      std::memcpy(buffer_ + used_, text.data(), text.size());
      used_ += text.size();
    }
  }

  void Flush() {
    take_(std::string_view(buffer_, used_));
    used_ = 0;
  }

 private:
  Take& take_;
  std::size_t used_ = 0;
  char buffer_[192];  // all but the payload of most records
};

// Gives the canonical bytes to `take`, one piece after the other.
template <typename Take>
void ForEachPiece(const RecordView& record, Take take) {
  Pieces<Take> pieces(take);
  pieces.PutInteger(record.position);
  pieces.PutInteger(record.previous);
  pieces.PutInteger(record.sequence);
  pieces.PutInteger(record.epoch);
  pieces.PutInteger(record.time_unix_ms);
  pieces.PutInteger(static_cast<std::uint8_t>(record.kind));
  pieces.PutText(record.sandbox_id);
  pieces.PutText(record.type);
  pieces.PutText(record.payload);
  pieces.Flush();
}

}  // namespace

void AppendCanonical(const RecordView& record, std::string& bytes) {
  ForEachPiece(record, [&bytes](std::string_view piece) { bytes.append(piece); });
}

std::uint32_t Checksum(std::string_view bytes) {
  return libdeflate_crc32(0, bytes.data(), bytes.size());
}

std::uint32_t Checksum(const RecordView& record) {
  std::uint32_t checksum = 0;
  ForEachPiece(record, [&checksum](std::string_view piece) {
    checksum = libdeflate_crc32(checksum, piece.data(), piece.size());
  });
  return checksum;
}

std::uint32_t RowChecksum(std::uint64_t key, bool live, std::string_view id, std::string_view state,
                          std::string_view summary) {
  std::string bytes;
  bytes.reserve(32 + id.size() + state.size() + summary.size());
  PutInteger(key, bytes);
  PutInteger(static_cast<std::uint8_t>(live ? 1 : 0), bytes);
  PutText(id, bytes);
  PutText(state, bytes);
  PutText(summary, bytes);
  return Checksum(bytes);
}

std::uint32_t SnapshotChecksum(std::string_view id, std::uint64_t sequence,
                               std::string_view snapshot) {
  std::string bytes;
  bytes.reserve(16 + id.size() + snapshot.size());
  PutText(id, bytes);
  PutInteger(sequence, bytes);
  PutText(snapshot, bytes);
  return Checksum(bytes);
}

void Hasher::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }
void Hasher::Free::operator()(evp_md_st* algorithm) const { EVP_MD_free(algorithm); }

absl::StatusOr<Hasher> Hasher::Create() {
  Hasher hasher;
  hasher.algorithm_.reset(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  hasher.context_.reset(EVP_MD_CTX_new());
  if (hasher.algorithm_ == nullptr || hasher.context_ == nullptr ||
      EVP_DigestInit_ex2(hasher.context_.get(), hasher.algorithm_.get(), nullptr) != 1) {
    return absl::UnavailableError("the crypto library offers no SHA-256");
  }
  return hasher;
}

Hash Hasher::Link(const Hash& previous, std::string_view canonical) {
  Hash hash;
  unsigned int length = 0;
  // Re-initialising a context that worked once allocates nothing and cannot fail.
  HF_CHECK(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
  HF_CHECK(EVP_DigestUpdate(context_.get(), previous.data(), previous.size()) == 1);
  HF_CHECK(EVP_DigestUpdate(context_.get(), canonical.data(), canonical.size()) == 1);
  HF_CHECK(EVP_DigestFinal_ex(context_.get(), hash.data(), &length) == 1);
  HF_CHECK(length == hash.size());
  return hash;
}

Hash Hasher::Link(const Hash& previous, const RecordView& record) {
  Hash hash;
  HF_CHECK(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
  HF_CHECK(EVP_DigestUpdate(context_.get(), previous.data(), previous.size()) == 1);
  ForEachPiece(record, [this](std::string_view piece) {
    HF_CHECK(EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) == 1);
  });
  HF_CHECK(EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) == 1);
  return hash;
}

Hash Hasher::Of(std::string_view bytes) {
  Hash hash;
  HF_CHECK(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
  HF_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  HF_CHECK(EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) == 1);
  return hash;
}

std::string ToHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    text.push_back(kDigits[(static_cast<unsigned char>(byte) >> 4) & 0xf]);
    text.push_back(kDigits[static_cast<unsigned char>(byte) & 0xf]);
  }
  return text;
}

}  // namespace holdfast::journal

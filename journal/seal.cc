// SPDX-License-Identifier: Apache-2.0
#include "journal/seal.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
static_assert(kSealOverheadBytesMax == 2 + kKeyIdBytesMax + kNonceBytes + kTagBytes);

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(char* text) { return reinterpret_cast<unsigned char*>(text); }
int Size(std::string_view text) { return static_cast<int>(text.size()); }

// The parts of a box; they point into it.
struct Parts {
  std::string_view header;  // version, length and id
  std::string_view key_id;
  std::string_view nonce;
  std::string_view ciphertext;
  std::string_view tag;
};

absl::Status Damaged() {
  return absl::DataLossError(
      "what was sealed is damaged, or was sealed for another sandbox or journal");
}

absl::StatusOr<Parts> Split(std::string_view box) {
  if (box.size() < 2 || box[0] != kVersion) return Damaged();
  const std::size_t id_bytes = static_cast<unsigned char>(box[1]);
  const std::size_t fixed = 2 + id_bytes + kNonceBytes + kTagBytes;
  if (box.size() < fixed || box.size() > kBoxBytesMax) return Damaged();
  Parts parts;
  parts.header = box.substr(0, 2 + id_bytes);
  parts.key_id = parts.header.substr(2);
  if (!IsKeyId(parts.key_id)) return Damaged();
  parts.nonce = box.substr(parts.header.size(), kNonceBytes);
  parts.ciphertext = box.substr(parts.header.size() + kNonceBytes, box.size() - fixed);
  parts.tag = box.substr(box.size() - kTagBytes);
  return parts;
}

// Begins, with key, nonce and additional data given. Null: OpenSSL would not.
Cipher Begin(const Key& key, std::string_view nonce, std::string_view header,
             std::string_view context, bool encrypt) {
  Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool begun =
      cipher != nullptr &&
      EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.bytes.data(), Bytes(nonce),
                        encrypt ? 1 : 0) == 1 &&
      EVP_CipherUpdate(cipher.get(), nullptr, &length, Bytes(header), Size(header)) == 1 &&
      (context.empty() ||
       EVP_CipherUpdate(cipher.get(), nullptr, &length, Bytes(context), Size(context)) == 1);
  return begun ? std::move(cipher) : nullptr;
}

}  // namespace

std::string SealContext(std::string_view journal_id, std::string_view sandbox_id) {
  // Lengths in front, so that no two pairs give one text.
  return fmt::format("holdfast sealed {}:{} {}:{}", journal_id.size(), journal_id,
                     sandbox_id.size(), sandbox_id);
}

absl::StatusOr<std::string> KeyIdOf(std::string_view box) {
  HF_ASSIGN_OR_RETURN(const Parts parts, Split(box));
  return std::string(parts.key_id);
}

absl::StatusOr<std::unique_ptr<Sealer>> Sealer::FromKeyFile(const std::string& path) {
  HF_ASSIGN_OR_RETURN(Keys keys, ReadKeyFile(path));
  return std::unique_ptr<Sealer>(new Sealer(std::move(keys)));
}

std::vector<std::string> Sealer::key_ids() const {
  std::vector<std::string> ids;
  for (const auto& key : keys_) ids.push_back(key->id);
  return ids;
}

absl::StatusOr<std::string> Sealer::Seal(std::string_view plaintext,
                                         std::string_view context) const {
  if (plaintext.size() > kSealedPlaintextBytesMax) {
    return absl::InvalidArgumentError(
        fmt::format("what is to be sealed has {} bytes; at most {} are allowed", plaintext.size(),
                    kSealedPlaintextBytesMax));
  }
  const Key& key = *keys_.front();
  std::string box = {kVersion, static_cast<char>(key.id.size())};
  box += key.id;
  const std::size_t header = box.size();
  const std::size_t body = header + kNonceBytes;
  box.resize(body + plaintext.size() + kTagBytes);
  if (RAND_bytes(Bytes(box.data() + header), kNonceBytes) != 1) {
    return absl::UnavailableError("no random bytes are to be had, so nothing can be sealed");
  }
  const std::string_view whole = box;
  const Cipher cipher =
      Begin(key, whole.substr(header, kNonceBytes), whole.substr(0, header), context, true);
  int length = 0;
  const bool sealed =
      cipher != nullptr &&
      (plaintext.empty() || EVP_EncryptUpdate(cipher.get(), Bytes(box.data() + body), &length,
                                              Bytes(plaintext), Size(plaintext)) == 1) &&
      EVP_EncryptFinal_ex(cipher.get(), Bytes(box.data() + body + plaintext.size()), &length) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                          box.data() + body + plaintext.size()) == 1;
  if (!sealed) return absl::InternalError("OpenSSL could not seal");
  return box;
}

absl::StatusOr<support::SecretBytes> Sealer::Open(std::string_view box,
                                                  std::string_view context) const {
  HF_ASSIGN_OR_RETURN(const Parts parts, Split(box));
  const auto key = std::find_if(keys_.begin(), keys_.end(),
                                [&](const auto& one) { return one->id == parts.key_id; });
  if (key == keys_.end()) {
    return absl::FailedPreconditionError(
        fmt::format("it was sealed with the key {}, which the key file does not have; put that key "
                    "back into it",
                    parts.key_id));
  }
  const Cipher cipher = Begin(**key, parts.nonce, parts.header, context, false);
  if (cipher == nullptr) return absl::InternalError("OpenSSL could not open");
  // As long as what was read, so a box from a hostile hand costs no more than it weighs. Given to
  // nobody before the tag was found right.
  support::SecretBytes plaintext(parts.ciphertext.size());
  std::string tag(parts.tag);
  int length = 0;
  const bool opened =
      (parts.ciphertext.empty() ||
       EVP_DecryptUpdate(cipher.get(), Bytes(plaintext.data()), &length, Bytes(parts.ciphertext),
                         Size(parts.ciphertext)) == 1) &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Bytes(plaintext.data() + plaintext.size()), &length) == 1;
  if (!opened) return Damaged();
  return plaintext;
}

}  // namespace holdfast::journal

// SPDX-License-Identifier: Apache-2.0
//
// Sealing: what must be kept and must not be readable in the journal becomes a box that only the
// holder of the key file opens. A box says which key it needs and nothing else; it opens under the
// context for which it was made and under no other, so it cannot be moved.
//
// A box, byte for byte (lengths in bytes):
//
//   1   version, 1
//   1   length of the key's id, n
//   n   the key's id
//   12  nonce, random
//   …   ciphertext, as long as the plaintext
//   16  tag
//
// AES-256-GCM by OpenSSL. Additional data: version, length and id as above, then the context. With
// random nonces a key is good for 2^32 boxes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "journal/key_file.h"
#include "support/secret_bytes.h"

namespace holdfast::journal {

// What a journal stores of one sandbox's box (Batch::sealed).
inline constexpr std::size_t kBoxBytesMax = Limits{}.payload_bytes_max;
// By how much a box is longer than its plaintext, at most: so much is left for a key with the
// longest id, to which a box may come with a rotation.
inline constexpr std::size_t kSealOverheadBytesMax = 2 + kKeyIdBytesMax + 12 + 16;
// Whatever is sealed can be stored.
inline constexpr std::size_t kSealedPlaintextBytesMax = kBoxBytesMax - kSealOverheadBytesMax;

// What a sandbox's box in a journal is sealed for: it opens as this sandbox's in this journal only.
std::string SealContext(std::string_view journal_id, std::string_view sandbox_id);

// The id of the key that the box needs, unproved. DataLoss: it is not a box.
absl::StatusOr<std::string> KeyIdOf(std::string_view box);

// Thread-safe; constant after construction.
class Sealer {
 public:
  // Errors: see ReadKeyFile.
  static absl::StatusOr<std::unique_ptr<Sealer>> FromKeyFile(const std::string& path);

  // Seals with the current key. Errors: InvalidArgument  over the limit.
  //                                     Unavailable      no random bytes.
  absl::StatusOr<std::string> Seal(std::string_view plaintext, std::string_view context) const;
  // Errors: FailedPrecondition  needs a key that the key file does not have; the message names it
  //         DataLoss            damaged, or sealed for another context. Which is not said.
  absl::StatusOr<support::SecretBytes> Open(std::string_view box, std::string_view context) const;

  const std::string& current_key_id() const { return keys_.front()->id; }
  // The current one first.
  std::vector<std::string> key_ids() const;

 private:
  explicit Sealer(Keys keys) : keys_(std::move(keys)) {}

  Keys keys_;
};

}  // namespace holdfast::journal

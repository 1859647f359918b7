// SPDX-License-Identifier: Apache-2.0
//
// The file with the keys that seal what is secret (journal/seal.h). It lies outside the journal, so
// that neither the journal nor a copy of it opens anything. Text, one key per line:
//
//   # comment
//   2026-11-22-9f3a 6f1c…(32 bytes in hexadecimal or base64)
//
// The first key is the current one: it seals. The others open what was sealed before them.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::journal {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kKeyIdBytesMax =
    32;  // shorter than any key, so that none passes for an id

// One key. Wiped when it goes; never copied.
struct Key {
  Key() = default;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key();

  std::string id;
  std::array<unsigned char, kKeyBytes> bytes{};
};

// The current one first; at least one.
using Keys = std::vector<std::unique_ptr<Key>>;

// 1 to 32 of A-Z, a-z, 0-9, '.', '_', '-'.
bool IsKeyId(std::string_view id);

// Errors, none of which shows any of a key:
//   NotFound            no such file
//   FailedPrecondition  not a regular file of our own user with mode 0600 or 0400
//   InvalidArgument     no keys, or a line that is not one: the message names file and line
//   Unavailable         cannot be read
absl::StatusOr<Keys> ReadKeyFile(const std::string& path);

// Puts a new random key before the others, so that it is the current one; makes the file (mode
// 0600) when there is none. Atomic and durable: the file is as before or as after, whenever we die;
// `<path>.new`, its draft, may be left over then and is used by the next. Waits while another
// process adds one.
// Errors: AlreadyExists      the file has a key of this id
//         InvalidArgument    not an id
//         ResourceExhausted  disk full
//         else as above
absl::Status AddKey(const std::string& path, const std::string& id);

}  // namespace holdfast::journal

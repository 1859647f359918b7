// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with a request by itself, said in one sentence before anything is journaled or
// asked of anybody. All pure; all errors are InvalidArgument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "statemachine/model/secrets.h"
#include "statemachine/model/spec.h"

namespace holdfast::gateway {

inline constexpr std::size_t kRequestIdBytesMax = 128;
inline constexpr std::size_t kNameBytesMax = 253;  // a DNS name
inline constexpr std::size_t kEntriesMax = 1024;   // of environment, labels, command
inline constexpr std::size_t kSpecBytesMax = 512
                                             << 10;  // half a journal record: the rest is its plan
inline constexpr std::size_t kSecretBytesMax = 64 << 10;
inline constexpr std::int64_t kGraceMsMax = 3'600'000;
inline constexpr std::size_t kNoteBytesMax = 1024;

absl::Status CheckSandboxId(std::string_view id);
absl::Status CheckRequestId(std::string_view request_id);
absl::Status CheckWorkspace(std::string_view workspace);
absl::Status CheckGrace(std::int64_t grace_ms);
absl::Status CheckNote(std::string_view note);
absl::Status CheckSecrets(const model::Secrets& secrets);
absl::Status CheckSpec(const model::SandboxSpec& spec);

}  // namespace holdfast::gateway

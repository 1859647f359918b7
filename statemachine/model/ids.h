// SPDX-License-Identifier: Apache-2.0
//
// Strong identifiers. An id of one kind never converts to another, so that a sequence cannot be
// passed where a position is meant. Plain values: copy, compare, hash and print them.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::model {

// A number that is only comparable with its own kind.
template <typename Tag>
struct NumberId {
  std::uint64_t value = 0;
  friend auto operator<=>(const NumberId&, const NumberId&) = default;
  explicit operator bool() const { return value != 0; }
  template <typename H>
  friend H AbslHashValue(H h, const NumberId& id) {
    return H::combine(std::move(h), id.value);
  }
};

// A text that is only comparable with its own kind.
template <typename Tag>
struct TextId {
  std::string value;
  friend auto operator<=>(const TextId&, const TextId&) = default;
  bool empty() const { return value.empty(); }
  template <typename H>
  friend H AbslHashValue(H h, const TextId& id) {
    return H::combine(std::move(h), id.value);
  }
};

// The stable name a control plane gave a workload. See IsValidSandboxId.
using SandboxId = TextId<struct SandboxIdTag>;
// Counts the operations of one sandbox from 1, over all its generations; never reused.
using OperationId = NumberId<struct OperationIdTag>;
// Names an intent within its sandbox: the sequence of the record that wrote it.
using IntentId = NumberId<struct IntentIdTag>;
// Counts the records of one sandbox from 1, without gaps.
using Sequence = NumberId<struct SequenceTag>;
// The fencing token of the process that owns the journal; grows at every open.
using Epoch = NumberId<struct EpochTag>;
// The operation id of the create that made the present incarnation of a sandbox id. A sandbox id
// may be used again after its sandbox was deleted; the generation tells the two apart.
using Generation = NumberId<struct GenerationTag>;

// Milliseconds since the Unix epoch, UTC. The core never reads a clock: every time reaches it as
// one of these inside an input, and is journaled with the event it caused.
struct UnixMillis {
  std::int64_t value = 0;
  friend auto operator<=>(const UnixMillis&, const UnixMillis&) = default;
};

// True for 1 to 128 characters of [A-Za-z0-9._-], except "." and "..". The rule is that of the
// OpenShell VM driver, so that an id is a safe file name, label value and container name part.
bool IsValidSandboxId(std::string_view id);

}  // namespace holdfast::model

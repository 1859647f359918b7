// SPDX-License-Identifier: Apache-2.0
//
// The plaintext of a box: the sandbox's generation (8 bytes), then for each
// secret its name and its value, each as its length (4 bytes) and its bytes.
// Numbers are little-endian. Not Protobuf, whose messages leave copies behind
// that nobody wipes. The box's version (journal/seal.h) is its own.
#include "statemachine/engine/vault.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "support/secret_bytes.h"
#include "support/status_macros.h"

namespace holdfast::engine {
namespace {

using support::SecretBytes;

constexpr std::size_t kGenerationBytes = 8;
constexpr std::size_t kLengthBytes = 4;

void PutNumber(std::uint64_t number, std::size_t bytes, char*& out) {
  for (std::size_t i = 0; i < bytes; ++i) *out++ = static_cast<char>(number >> (8 * i));
}

void PutText(std::string_view text, char*& out) {
  PutNumber(text.size(), kLengthBytes, out);
  out = std::copy(text.begin(), text.end(), out);
}

std::optional<std::uint64_t> TakeNumber(std::string_view& in, std::size_t bytes) {
  if (in.size() < bytes) return std::nullopt;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    number |= std::uint64_t{static_cast<unsigned char>(in[i])} << (8 * i);
  }
  in.remove_prefix(bytes);
  return number;
}

std::optional<std::string_view> TakeText(std::string_view& in) {
  const std::optional<std::uint64_t> size = TakeNumber(in, kLengthBytes);
  if (!size || *size > in.size()) return std::nullopt;
  const std::string_view text = in.substr(0, *size);
  in.remove_prefix(*size);
  return text;
}

SecretBytes Encode(model::Generation generation, const model::Secrets& secrets) {
  std::size_t size = kGenerationBytes;
  for (const auto& [name, value] : secrets.values()) {
    size += 2 * kLengthBytes + name.size() + value.size();
  }
  SecretBytes plaintext(size);
  char* out = plaintext.data();
  PutNumber(generation.value, kGenerationBytes, out);
  for (const auto& [name, value] : secrets.values()) {
    PutText(name, out);
    PutText(value.Reveal(), out);
  }
  return plaintext;
}

// nullopt: not ours, or of another incarnation of the sandbox.
std::optional<model::Secrets> Decode(model::Generation generation, std::string_view plaintext) {
  if (TakeNumber(plaintext, kGenerationBytes) != generation.value) return std::nullopt;
  model::Secrets::Values values;
  while (!plaintext.empty()) {
    const std::optional<std::string_view> name = TakeText(plaintext);
    if (!name) return std::nullopt;
    const std::optional<std::string_view> value = TakeText(plaintext);
    if (!value) return std::nullopt;
    values.insert_or_assign(std::string(*name), SecretBytes::CopyOf(*value));
  }
  return model::Secrets(std::move(values));
}

}  // namespace

std::string Vault::ContextOf(const model::Sandbox& sandbox) const {
  return journal::SealContext(journal_.reader().journal_id(), sandbox.id.value);
}

absl::StatusOr<std::string> Vault::Seal(const model::Sandbox& sandbox,
                                        const model::Secrets& secrets) const {
  return sealer_->Seal(Encode(sandbox.generation, secrets).Reveal(), ContextOf(sandbox));
}

absl::StatusOr<model::Secrets> Vault::Open(const model::Sandbox& sandbox) const {
  if (sealer_ == nullptr) {
    return absl::FailedPreconditionError(
        "the request's secrets were not kept over the restart, because no key "
        "file is configured "
        "(journal.key_file)");
  }
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> box,
                      journal_.reader().ReadSealed(sandbox.id.value));
  if (!box) {
    return absl::NotFoundError(
        "the request's secrets are not in the journal: "
        "no key file was configured when it was "
        "accepted");
  }
  const absl::StatusOr<SecretBytes> plaintext = sealer_->Open(*box, ContextOf(sandbox));
  if (!plaintext.ok()) {
    return absl::Status(plaintext.status().code(),
                        fmt::format("the request's secrets cannot be opened: {}",
                                    std::string(plaintext.status().message())));
  }
  std::optional<model::Secrets> secrets = Decode(sandbox.generation, plaintext->Reveal());
  if (!secrets) {
    return absl::DataLossError(
        "the request's secrets cannot be opened: what "
        "was sealed belongs to another incarnation of "
        "the sandbox");
  }
  return *std::move(secrets);
}

}  // namespace holdfast::engine

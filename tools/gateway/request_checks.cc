// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/request_checks.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <string>

#include "statemachine/model/ids.h"
#include "support/status_macros.h"

namespace holdfast::gateway {
namespace {

constexpr std::size_t kShownBytesMax = 64;  // of a bad value in a message

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, kShownBytesMax));
  std::replace_if(shown.begin(), shown.end(), IsControl, '?');
  return shown;
}

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(fmt::format(format, std::forward<Args>(args)...));
}

// A Kubernetes label or environment name: what every backend can carry.
bool IsName(std::string_view name, std::size_t bytes_max) {
  return !name.empty() && name.size() <= bytes_max && IsAlnum(name.front()) &&
         IsAlnum(name.back()) && std::all_of(name.begin(), name.end(), [](char c) {
           return IsAlnum(c) || c == '-' || c == '_' || c == '.';
         });
}

bool IsLabelKey(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return IsName(key, 63);
  return IsName(key.substr(0, slash), 253) && IsName(key.substr(slash + 1), 63);
}

bool IsEnvironmentName(std::string_view name) {
  return !name.empty() && name.size() <= 256 && (IsAlnum(name[0]) || name[0] == '_') &&
         !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), [](char c) {
           return IsAlnum(c) || c == '_' || c == '.' || c == '-';
         });
}

absl::Status CheckText(std::string_view field, std::string_view value) {
  if (value.size() > kNameBytesMax) {
    return Invalid("{} has {} bytes; at most {} are allowed", field, value.size(), kNameBytesMax);
  }
  if (std::any_of(value.begin(), value.end(), IsControl)) {
    return Invalid("{} has a control character", field);
  }
  return absl::OkStatus();
}

absl::Status CheckJsonObject(std::string_view field, const std::string& text) {
  if (text.empty()) return absl::OkStatus();
  google::protobuf::Struct object;
  if (!google::protobuf::util::JsonStringToMessage(text, &object).ok()) {
    return Invalid("{} is not a JSON object", field);
  }
  return absl::OkStatus();
}

absl::Status CheckCount(std::string_view field, std::size_t count) {
  if (count <= kEntriesMax) return absl::OkStatus();
  return Invalid("{} has {} entries; at most {} are allowed", field, count, kEntriesMax);
}

std::size_t BytesOf(const model::SandboxSpec& spec) {
  std::size_t bytes = spec.driver_config.size() + spec.platform_config.size();
  for (const std::string& argument : spec.command) bytes += argument.size();
  for (const auto& [name, value] : spec.environment) bytes += name.size() + value.size();
  for (const auto& [name, value] : spec.labels) bytes += name.size() + value.size();
  return bytes;
}

}  // namespace

absl::Status CheckSandboxId(std::string_view id) {
  if (id.empty()) return Invalid("sandbox_id is empty; it must name the sandbox");
  if (!model::IsValidSandboxId(id)) {
    return Invalid(
        "sandbox_id \"{}\" is not allowed; use 1 to 128 of the characters A-Z a-z 0-9 . _ -",
        Shown(id));
  }
  return absl::OkStatus();
}

absl::Status CheckRequestId(std::string_view request_id) {
  if (request_id.size() > kRequestIdBytesMax) {
    return Invalid("request_id has {} bytes; at most {} are allowed", request_id.size(),
                   kRequestIdBytesMax);
  }
  if (std::any_of(request_id.begin(), request_id.end(), IsControl)) {
    return Invalid("request_id has a control character");
  }
  return absl::OkStatus();
}

absl::Status CheckWorkspace(std::string_view workspace) {
  if (workspace.empty() || IsName(workspace, kNameBytesMax)) return absl::OkStatus();
  return Invalid(
      "workspace \"{}\" is not allowed; use letters, digits and . _ - inside, at most {}",
      Shown(workspace), kNameBytesMax);
}

absl::Status CheckGrace(std::int64_t grace_ms) {
  if (grace_ms >= 0 && grace_ms <= kGraceMsMax) return absl::OkStatus();
  return Invalid("grace_ms is {}; it must be from 0 to {}", grace_ms, kGraceMsMax);
}

absl::Status CheckNote(std::string_view note) {
  if (note.size() <= kNoteBytesMax) return absl::OkStatus();
  return Invalid("note has {} bytes; at most {} are allowed", note.size(), kNoteBytesMax);
}

absl::Status CheckSecrets(const model::Secrets& secrets) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : secrets.values()) bytes += value.size();
  if (bytes <= kSecretBytesMax) return absl::OkStatus();
  return Invalid("the secrets of the request have {} bytes; at most {} are allowed", bytes,
                 kSecretBytesMax);
}

absl::Status CheckSpec(const model::SandboxSpec& spec) {
  HF_RETURN_IF_ERROR(CheckText("name", spec.name));
  HF_RETURN_IF_ERROR(CheckWorkspace(spec.workspace));
  HF_RETURN_IF_ERROR(CheckText("driver", spec.driver));
  HF_RETURN_IF_ERROR(CheckText("log_level", spec.log_level));
  if (spec.image.size() > 4096)
    return Invalid("image has {} bytes; at most 4096 are allowed", spec.image.size());
  if (std::any_of(spec.image.begin(), spec.image.end(), IsControl)) {
    return Invalid("image has a control character");
  }
  if (spec.command.empty() || spec.command[0].empty()) {
    return Invalid("command is empty; give the program and its arguments");
  }
  HF_RETURN_IF_ERROR(CheckCount("command", spec.command.size()));
  for (const std::string& argument : spec.command) {
    if (argument.find('\0') != std::string::npos) return Invalid("command has a NUL character");
  }
  HF_RETURN_IF_ERROR(CheckCount("environment", spec.environment.size()));
  for (const auto& [name, value] : spec.environment) {
    if (!IsEnvironmentName(name)) {
      return Invalid(
          "environment name \"{}\" is not allowed; use letters, digits and . _ -, not starting "
          "with "
          "a digit",
          Shown(name));
    }
    if (value.find('\0') != std::string::npos) {
      return Invalid("environment value of {} has a NUL character", name);
    }
  }
  HF_RETURN_IF_ERROR(CheckCount("labels", spec.labels.size()));
  for (const auto& [key, value] : spec.labels) {
    if (!IsLabelKey(key)) {
      return Invalid(
          "label key \"{}\" is not allowed; use [prefix/]name of letters, digits and . _ -",
          Shown(key));
    }
    HF_RETURN_IF_ERROR(CheckText(fmt::format("label value of {}", key), value));
  }
  HF_RETURN_IF_ERROR(CheckText("cpu_request", spec.cpu_request));
  HF_RETURN_IF_ERROR(CheckText("cpu_limit", spec.cpu_limit));
  HF_RETURN_IF_ERROR(CheckText("memory_request", spec.memory_request));
  HF_RETURN_IF_ERROR(CheckText("memory_limit", spec.memory_limit));
  if (spec.gpu_count > 0 && !spec.gpu)
    return Invalid("gpu_count is {} but gpu is not set", spec.gpu_count);
  HF_RETURN_IF_ERROR(CheckJsonObject("driver_config", spec.driver_config));
  HF_RETURN_IF_ERROR(CheckJsonObject("platform_config", spec.platform_config));
  if (const std::size_t bytes = BytesOf(spec); bytes > kSpecBytesMax) {
    return Invalid("the spec has {} bytes; at most {} are allowed", bytes, kSpecBytesMax);
  }
  return absl::OkStatus();
}

}  // namespace holdfast::gateway

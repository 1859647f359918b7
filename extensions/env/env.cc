// SPDX-License-Identifier: Apache-2.0
#include "extensions/env/env.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "support/status_macros.h"

namespace holdfast::extensions {
namespace {

// Those of the plan's builder (PlanLimits), so that a configuration that starts also works.
constexpr std::size_t kEntriesMax = 256;
constexpr std::size_t kValueBytesMax = 4096;

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsVariable(std::string_view name) {
  return !name.empty() && name.size() <= 256 && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsAlnum(c) || c == '_'; });
}

bool IsLabel(std::string_view name) {
  return !name.empty() && name.size() <= 317 && IsAlnum(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return IsAlnum(c) || c == '.' || c == '_' || c == '-' || c == '/';
         });
}

// Control characters only; the builder also refuses what is not UTF-8.
bool IsPrintable(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7f;
  });
}

absl::Status CheckValue(std::string_view what, std::string_view name, std::string_view value) {
  if (value.size() > kValueBytesMax) {
    return absl::InvalidArgumentError(
        fmt::format("{} {}: the value has {} bytes; at most {} are allowed", what, name,
                    value.size(), kValueBytesMax));
  }
  if (!IsPrintable(value)) {
    return absl::InvalidArgumentError(
        fmt::format("{} {}: the value has control characters", what, name));
  }
  return absl::OkStatus();
}

absl::Status Check(const EnvConfig& config) {
  if (config.env.size() + config.labels.size() > kEntriesMax) {
    return absl::InvalidArgumentError(
        fmt::format("{} variables and labels are configured; at most {} are allowed",
                    config.env.size() + config.labels.size(), kEntriesMax));
  }
  for (const auto& [name, value] : config.env) {
    if (!IsVariable(name)) {
      return absl::InvalidArgumentError(fmt::format(
          "'{}' is not a name of an environment variable ([A-Za-z_][A-Za-z0-9_]*)", name));
    }
    if (name.starts_with("HOLDFAST_")) {
      return absl::InvalidArgumentError(fmt::format(
          "{}: names that begin with HOLDFAST_ are the driver's; use another name", name));
    }
    HF_RETURN_IF_ERROR(CheckValue("variable", name, value));
  }
  for (const auto& [name, value] : config.labels) {
    if (!IsLabel(name)) {
      return absl::InvalidArgumentError(
          fmt::format("'{}' is not a name of a label ([A-Za-z0-9][A-Za-z0-9._/-]*)", name));
    }
    HF_RETURN_IF_ERROR(CheckValue("label", name, value));
  }
  return absl::OkStatus();
}

class EnvExtension final : public Extension {
 public:
  explicit EnvExtension(EnvConfig config) : config_(std::move(config)) {
    descriptor_.name = config_.name;
    descriptor_.version = "1";
    descriptor_.hooks = {"configure_launch"};
  }

  const Descriptor& descriptor() const override { return descriptor_; }

  absl::Status ConfigureLaunch(const HookContext&, PlanBuilder& builder) override {
    for (const auto& [name, value] : config_.env) {
      HF_RETURN_IF_ERROR(builder.AddEnv(name, value));
    }
    for (const auto& [name, value] : config_.labels) {
      HF_RETURN_IF_ERROR(builder.AddLabel(name, value));
    }
    return absl::OkStatus();
  }

  // No hook of it is a step; asked anyway, it has done all that it does.
  model::Outcome Run(const HookContext&) override { return model::Outcome::Done(); }
  model::Outcome Probe(const HookContext&) override {
    return model::Outcome::Probed(model::Verdict::kAbsent);
  }

 private:
  const EnvConfig config_;
  Descriptor descriptor_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Extension>> MakeEnvExtension(EnvConfig config) {
  HF_RETURN_IF_ERROR(Check(config));
  return std::unique_ptr<Extension>(std::make_unique<EnvExtension>(std::move(config)));
}

}  // namespace holdfast::extensions

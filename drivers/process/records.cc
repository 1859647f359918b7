// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/records.h"

#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace holdfast::drivers::process {
namespace {

using Json = nlohmann::json;

// Runs `read` on the parsed text; whatever the JSON library throws in it is DataLoss.
template <typename Value, typename Read>
absl::StatusOr<Value> Parse(std::string_view file, std::string_view text, const Read& read) {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& error) {
    return absl::DataLossError(fmt::format("{} cannot be read: {}", file, error.what()));
  }
}

template <typename Value>
std::optional<Value> Optional(const Json& json, const char* name) {
  if (!json.contains(name)) return std::nullopt;
  return json.at(name).get<Value>();
}

}  // namespace

std::string FormatOwner(const OwnerRecord& record) {
  return Json{{"sandbox", record.owner.sandbox.value},
              {"generation", record.owner.generation.value},
              {"journal", record.journal},
              {"key", record.key}}
             .dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

absl::StatusOr<OwnerRecord> ParseOwner(std::string_view text) {
  return Parse<OwnerRecord>("owner.json", text, [](const Json& json) {
    return OwnerRecord{.owner = {.sandbox = {json.at("sandbox").get<std::string>()},
                                 .generation = {json.at("generation").get<std::uint64_t>()}},
                       .journal = json.at("journal").get<std::string>(),
                       .key = json.at("key").get<std::string>()};
  });
}

absl::StatusOr<SupervisorRecord> ParseSupervisor(std::string_view text) {
  return Parse<SupervisorRecord>("supervisor.json", text, [](const Json& json) {
    return SupervisorRecord{.identity = {.pid = json.at("pid").get<pid_t>(),
                                         .start_time = json.at("start_time").get<std::uint64_t>(),
                                         .boot_id = json.at("boot_id").get<std::string>()},
                            .key = json.at("key").get<std::string>()};
  });
}

absl::StatusOr<ExitRecord> ParseExit(std::string_view text) {
  return Parse<ExitRecord>("exit.json", text, [](const Json& json) {
    return ExitRecord{.key = json.at("key").get<std::string>(),
                      .ran = json.at("ran").get<bool>(),
                      .exit_code = Optional<std::int32_t>(json, "exit_code"),
                      .signal = Optional<std::int32_t>(json, "signal"),
                      .error = Optional<std::string>(json, "error").value_or("")};
  });
}

std::string FormatStop(const std::string& start_key) {
  return Json{{"key", start_key}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<std::string> ParseStop(std::string_view text) {
  return Parse<std::string>("stop.json", text,
                            [](const Json& json) { return json.at("key").get<std::string>(); });
}

std::string DirectoryHandle(const std::string& path, model::Generation generation) {
  return Json{{"path", path}, {"generation", generation.value}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace holdfast::drivers::process

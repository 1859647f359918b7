// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "drivers/process/launch_format.h"
#include "drivers/process/records.h"
#include "drivers/process/text.h"
#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

constexpr std::string_view kSandboxes = "sandboxes";
constexpr std::string_view kStaging = "staging";
constexpr std::string_view kTombstones = "tombstones";

std::string PassingName(const Owner& owner) {
  return fmt::format("{}@{}", owner.sandbox.value, owner.generation.value);
}

// nullopt: not a name that we give. An id never holds '@'.
std::optional<Owner> OwnerOfPassingName(std::string_view name) {
  const std::vector<std::string_view> parts = Split(name, '@');
  if (parts.size() != 2 || !model::IsValidSandboxId(parts[0])) return std::nullopt;
  const auto generation = ParseNumber<std::uint64_t>(parts[1]);
  if (!generation) return std::nullopt;
  return Owner{.sandbox = {std::string(parts[0])}, .generation = {*generation}};
}

// A field's name as a file's: "sandbox_token", "a.b", "a[0]". Nothing that leads elsewhere.
bool IsFileName(std::string_view name) {
  return !name.empty() && name.size() <= 200 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '[' || c == ']';
         });
}

absl::Status WriteSecrets(int directory, const model::Secrets& secrets) {
  if (secrets.empty()) return absl::OkStatus();
  if (mkdirat(directory, kSecretsDirectory, S_IRWXU) != 0 && errno != EEXIST) {
    return SystemError("make the directory of secrets", errno);
  }
  HF_ASSIGN_OR_RETURN(const std::optional<Fd> made, OpenDirectoryAt(directory, kSecretsDirectory));
  if (!made) return absl::UnavailableError("somebody else removes our staging directory");
  for (const auto& [name, value] : secrets.values()) {
    HF_RETURN_IF_ERROR(WriteFileAt(made->get(), name, value.Reveal()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> IsSupervised(int directory) {
  const Fd fd(openat(directory, kLockFile, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return false;
    return SystemError("open supervisor.lock", errno);
  }
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (fcntl(fd.get(), F_OFD_GETLK, &lock) != 0) return SystemError("look at the lock", errno);
  return lock.l_type != F_UNLCK;
}

absl::StatusOr<std::optional<Fd>> TryLockSupervisor(int directory) {
  Fd fd(openat(directory, kLockFile, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return SystemError("open supervisor.lock", errno);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (fcntl(fd.get(), F_OFD_SETLK, &lock) == 0) return std::optional<Fd>(std::move(fd));
  if (errno == EAGAIN || errno == EACCES) return std::optional<Fd>();
  return SystemError("lock supervisor.lock", errno);
}

Store::Store(std::string state_dir, std::string journal, std::string boot_id)
    : state_dir_(std::move(state_dir)),
      journal_(std::move(journal)),
      boot_id_(std::move(boot_id)) {}

absl::StatusOr<Store> Store::Open(std::string state_dir, std::string journal, std::string boot_id) {
  Store store(std::move(state_dir), std::move(journal), std::move(boot_id));
  HF_RETURN_IF_ERROR(EnsurePrivateDirectory(store.state_dir_));
  for (const std::string_view kind : {kSandboxes, kStaging, kTombstones}) {
    HF_RETURN_IF_ERROR(EnsurePrivateDirectory(store.Parent(kind)));
  }
  HF_ASSIGN_OR_RETURN(const Fd directory, OpenDirectory(store.state_dir_));
  HF_RETURN_IF_ERROR(SyncDirectory(directory.get()));
  return store;
}

std::string Store::Parent(std::string_view kind) const {
  return fmt::format("{}/{}", state_dir_, kind);
}

std::string Store::PathOf(const Owner& owner) const {
  return fmt::format("{}/{}", Parent(kSandboxes), owner.sandbox.value);
}

std::string Store::WorkPathOf(const Owner& owner) const {
  return fmt::format("{}/{}", PathOf(owner), kWorkDirectory);
}

bool Store::CanHold(const model::Secrets& secrets) {
  return std::all_of(secrets.values().begin(), secrets.values().end(),
                     [](const auto& secret) { return IsFileName(secret.first); });
}

std::string Store::SecretsPathOf(const Owner& owner) const {
  return fmt::format("{}/{}", PathOf(owner), kSecretsDirectory);
}

// The state directory is in it because two gateways on one host may use one sandbox id.
std::string Store::MarkPrefix() const { return fmt::format("{}@{}@", journal_, state_dir_); }

std::string Store::MarkOf(const Owner& owner) const {
  return fmt::format("{}{}", MarkPrefix(), owner.generation.value);
}

std::optional<Owner> Store::OwnerOfMark(const MarkedProcess& process) const {
  std::string_view rest = process.owner;
  if (!TakePrefix(rest, MarkPrefix()) || !model::IsValidSandboxId(process.sandbox)) {
    return std::nullopt;
  }
  const auto generation = ParseNumber<std::uint64_t>(rest);
  if (!generation) return std::nullopt;
  return Owner{.sandbox = {process.sandbox}, .generation = {*generation}};
}

model::Resource Store::DirectoryResource(const Owner& owner, const std::string& path) const {
  return {.kind = "directory",
          .name = owner.sandbox.value,
          .handle = DirectoryHandle(path, owner.generation)};
}

model::Resource Store::ProcessResource(const Owner& owner, const ProcessIdentity& identity) {
  return {.kind = "process", .name = owner.sandbox.value, .handle = ToHandle(identity)};
}

absl::StatusOr<std::optional<SandboxDirectory>> Store::Find(const model::SandboxId& id) const {
  // Opened apart, so that a missing parent is an error and not "no such sandbox".
  HF_ASSIGN_OR_RETURN(const Fd parent, OpenDirectory(Parent(kSandboxes)));
  HF_ASSIGN_OR_RETURN(std::optional<Fd> fd, OpenDirectoryAt(parent.get(), id.value));
  if (!fd) return std::optional<SandboxDirectory>();
  SandboxDirectory found;
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadFileAt(fd->get(), kOwnerFile));
  if (text) {
    HF_ASSIGN_OR_RETURN(const OwnerRecord record, ParseOwner(*text));
    // A directory that was copied or renamed proves nothing about the name it has now.
    if (record.owner.sandbox == id) {
      found.owner = record.owner;
      found.journal = record.journal;
    }
  }
  found.fd = *std::move(fd);
  return std::optional<SandboxDirectory>(std::move(found));
}

bool Store::IsOurs(const SandboxDirectory& directory, const Owner& owner) const {
  return directory.owner == owner && directory.journal == journal_;
}

absl::Status Store::Make(const Owner& owner, const std::string& key,
                         const model::Secrets& secrets) const {
  HF_ASSIGN_OR_RETURN(const Fd staging, OpenDirectory(Parent(kStaging)));
  HF_ASSIGN_OR_RETURN(const Fd sandboxes, OpenDirectory(Parent(kSandboxes)));
  const std::string name = PassingName(owner);
  // An earlier attempt may have died half-way; the name proves that it was ours.
  if (mkdirat(staging.get(), name.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return SystemError(fmt::format("make the directory {}", name), errno);
  }
  HF_ASSIGN_OR_RETURN(const std::optional<Fd> made, OpenDirectoryAt(staging.get(), name));
  if (!made) return absl::UnavailableError("somebody else removes our staging directory");
  if (mkdirat(made->get(), kWorkDirectory, S_IRWXU) != 0 && errno != EEXIST) {
    return SystemError("make the work directory", errno);
  }
  HF_RETURN_IF_ERROR(WriteSecrets(made->get(), secrets));
  HF_RETURN_IF_ERROR(WriteFileAt(made->get(), kOwnerFile, FormatOwner({owner, journal_, key})));
  if (renameat2(staging.get(), name.c_str(), sandboxes.get(), owner.sandbox.value.c_str(),
                RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) {
      // Another attempt was faster, or it is somebody else's; ours is not needed.
      HF_RETURN_IF_ERROR(RemoveTreeAt(staging.get(), name, kOwnerFile));
      return absl::AlreadyExistsError(PathOf(owner));
    }
    return SystemError(fmt::format("give {} its name", name), errno);
  }
  HF_RETURN_IF_ERROR(SyncDirectory(sandboxes.get()));
  return SyncDirectory(staging.get());
}

absl::StatusOr<std::optional<std::string>> Store::FindNamed(std::string_view kind,
                                                            const Owner& owner) const {
  HF_ASSIGN_OR_RETURN(const Fd parent, OpenDirectory(Parent(kind)));
  HF_ASSIGN_OR_RETURN(const std::optional<Fd> found,
                      OpenDirectoryAt(parent.get(), PassingName(owner)));
  if (!found) return std::optional<std::string>();
  return std::optional<std::string>(fmt::format("{}/{}", Parent(kind), PassingName(owner)));
}

absl::StatusOr<std::optional<std::string>> Store::FindStaging(const Owner& owner) const {
  return FindNamed(kStaging, owner);
}

absl::StatusOr<std::optional<std::string>> Store::FindTombstone(const Owner& owner) const {
  return FindNamed(kTombstones, owner);
}

absl::Status Store::Entomb(const Owner& owner) const {
  HF_ASSIGN_OR_RETURN(const Fd sandboxes, OpenDirectory(Parent(kSandboxes)));
  HF_ASSIGN_OR_RETURN(const Fd tombstones, OpenDirectory(Parent(kTombstones)));
  if (renameat2(sandboxes.get(), owner.sandbox.value.c_str(), tombstones.get(),
                PassingName(owner).c_str(), RENAME_NOREPLACE) != 0) {
    return SystemError(fmt::format("set {} aside", PathOf(owner)), errno);
  }
  HF_RETURN_IF_ERROR(SyncDirectory(tombstones.get()));
  return SyncDirectory(sandboxes.get());
}

absl::Status Store::Bury(const Owner& owner) const {
  for (const std::string_view kind : {kTombstones, kStaging}) {
    HF_ASSIGN_OR_RETURN(const Fd parent, OpenDirectory(Parent(kind)));
    HF_RETURN_IF_ERROR(RemoveTreeAt(parent.get(), PassingName(owner), kOwnerFile));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<model::SandboxId>> Store::ListSandboxes() const {
  HF_ASSIGN_OR_RETURN(const Fd sandboxes, OpenDirectory(Parent(kSandboxes)));
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(sandboxes.get()));
  std::vector<model::SandboxId> ids;
  for (const std::string& name : names) {
    if (model::IsValidSandboxId(name)) ids.push_back({name});
  }
  return ids;
}

absl::StatusOr<std::vector<OwnedResource>> Store::ListDirectories() const {
  std::vector<OwnedResource> owned;
  HF_ASSIGN_OR_RETURN(const std::vector<model::SandboxId> ids, ListSandboxes());
  for (const model::SandboxId& id : ids) {
    HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> found, Find(id));
    if (!found || !found->owner || found->journal != journal_) continue;
    owned.push_back({*found->owner, DirectoryResource(*found->owner, PathOf(*found->owner))});
  }
  for (const std::string_view kind : {kStaging, kTombstones}) {
    HF_ASSIGN_OR_RETURN(const Fd parent, OpenDirectory(Parent(kind)));
    HF_ASSIGN_OR_RETURN(const std::vector<std::string> passing, ListNames(parent.get()));
    for (const std::string& name : passing) {
      const std::optional<Owner> owner = OwnerOfPassingName(name);
      if (!owner) continue;
      owned.push_back(
          {*owner, DirectoryResource(*owner, fmt::format("{}/{}", Parent(kind), name))});
    }
  }
  return owned;
}

absl::StatusOr<Run> Store::LookAtRun(const SandboxDirectory& directory) const {
  HF_ASSIGN_OR_RETURN(const bool locked, IsSupervised(directory.fd.get()));
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> supervisor_text,
                      ReadFileAt(directory.fd.get(), kSupervisorFile));
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> exit_text,
                      ReadFileAt(directory.fd.get(), kExitFile));
  Run run;
  if (exit_text) {
    HF_ASSIGN_OR_RETURN(run.exit, ParseExit(*exit_text));
  }
  if (!supervisor_text) {
    run.phase = locked ? RunPhase::kLaunching : RunPhase::kNone;
    return run;
  }
  HF_ASSIGN_OR_RETURN(run.supervisor, ParseSupervisor(*supervisor_text));
  if (run.exit && run.exit->key == run.supervisor.key) {
    run.phase = run.exit->ran ? RunPhase::kEnded : RunPhase::kNone;
  } else if (run.supervisor.identity.boot_id != boot_id_) {
    run.phase = locked ? RunPhase::kLaunching : RunPhase::kRebooted;
  } else if (!locked) {
    run.phase = RunPhase::kLost;
  } else {
    // The lock says that one lives; only pid, start time and boot say that it is this one.
    HF_ASSIGN_OR_RETURN(const std::optional<Fd> living,
                        OpenProcess(run.supervisor.identity, boot_id_));
    run.phase = living ? RunPhase::kRunning : RunPhase::kLaunching;
  }
  return run;
}

}  // namespace holdfast::drivers::process

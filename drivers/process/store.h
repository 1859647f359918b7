// SPDX-License-Identifier: Apache-2.0
//
// The driver's directories, and what can be read from them. Under the state directory:
//
//   sandboxes/<id>/                a provisioned sandbox; owner.json in it says whose it is. It
//   gets
//                                  this name only when it is complete, so it always has its proof.
//   staging/<id>@<generation>/     one that is being made; only provision gives such a name
//   tombstones/<id>@<generation>/  one that is being removed; only destroy gives such a name
//   epoch, epoch.lock              see fence.h
//
// Everything here looks or changes once, and blocks for as long as the disk takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drivers/driver.h"
#include "drivers/process/files.h"
#include "drivers/process/identity.h"

namespace holdfast::drivers::process {

// Who a living supervisor says it is.
struct SupervisorRecord {
  ProcessIdentity identity;
  std::string key;  // of the start step
};

// How a run ended.
struct ExitRecord {
  std::string key;
  bool ran = true;  // false: the command could not be executed
  std::optional<std::int32_t> exit_code;
  std::optional<std::int32_t> signal;
  std::string error;
};

enum class RunPhase : std::uint8_t {
  kNone,       // never started, or what was started never ran
  kLaunching,  // a supervisor lives and has not said yet who it is
  kRunning,    // a supervisor lives and said so
  kEnded,      // it ran and left its exit
  kLost,       // it ran; its supervisor was killed before it could say how it ended
  kRebooted,   // it ran before the host was started anew
};

struct Run {
  RunPhase phase = RunPhase::kNone;
  SupervisorRecord supervisor;     // from kRunning on
  std::optional<ExitRecord> exit;  // of kEnded, and of kNone when it could not be executed
};

// A directory under sandboxes/, opened, and what its owner.json proves.
struct SandboxDirectory {
  Fd fd;
  // Unset: no owner.json, so not provably anybody's.
  std::optional<Owner> owner;
  std::string journal;  // the owner mark of the journal that made it
};

class Store {
 public:
  // Makes the directories. Errors: FailedPrecondition, Unavailable.
  static absl::StatusOr<Store> Open(std::string state_dir, std::string journal,
                                    std::string boot_id);

  const std::string& state_dir() const { return state_dir_; }
  const std::string& journal() const { return journal_; }
  const std::string& boot_id() const { return boot_id_; }
  std::string PathOf(const Owner& owner) const;
  std::string WorkPathOf(const Owner& owner) const;
  std::string SecretsPathOf(const Owner& owner) const;
  // What a workload of this sandbox carries as HOLDFAST_SANDBOX_OWNER.
  std::string MarkOf(const Owner& owner) const;
  std::string MarkPrefix() const;
  // The generation that a mark names; nullopt when it is not one of ours.
  std::optional<Owner> OwnerOfMark(const MarkedProcess& process) const;

  model::Resource DirectoryResource(const Owner& owner, const std::string& path) const;
  static model::Resource ProcessResource(const Owner& owner, const ProcessIdentity& identity);

  // The sandbox's directory. nullopt: there is none of that name.
  absl::StatusOr<std::optional<SandboxDirectory>> Find(const model::SandboxId& id) const;
  bool IsOurs(const SandboxDirectory& directory, const Owner& owner) const;

  // Whether each name can be a file's.
  static bool CanHold(const model::Secrets& secrets);
  // Makes it complete under staging/ and then gives it its name: a file for each secret included,
  // mode 0600, so that what has its name has its secrets. AlreadyExists: there is one now.
  // REQUIRES: CanHold(secrets).
  absl::Status Make(const Owner& owner, const std::string& key,
                    const model::Secrets& secrets) const;
  // Paths under staging/ and tombstones/ that belong to this owner and exist.
  absl::StatusOr<std::optional<std::string>> FindStaging(const Owner& owner) const;
  absl::StatusOr<std::optional<std::string>> FindTombstone(const Owner& owner) const;
  // REQUIRES: sandboxes/<id> was proved to be this owner's.
  absl::Status Entomb(const Owner& owner) const;
  // Removes the owner's tombstone and staging. May take long.
  absl::Status Bury(const Owner& owner) const;

  // What has a name under sandboxes/ that a sandbox may have, whosever it is. Complete or an error.
  absl::StatusOr<std::vector<model::SandboxId>> ListSandboxes() const;
  // Directories of all three kinds with our journal's mark. Complete or an error.
  absl::StatusOr<std::vector<OwnedResource>> ListDirectories() const;

  // Looks at the lock first and at the files after it, so that "lives" may be old news but
  // "does not live" never is.
  absl::StatusOr<Run> LookAtRun(const SandboxDirectory& directory) const;

 private:
  Store(std::string state_dir, std::string journal, std::string boot_id);
  std::string Parent(std::string_view kind) const;
  absl::StatusOr<std::optional<std::string>> FindNamed(std::string_view kind,
                                                       const Owner& owner) const;

  // Constant after construction.
  std::string state_dir_;
  std::string journal_;
  std::string boot_id_;
};

// Whether anybody holds the lock below. Takes nothing, so that it disturbs nobody.
absl::StatusOr<bool> IsSupervised(int directory);

// The lock that says that a supervisor lives. It belongs to the open file: it passes to a child
// with the descriptor and ends with its last copy. nullopt: somebody holds it.
absl::StatusOr<std::optional<Fd>> TryLockSupervisor(int directory);

}  // namespace holdfast::drivers::process

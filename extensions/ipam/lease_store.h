// SPDX-License-Identifier: Apache-2.0
//
// The leases of one pool, as files: one per address, named by it, holding who has it. The directory
// is the truth; nothing is kept in memory. Several processes may use one directory: a lease is made
// by link(2), which only one of them can win.
//
// In the directory: "<address>" a lease, ".tmp@…" one that is being written, ".lock-…" locks.
// Anything else, and an address whose file is no lease, belongs to somebody else and is left alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "extensions/ipam/address_range.h"
#include "statemachine/model/ids.h"

namespace holdfast::extensions::ipam {

struct Lease {
  std::uint32_t address = 0;
  model::SandboxId sandbox;
  model::Generation generation;
  std::string key;  // idempotency key of the before_launch that made it
};

struct Snapshot {
  std::vector<Lease> leases;      // in order of address
  std::set<std::uint32_t> taken;  // all addresses with a file, lease or not
};

class LeaseStore {
 public:
  // Held while something of one sandbox is looked for and changed, so that a call that was given up
  // as lost and the one after it do not mix. Freed by the system when the process dies.
  class SandboxLock {
   public:
    explicit SandboxLock(int fd) : fd_(fd) {}
    SandboxLock(SandboxLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    SandboxLock& operator=(SandboxLock&&) = delete;
    ~SandboxLock();

   private:
    int fd_;
  };

  // `directory` as an absolute path; `pool` is written into each lease.
  LeaseStore(std::string directory, std::string pool);

  // Makes the directory, durably. Errors: Unavailable with errno's text.
  absl::Status Prepare() const;

  // Errors: DeadlineExceeded  another call works on this sandbox until then
  //         Unavailable       the directory cannot be used
  absl::StatusOr<SandboxLock> Lock(const model::SandboxId& sandbox,
                                   std::chrono::steady_clock::time_point deadline) const;

  // Complete, or an error: a file that cannot be read may be the one that is looked for.
  absl::StatusOr<Snapshot> Scan() const;

  // Makes a lease at the first of the candidates that is free; durable on return. None: no address.
  // The lease's own address is ignored. REQUIRES: the sandbox's lock.
  // Errors: Unavailable        nothing was made
  //         DeadlineExceeded   nothing was made
  //         DataLoss           made, and not known to be durable
  absl::StatusOr<std::optional<std::uint32_t>> Take(
      const Lease& lease, std::chrono::steady_clock::time_point deadline,
      const std::function<std::optional<std::uint32_t>()>& next_candidate) const;

  // Removes this lease, durably, and looks that it is gone; what was removed already is no error.
  // REQUIRES: the sandbox's lock, and a lease of a Scan made under it.
  absl::Status Remove(const Lease& lease) const;

  // Removes what attempts of this sandbox and generation left half written. REQUIRES: its lock.
  absl::Status RemoveUnfinished(const model::SandboxId& sandbox,
                                model::Generation generation) const;

  // Makes durable which leases there are. Errors: Unavailable
  absl::Status Sync() const;

  const std::string& directory() const { return directory_; }

 private:
  std::string PathOf(std::uint32_t address) const;
  // Unset: there is no such file, or it is not a lease of this pool.
  absl::StatusOr<std::optional<Lease>> Read(std::uint32_t address) const;

  const std::string directory_;
  const std::string pool_;
};

}  // namespace holdfast::extensions::ipam

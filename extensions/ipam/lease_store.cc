// SPDX-License-Identifier: Apache-2.0
#include "extensions/ipam/lease_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "support/failpoint.h"
#include "support/status_macros.h"

namespace holdfast::extensions::ipam {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLeaseSchema = 1;
// A lease is some hundred bytes; more is not one.
constexpr std::size_t kLeaseBytesMax = 4096;
// Locks are shared by sandboxes with the same hash, so that there are not as many files as
// sandboxes.
constexpr std::uint64_t kLocks = 16;
constexpr std::chrono::milliseconds kLockPollInterval{2};

absl::Status Unavailable(std::string_view what, const std::string& path, int error) {
  return absl::UnavailableError(
      fmt::format("{} {}: {}", what, path, std::generic_category().message(error)));
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  const int fd_;
};

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

// FNV-1a, 64 bit: the same in every process and release.
std::uint64_t Hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
  if (directory == nullptr) return Unavailable("cannot read the pool's directory", path, errno);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(directory.get());  // NOLINT: each call has a stream of its own
    if (entry == nullptr) break;
    names.emplace_back(entry->d_name);
  }
  if (errno != 0) return Unavailable("cannot read the pool's directory", path, errno);
  return names;
}

// '@' is in no sandbox id, so that one sandbox's prefix is never the beginning of another's.
std::string UnfinishedPrefix(const model::SandboxId& sandbox, model::Generation generation) {
  return fmt::format(".tmp@{}@{}@", sandbox.value, generation.value);
}

std::string Encode(const Lease& lease, const std::string& pool) {
  return nlohmann::json{{"schema", kLeaseSchema},
                        {"sandbox", lease.sandbox.value},
                        {"generation", lease.generation.value},
                        {"key", lease.key},
                        {"pool", pool}}
             .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

std::optional<Lease> Decode(std::uint32_t address, const std::string& text,
                            const std::string& pool) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  const auto string_at = [&](const char* name) -> std::optional<std::string> {
    const auto at = json.find(name);
    if (at == json.end() || !at->is_string()) return std::nullopt;
    return at->get<std::string>();
  };
  const auto schema = json.find("schema");
  const auto generation = json.find("generation");
  const auto sandbox = string_at("sandbox");
  const auto key = string_at("key");
  if (schema == json.end() || !schema->is_number_unsigned() ||
      schema->get<std::uint64_t>() != kLeaseSchema || generation == json.end() ||
      !generation->is_number_unsigned() || !sandbox || !key || string_at("pool") != pool ||
      !model::IsValidSandboxId(*sandbox)) {
    return std::nullopt;
  }
  return Lease{.address = address,
               .sandbox = {*sandbox},
               .generation = {generation->get<std::uint64_t>()},
               .key = *key};
}

// A file without a name where the file system can make one, so that a death before the link leaves
// nothing at all; else one under `named`.
int OpenUnfinished(const std::string& directory, const std::string& named) {
  const int fd = open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  return open(named.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

absl::Status WriteAll(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Unavailable("cannot write", path, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(fd) != 0) return Unavailable("cannot sync", path, errno);
  return absl::OkStatus();
}

}  // namespace

LeaseStore::SandboxLock::~SandboxLock() {
  if (fd_ >= 0) close(fd_);
}

LeaseStore::LeaseStore(std::string directory, std::string pool)
    : directory_(std::move(directory)), pool_(std::move(pool)) {}

std::string LeaseStore::PathOf(std::uint32_t address) const {
  return directory_ + "/" + FormatAddress(address);
}

absl::Status LeaseStore::Sync() const {
  const FileDescriptor directory(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok() || fsync(directory.get()) != 0) {
    return Unavailable("cannot sync", directory_, errno);
  }
  return absl::OkStatus();
}

absl::Status LeaseStore::Prepare() const {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) return Unavailable("cannot make", directory_, error.value());
  const std::string parent = std::filesystem::path(directory_).parent_path().string();
  const FileDescriptor directory(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok() || fsync(directory.get()) != 0) {
    return Unavailable("cannot sync", parent, errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<LeaseStore::SandboxLock> LeaseStore::Lock(const model::SandboxId& sandbox,
                                                         Clock::time_point deadline) const {
  const std::string path = fmt::format("{}/.lock-{:02}", directory_, Hash(sandbox.value) % kLocks);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Unavailable("cannot open", path, errno);
  SandboxLock lock(fd);
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Unavailable("cannot lock", path, errno);
    if (Clock::now() >= deadline) {
      return absl::DeadlineExceededError(
          fmt::format("another call holds {}; it is free when that call ends", path));
    }
    std::this_thread::sleep_for(kLockPollInterval);
  }
  return lock;
}

absl::StatusOr<std::optional<Lease>> LeaseStore::Read(std::uint32_t address) const {
  const std::string path = PathOf(address);
  // Not blocking, for a named pipe that somebody put there.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.ok()) {
    // A symbolic link or a socket is not ours; a file that went away meanwhile was another's.
    if (errno == ENOENT || errno == ELOOP || errno == ENXIO) return std::nullopt;
    return Unavailable("cannot read", path, errno);
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return Unavailable("cannot read", path, errno);
  if (!S_ISREG(status.st_mode)) return std::nullopt;
  std::string text(kLeaseBytesMax + 1, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = read(file.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unavailable("cannot read", path, errno);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  if (length > kLeaseBytesMax) return std::nullopt;
  text.resize(length);
  return Decode(address, text, pool_);
}

absl::StatusOr<Snapshot> LeaseStore::Scan() const {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(directory_));
  Snapshot snapshot;
  for (const std::string& name : names) {
    const auto address = ParseAddress(name);
    if (!address) continue;
    HF_ASSIGN_OR_RETURN(std::optional<Lease> lease, Read(*address));
    snapshot.taken.insert(*address);
    if (lease) snapshot.leases.push_back(*std::move(lease));
  }
  std::sort(snapshot.leases.begin(), snapshot.leases.end(),
            [](const Lease& a, const Lease& b) { return a.address < b.address; });
  return snapshot;
}

// If the process dies
//   1. before link: nothing; where the file system has no nameless files, a ".tmp@" file at most,
//   which
//      the next call for this sandbox removes;
//   2. after link: the lease, complete, for its content was synced before it had a name. The probe
//      finds it by its key. Power loss before the directory is synced: there never was one.
absl::StatusOr<std::optional<std::uint32_t>> LeaseStore::Take(
    const Lease& lease, Clock::time_point deadline,
    const std::function<std::optional<std::uint32_t>()>& next_candidate) const {
  static std::atomic<std::uint64_t> counter{0};
  const std::string unfinished =
      fmt::format("{}/{}{}-{}", directory_, UnfinishedPrefix(lease.sandbox, lease.generation),
                  getpid(), counter.fetch_add(1));
  const FileDescriptor file(OpenUnfinished(directory_, unfinished));
  if (!file.ok()) return Unavailable("cannot make a lease in", directory_, errno);
  const std::string source = fmt::format("/proc/self/fd/{}", file.get());
  absl::Status status = WriteAll(file.get(), Encode(lease, pool_), unfinished);
  std::optional<std::uint32_t> taken;
  while (status.ok()) {
    const auto candidate = next_candidate();
    if (!candidate) break;
    // Past the deadline somebody else answers for this call, and may already have looked for its
    // lease: a lease made now would be found by nobody.
    if (Clock::now() >= deadline) {
      status = absl::DeadlineExceededError("the deadline passed before an address was taken");
      break;
    }
    HF_FAILPOINT(kIpamBeforeLease);
    if (linkat(AT_FDCWD, source.c_str(), AT_FDCWD, PathOf(*candidate).c_str(), AT_SYMLINK_FOLLOW) ==
        0) {
      taken = candidate;
      break;
    }
    if (errno != EEXIST) status = Unavailable("cannot make", PathOf(*candidate), errno);
  }
  // Its first name, where it had one. When this fails the next call for this sandbox does it.
  unlink(unfinished.c_str());
  HF_RETURN_IF_ERROR(status);
  if (taken) {
    if (const absl::Status synced = Sync(); !synced.ok()) {
      return absl::DataLossError(std::string(synced.message()));
    }
    HF_FAILPOINT(kIpamAfterLease);
  }
  return taken;
}

absl::Status LeaseStore::Remove(const Lease& lease) const {
  const std::string path = PathOf(lease.address);
  HF_FAILPOINT(kIpamBeforeRelease);
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return Unavailable("cannot remove", path, errno);
  HF_RETURN_IF_ERROR(Sync());
  HF_FAILPOINT(kIpamAfterRelease);
  HF_ASSIGN_OR_RETURN(const std::optional<Lease> now, Read(lease.address));
  // Somebody else may have it by now, which is as well.
  if (now && now->sandbox == lease.sandbox && now->generation == lease.generation) {
    return absl::UnavailableError(fmt::format("{} is still there after it was removed", path));
  }
  return absl::OkStatus();
}

absl::Status LeaseStore::RemoveUnfinished(const model::SandboxId& sandbox,
                                          model::Generation generation) const {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(directory_));
  const std::string prefix = UnfinishedPrefix(sandbox, generation);
  for (const std::string& name : names) {
    if (!name.starts_with(prefix)) continue;
    const std::string path = directory_ + "/" + name;
    if (unlink(path.c_str()) != 0 && errno != ENOENT) {
      return Unavailable("cannot remove", path, errno);
    }
  }
  return absl::OkStatus();
}

}  // namespace holdfast::extensions::ipam

// SPDX-License-Identifier: Apache-2.0
//
// The calls by which the journal reaches files without SQLite, when it makes a journal and takes
// its lock. The linker puts these in their place (--wrap, see CMakeLists.txt) for all that is
// linked statically: the journal and the tests, not SQLite's library.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <string_view>

#include "tests/faults/storage.h"

namespace holdfast::faults {
namespace {

using Kind = DiskOperation::Kind;

// True: this call has to fail, and errno says how.
bool Fails() {
  const auto effect = Storage::Get().Strike(Call::kFileCall);
  if (effect.has_value()) errno = *effect == Effect::kIoError ? EIO : ENOSPC;
  return effect.has_value();
}

std::string PathOf(int descriptor) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  return std::string(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
}

}  // namespace
}  // namespace holdfast::faults

extern "C" {
int __real_open(const char* path, int flags, ...);
int __real_renameat2(int directory, const char* path, int new_directory, const char* new_path,
                     unsigned flags);
int __real_unlink(const char* path);
int __real_chmod(const char* path, mode_t mode);

int __wrap_open(const char* path, int flags, ...) {
  if (holdfast::faults::Fails()) return -1;
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return __real_open(path, flags, mode);
}

int __wrap_fsync(int descriptor) {
  using holdfast::faults::Kind;
  if (holdfast::faults::Fails()) return -1;
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return -1;
  const std::string path = holdfast::faults::PathOf(descriptor);
  auto& storage = holdfast::faults::Storage::Get();
  if (S_ISDIR(status.st_mode)) {
    storage.Done(Kind::kSyncDirectory, path + "/");
  } else {
    storage.Done(Kind::kSync, path);
  }
  return 0;
}

int __wrap_renameat2(int directory, const char* path, int new_directory, const char* new_path,
                     unsigned flags) {
  if (holdfast::faults::Fails()) return -1;
  const int result = __real_renameat2(directory, path, new_directory, new_path, flags);
  if (result == 0) holdfast::faults::Storage::Get().RenameDone(path, new_path);
  return result;
}

int __wrap_unlink(const char* path) {
  if (holdfast::faults::Fails()) return -1;
  const int result = __real_unlink(path);
  if (result == 0) {
    holdfast::faults::Storage::Get().Done(holdfast::faults::Kind::kRemove, path);
  }
  return result;
}

int __wrap_chmod(const char* path, mode_t mode) {
  if (holdfast::faults::Fails()) return -1;
  return __real_chmod(path, mode);
}
}

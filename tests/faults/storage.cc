// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/storage.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "support/check.h"
#include "tests/faults/fault_vfs.h"

namespace holdfast::faults {

std::string_view NameOf(Call call) {
  switch (call) {
    case Call::kOpen:
      return "Open";
    case Call::kReadDatabase:
      return "ReadDatabase";
    case Call::kReadLog:
      return "ReadLog";
    case Call::kWriteDatabase:
      return "WriteDatabase";
    case Call::kWriteLog:
      return "WriteLog";
    case Call::kTruncate:
      return "Truncate";
    case Call::kSync:
      return "Sync";
    case Call::kRemove:
      return "Remove";
    case Call::kLength:
      return "Length";
    case Call::kSharedMemory:
      return "SharedMemory";
    case Call::kFileCall:
      return "FileCall";
  }
  return "?";
}

std::string_view NameOf(Effect effect) {
  switch (effect) {
    case Effect::kDiskFull:
      return "DiskFull";
    case Effect::kIoError:
      return "IoError";
    case Effect::kShort:
      return "Short";
  }
  return "?";
}

std::ostream& operator<<(std::ostream& out, const Fault& fault) {
  return out << NameOf(fault.call) << " " << fault.nth << " " << NameOf(fault.effect)
             << (fault.lasting ? " until lifted" : " once");
}

Storage& Storage::Get() {
  static Storage* const storage = [] {
    InstallFaultVfs();
    return new Storage;  // never freed: SQLite calls the VFS until the process ends
  }();
  return *storage;
}

void Storage::Inject(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  calls_ = 0;
  struck_ = false;
}

void Storage::Lift() {
  const std::lock_guard lock(mutex_);
  fault_.reset();
}

bool Storage::struck() const {
  const std::lock_guard lock(mutex_);
  return struck_;
}

std::size_t Storage::struck_at() const {
  const std::lock_guard lock(mutex_);
  return struck_at_;
}

std::optional<Effect> Storage::Strike(Call call) {
  const std::lock_guard lock(mutex_);
  if (!fault_.has_value() || fault_->call != call) return std::nullopt;
  ++calls_;
  if (calls_ != fault_->nth && !(fault_->lasting && calls_ > fault_->nth)) return std::nullopt;
  if (!struck_) struck_at_ = operations_.size();
  struck_ = true;
  return fault_->effect;
}

void Storage::StartRecording(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  directory_ = directory + "/";
  recording_ = true;
  operations_.clear();
}

std::vector<DiskOperation> Storage::StopRecording() {
  const std::lock_guard lock(mutex_);
  recording_ = false;
  return std::exchange(operations_, {});
}

std::size_t Storage::recorded() const {
  const std::lock_guard lock(mutex_);
  return operations_.size();
}

std::optional<std::string> Storage::NameIn(std::string_view path) const {
  if (!recording_ || !path.starts_with(directory_)) return std::nullopt;
  const std::string_view name = path.substr(directory_.size());
  if (name.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(name);
}

void Storage::Done(DiskOperation::Kind kind, std::string_view path, std::uint64_t offset,
                   std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  std::optional<std::string> name = NameIn(path);
  if (!name.has_value()) return;
  operations_.push_back({.kind = kind,
                         .name = *std::move(name),
                         .new_name = {},
                         .offset = offset,
                         .bytes = std::string(bytes)});
}

void Storage::RenameDone(std::string_view path, std::string_view new_path) {
  const std::lock_guard lock(mutex_);
  std::optional<std::string> name = NameIn(path);
  std::optional<std::string> new_name = NameIn(new_path);
  if (!name.has_value() && !new_name.has_value()) return;
  HF_CHECK(name.has_value() && new_name.has_value());  // the model has one directory
  operations_.push_back({.kind = DiskOperation::Kind::kRename,
                         .name = *std::move(name),
                         .new_name = *std::move(new_name),
                         .bytes = {}});
}

Files ReadFiles(const std::string& directory) {
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.ends_with("-shm") || name.ends_with(".lock")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    files[name] = std::string(std::istreambuf_iterator<char>(file), {});
  }
  return files;
}

void WriteFiles(const std::string& directory, const Files& files) {
  for (const auto& [name, bytes] : files) {
    std::ofstream file(directory + "/" + name, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    HF_CHECK(file.flush().good());
  }
}

}  // namespace holdfast::faults

// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/supervisor/launch.h"

#include <errno.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>

#include "drivers/process/launch_format.h"

namespace holdfast::drivers::process::supervisor {
namespace {

// Takes texts off the front, one by one.
class Texts {
 public:
  explicit Texts(const std::string& bytes) : bytes_(bytes) {}

  bool Take(std::string& text) {
    const std::size_t end = bytes_.find('\0', position_);
    if (end == std::string::npos) return false;
    text = bytes_.substr(position_, end - position_);
    position_ = end + 1;
    return true;
  }
  bool TakeList(std::vector<std::string>& list) {
    std::string text;
    if (!Take(text)) return false;
    std::size_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (!Take(text)) return false;
      list.push_back(text);
    }
    return true;
  }

 private:
  const std::string& bytes_;
  std::size_t position_ = 0;
};

}  // namespace

bool ReadLaunch(int fd, Launch& launch) {
  std::string bytes;
  char buffer[65536];
  while (true) {
    const ssize_t got = pread(fd, buffer, sizeof buffer, static_cast<off_t>(bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
  Texts texts(bytes);
  std::string version, tty;
  if (!texts.Take(version) || version != kLaunchVersion) return false;
  if (!texts.Take(launch.sandbox) || !texts.Take(launch.generation) || !texts.Take(launch.key) ||
      !texts.Take(launch.owner) || !texts.Take(launch.mode) || !texts.Take(tty) ||
      !texts.Take(launch.executable) || !texts.TakeList(launch.argv) ||
      !texts.TakeList(launch.env)) {
    return false;
  }
  launch.tty = tty == "1";
  return !launch.argv.empty();
}

}  // namespace holdfast::drivers::process::supervisor

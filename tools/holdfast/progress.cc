// SPDX-License-Identifier: Apache-2.0
#include "tools/holdfast/progress.h"

#include <string>

#include "fmt/format.h"
#include "tools/client/table.h"

namespace holdfast::command_line {

void Progress::Show(const lifecycle::v1::Sandbox& sandbox) {
  if (!enabled_) return;
  std::string line = fmt::format("{}: {}", sandbox.id(), sandbox.state());
  if (terminal_ && sandbox.has_current()) {
    line += fmt::format(" ({} by {}, {})", sandbox.current().name(),
                        sandbox.current().participant(), sandbox.current().phase());
  }
  if (line == last_) return;
  last_ = line;
  if (!terminal_) {
    out_ << client::OneLine(line) << std::endl;
    return;
  }
  Clear();
  out_ << client::OneLine(line) << std::flush;
  line_open_ = true;
}

void Progress::Say(const std::string& line) {
  Clear();
  out_ << client::OneLine(line) << std::endl;
}

void Progress::Clear() {
  if (line_open_) out_ << "\r\x1b[K" << std::flush;
  line_open_ = false;
}

}  // namespace holdfast::command_line

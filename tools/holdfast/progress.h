// SPDX-License-Identifier: Apache-2.0
//
// What a waiting person sees: each state once, a line each; on a terminal one line that is
// rewritten and names the step as well.
#pragma once

#include <ostream>
#include <string>

#include "holdfast/lifecycle/v1/lifecycle.pb.h"

namespace holdfast::command_line {

class Progress {
 public:
  // Silent when `enabled` is false.
  Progress(std::ostream& out, bool terminal, bool enabled)
      : out_(out), terminal_(terminal), enabled_(enabled) {}
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Show(const lifecycle::v1::Sandbox& sandbox);
  // A line of its own: the gateway went away, and the like. Shown even when not enabled.
  void Say(const std::string& line);

 private:
  void Clear();

  std::ostream& out_;
  const bool terminal_;
  const bool enabled_;
  bool line_open_ = false;
  std::string last_;
};

}  // namespace holdfast::command_line

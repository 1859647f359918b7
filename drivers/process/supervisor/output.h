// SPDX-License-Identifier: Apache-2.0
//
// The workload's output, bounded: output.log, and output.log.1 with what was before it. A full disk
// costs output, never the workload's progress.
#pragma once

#include <cstddef>

namespace holdfast::drivers::process::supervisor {

class OutputLog {
 public:
  explicit OutputLog(int directory) : directory_(directory) {}
  ~OutputLog();
  OutputLog(const OutputLog&) = delete;
  OutputLog& operator=(const OutputLog&) = delete;

  // Copies what can be read from `fd` without waiting, at most `bytes_max`. False at its end.
  bool CopyFrom(int fd, std::size_t bytes_max);

 private:
  void Append(const char* bytes, std::size_t size);

  const int directory_;
  int file_ = -1;
  std::size_t size_ = 0;
};

}  // namespace holdfast::drivers::process::supervisor

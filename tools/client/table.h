// SPDX-License-Identifier: Apache-2.0
//
// Plain tables: a heading, columns two spaces apart, the last one never padded, nothing ever cut.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::client {

class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}

  // REQUIRES: as many cells as the heading has. An empty cell is shown as "-", a line break or
  // other control character as a space.
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.size() == 1; }
  std::string Render() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Control characters as spaces, bytes that are no UTF-8 as "?": what a participant says must not
// steer somebody's terminal.
std::string OneLine(std::string_view text);

}  // namespace holdfast::client

// SPDX-License-Identifier: Apache-2.0
//
// Reads a TOML table strictly: every key that is asked for is known, every other is a mistake, and
// a mistake names file, line, key and what would be right. All mistakes are gathered, so that an
// operator mends them in one go. Since knowing a key and reading it are one call, the list of known
// keys (which docs/configuration.md is checked against) cannot drift from what is read.
#pragma once

#include <toml++/toml.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace holdfast::gateway {

// What is wrong with one file, and which keys were asked for while reading it.
class ConfigReport {
 public:
  explicit ConfigReport(std::string file) : file_(std::move(file)) {}

  void Mistake(std::uint32_t line, std::string_view key, std::string_view text);
  void Known(std::string key) { known_.insert(std::move(key)); }

  const std::set<std::string>& known() const { return known_; }
  // InvalidArgument with one mistake a line, in the order of the file; ok when there are none.
  absl::Status status() const;

 private:
  std::string file_;
  std::vector<std::pair<std::uint32_t, std::string>> mistakes_;
  std::set<std::string> known_;
};

// The nearest of `words`, or empty when none is near enough to be what was meant.
std::string_view Nearest(std::string_view word, std::span<const std::string> words);

// One table. Every Read leaves `out` alone when the key is absent or wrong. REQUIRES: the document
// and the report outlive it; Done is called once, after all reads.
class TableReader {
 public:
  // `path` is the table's own dotted key, empty for the root; `table` may be null: an absent table.
  TableReader(const toml::table* table, std::string path, ConfigReport& report)
      : table_(table), path_(std::move(path)), report_(&report) {}

  void Read(std::string_view key, std::string& out);
  void ReadBool(std::string_view key, bool& out);
  void ReadAbsolutePath(std::string_view key, std::string& out);
  void ReadChoice(std::string_view key, std::span<const std::string_view> choices,
                  std::string& out);
  // Bounds are inclusive.
  void ReadInteger(std::string_view key, std::int64_t min, std::int64_t max, std::int64_t& out);
  void ReadMillis(std::string_view key, std::int64_t min, std::int64_t max,
                  std::chrono::milliseconds& out);
  // A duration with its unit (support/times.h), or the word `none`, which empties `out`.
  void ReadDuration(std::string_view key, std::string_view none,
                    std::optional<std::chrono::milliseconds>& out);
  void ReadStrings(std::string_view key, std::vector<std::string>& out);
  // string = string pairs.
  void ReadStringMap(std::string_view key, std::map<std::string, std::string>& out);
  template <typename Number>
  void ReadNumber(std::string_view key, std::int64_t min, std::int64_t max, Number& out) {
    auto value = static_cast<std::int64_t>(out);
    ReadInteger(key, min, max, value);
    out = static_cast<Number>(value);
  }

  // The sub-table, or an empty one.
  TableReader Table(std::string_view key);
  // Sub-tables under names of drivers or extensions: [key.NAME]. What is not a table is a mistake.
  std::vector<std::pair<std::string, TableReader>> Named(std::string_view key);

  bool present() const { return table_ != nullptr; }
  bool Has(std::string_view key) const;
  // A mistake at this key (or at the table itself when the key is absent).
  void Mistake(std::string_view key, std::string_view text);
  // A well-known error: this key belongs elsewhere; `text` says where.
  void Misplaced(std::string_view key, std::string_view text);
  // Text that is the same for equal content, whatever order and layout it was written in.
  std::string Canonical() const;

  // Every key that nobody asked for is a mistake.
  void Done();

 private:
  const toml::node* Find(std::string_view key);
  std::string KeyOf(std::string_view key) const;
  std::uint32_t LineOf(std::string_view key) const;

  const toml::table* table_;
  std::string path_;
  ConfigReport* report_;
  std::set<std::string, std::less<>> asked_;
  std::set<std::string, std::less<>> misplaced_;
};

}  // namespace holdfast::gateway

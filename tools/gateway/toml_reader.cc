// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/toml_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <sstream>

#include "support/times.h"

namespace holdfast::gateway {
namespace {

std::string_view TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

void ConfigReport::Mistake(std::uint32_t line, std::string_view key, std::string_view text) {
  mistakes_.emplace_back(line, key.empty() ? fmt::format("{}:{}: {}", file_, line, text)
                                           : fmt::format("{}:{}: {}: {}", file_, line, key, text));
}

absl::Status ConfigReport::status() const {
  if (mistakes_.empty()) return absl::OkStatus();
  auto sorted = mistakes_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string_view> lines;
  for (const auto& [line, text] : sorted) lines.push_back(text);
  return absl::InvalidArgumentError(fmt::format("{}", fmt::join(lines, "\n")));
}

std::string_view Nearest(std::string_view word, std::span<const std::string> words) {
  std::string_view best;
  // A third of the letters may be wrong, at least two: more is another word.
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : words) {
    const std::size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string TableReader::KeyOf(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::uint32_t TableReader::LineOf(std::string_view key) const {
  if (table_ == nullptr) return 1;
  const toml::node* node = table_->get(key);
  return (node != nullptr ? node->source() : table_->source()).begin.line;
}

bool TableReader::Has(std::string_view key) const {
  return table_ != nullptr && table_->get(key) != nullptr;
}

void TableReader::Mistake(std::string_view key, std::string_view text) {
  report_->Mistake(LineOf(key), KeyOf(key), text);
}

void TableReader::Misplaced(std::string_view key, std::string_view text) {
  if (!Has(key)) return;
  misplaced_.emplace(key);
  Mistake(key, text);
}

const toml::node* TableReader::Find(std::string_view key) {
  asked_.emplace(key);
  report_->Known(KeyOf(key));
  return table_ == nullptr ? nullptr : table_->get(key);
}

void TableReader::Read(std::string_view key, std::string& out) {
  const toml::node* node = Find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::string>();
  if (!value) {
    return Mistake(key, fmt::format("must be a string in quotes, not {}", TypeName(*node)));
  }
  out = *value;
}

void TableReader::ReadBool(std::string_view key, bool& out) {
  const toml::node* node = Find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<bool>();
  if (!value) return Mistake(key, fmt::format("must be true or false, not {}", TypeName(*node)));
  out = *value;
}

void TableReader::ReadAbsolutePath(std::string_view key, std::string& out) {
  std::string value;
  Read(key, value);
  if (!Has(key) || !table_->get(key)->is_string()) return;
  if (!value.starts_with('/')) {
    return Mistake(key, fmt::format("must be an absolute path, not \"{}\"", value));
  }
  out = std::move(value);
}

void TableReader::ReadChoice(std::string_view key, std::span<const std::string_view> choices,
                             std::string& out) {
  std::string value;
  Read(key, value);
  if (!Has(key) || !table_->get(key)->is_string()) return;
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    return Mistake(key,
                   fmt::format("must be one of {}, not \"{}\"", fmt::join(choices, ", "), value));
  }
  out = std::move(value);
}

void TableReader::ReadInteger(std::string_view key, std::int64_t min, std::int64_t max,
                              std::int64_t& out) {
  const toml::node* node = Find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::int64_t>();
  if (!value) {
    return Mistake(
        key, fmt::format("must be an integer from {} to {}, not {}", min, max, TypeName(*node)));
  }
  if (*value < min || *value > max) {
    return Mistake(key, fmt::format("must be from {} to {}, not {}", min, max, *value));
  }
  out = *value;
}

void TableReader::ReadMillis(std::string_view key, std::int64_t min, std::int64_t max,
                             std::chrono::milliseconds& out) {
  std::int64_t value = out.count();
  ReadInteger(key, min, max, value);
  out = std::chrono::milliseconds(value);
}

void TableReader::ReadDuration(std::string_view key, std::string_view none,
                               std::optional<std::chrono::milliseconds>& out) {
  std::string value;
  Read(key, value);
  if (!Has(key) || !table_->get(key)->is_string()) return;
  if (value == none) {
    out.reset();
  } else if (const auto duration = support::ParseDuration(value)) {
    out = *duration;
  } else {
    Mistake(key, fmt::format("must be \"{}\", or a duration like \"90s\", \"10m\", \"720h\" or "
                             "\"30d\", not \"{}\"",
                             none, value));
  }
}

void TableReader::ReadStrings(std::string_view key, std::vector<std::string>& out) {
  const toml::node* node = Find(key);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    return Mistake(key, fmt::format("must be an array of strings, not {}", TypeName(*node)));
  }
  std::vector<std::string> values;
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::string>();
    if (!value) {
      report_->Mistake(element.source().begin.line, KeyOf(key),
                       fmt::format("must hold strings only, not {}", TypeName(element)));
      return;
    }
    values.push_back(*value);
  }
  out = std::move(values);
}

void TableReader::ReadStringMap(std::string_view key, std::map<std::string, std::string>& out) {
  const toml::node* node = Find(key);
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    return Mistake(key, fmt::format("must be a table of strings, not {}", TypeName(*node)));
  }
  std::map<std::string, std::string> values;
  for (const auto& [name, element] : *table) {
    const auto value = element.value_exact<std::string>();
    if (!value) {
      report_->Mistake(element.source().begin.line, fmt::format("{}.{}", KeyOf(key), name.str()),
                       fmt::format("must be a string in quotes, not {}", TypeName(element)));
      return;
    }
    values.emplace(name.str(), *value);
  }
  out = std::move(values);
}

TableReader TableReader::Table(std::string_view key) {
  const toml::node* node = Find(key);
  const toml::table* table = node == nullptr ? nullptr : node->as_table();
  if (node != nullptr && table == nullptr) {
    Mistake(key, fmt::format("must be a table [{}], not {}", KeyOf(key), TypeName(*node)));
  }
  return {table, KeyOf(key), *report_};
}

std::vector<std::pair<std::string, TableReader>> TableReader::Named(std::string_view key) {
  TableReader parent = Table(key);
  std::vector<std::pair<std::string, TableReader>> named;
  if (parent.table_ == nullptr) return named;
  for (const auto& [name, node] : *parent.table_) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      parent.Mistake(name.str(), fmt::format("must be a table [{}], not {}",
                                             parent.KeyOf(name.str()), TypeName(node)));
      continue;
    }
    named.emplace_back(std::string(name.str()),
                       TableReader(table, parent.KeyOf(name.str()), *report_));
  }
  return named;
}

std::string TableReader::Canonical() const {
  if (table_ == nullptr) return "{}";
  std::ostringstream out;
  out << toml::json_formatter{*table_};  // tables are kept in the order of their keys
  return out.str();
}

void TableReader::Done() {
  if (table_ == nullptr) return;
  const std::vector<std::string> known(asked_.begin(), asked_.end());
  for (const auto& [name, node] : *table_) {
    const std::string_view key = name.str();
    if (asked_.contains(key) || misplaced_.contains(key)) continue;
    const std::string_view nearest = Nearest(key, known);
    std::string text;
    if (!nearest.empty()) {
      text = fmt::format("unknown key; did you mean \"{}\"?", nearest);
    } else if (known.empty()) {
      text = fmt::format("unknown key; [{}] has no keys", path_);
    } else {
      text = fmt::format("unknown key; {} knows {}",
                         path_.empty() ? std::string("the file") : fmt::format("[{}]", path_),
                         fmt::join(known, ", "));
    }
    report_->Mistake(node.source().begin.line, KeyOf(key), text);
  }
}

}  // namespace holdfast::gateway

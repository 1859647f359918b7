// SPDX-License-Identifier: Apache-2.0
//
// Executes the worked example of docs/journal-format.md, as it stands there: the document is the
// test.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::TempDir;

std::vector<std::string> ExampleLines() {
  std::ifstream document(HOLDFAST_JOURNAL_FORMAT_DOC);
  std::vector<std::string> lines;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (inside && line == "```") return lines;
    if (inside) lines.push_back(line);
    if (line == "```journal-example") inside = true;
  }
  return {};
}

std::string FromHex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

RecordKind KindOf(const std::string& word) {
  if (word == "intent") return RecordKind::kIntent;
  return word == "outcome" ? RecordKind::kOutcome : RecordKind::kEvent;
}

TEST(JournalFormat, TheWorkedExampleOfTheDocumentIsTrue) {
  const std::vector<std::string> lines = ExampleLines();
  ASSERT_FALSE(lines.empty()) << "no example in " << HOLDFAST_JOURNAL_FORMAT_DOC;
  const TempDir dir;
  const std::string path = dir.File("journal.db");
  auto journal = OpenJournal(path);
  int appends = 0;
  int queries = 0;
  for (std::size_t i = 0; i < lines.size();) {
    std::istringstream words(lines[i++]);
    std::string verb;
    words >> verb;
    if (verb == "append") {
      Batch batch;
      std::string live;
      words >> batch.sandbox_id >> batch.expected_sequence >> batch.projection.state >> live;
      batch.projection.live = live == "live";
      for (; i < lines.size() && lines[i].starts_with("  "); ++i) {
        std::istringstream fields(lines[i]);
        Draft draft;
        std::string kind, payload;
        fields >> kind >> draft.time_unix_ms >> draft.type >> payload;
        draft.kind = KindOf(kind);
        draft.payload = FromHex(payload);
        batch.drafts.push_back(std::move(draft));
      }
      ASSERT_THAT(journal->Append(std::move(batch)), IsOk()) << lines[i - 1];
      ++appends;
    } else if (verb == "flush") {
      ASSERT_THAT(journal->Flush(), IsOk());
    } else if (verb == "rows") {
      std::string query;
      std::getline(words, query);
      std::vector<std::string> expected;
      for (; i < lines.size() && !lines[i].empty(); ++i) expected.push_back(lines[i]);
      EXPECT_EQ(QueryRows(path, query), expected) << query;
      ++queries;
    } else {
      ASSERT_EQ(verb, "") << "a line of the example that this test does not know";
    }
  }
  EXPECT_EQ(appends, 3);
  EXPECT_EQ(queries, 7);
}

TEST(JournalFormat, TheMarksOfTheFileAreThoseOfTheDocument) {
  const TempDir dir;
  const std::string path = dir.File("journal.db");
  OpenJournal(path).reset();

  EXPECT_EQ(QueryRows(path, "PRAGMA application_id"), std::vector<std::string>{"1212566092"});
  EXPECT_EQ(QueryRows(path, "PRAGMA user_version"), std::vector<std::string>{"2"});
  EXPECT_EQ(QueryRows(path, "PRAGMA page_size"), std::vector<std::string>{"4096"});
  EXPECT_EQ(QueryRows(path, "PRAGMA journal_mode"), std::vector<std::string>{"wal"});
}

}  // namespace
}  // namespace holdfast::journal

// SPDX-License-Identifier: Apache-2.0
//
// Taking a journal: one holder at a time, a new epoch each time, and hands off files that are not
// ours.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "journal/schema.h"
#include "journal/sqlite.h"
#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::IsOkAndHolds;
using ::holdfast::testing::StatusIs;
using ::holdfast::testing::TempDir;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class JournalOpen : public ::testing::Test {
 protected:
  const TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
};

TEST_F(JournalOpen, MakesAJournalWithANameOfItsOwn) {
  const auto one = OpenJournal(path_);
  const auto other = OpenJournal(dir_.File("other.db"));

  EXPECT_EQ(one->reader().journal_id().size(), 32U);
  EXPECT_NE(one->reader().journal_id(), other->reader().journal_id());
}

TEST_F(JournalOpen, MakesFilesThatOnlyTheirOwnerCanRead) {
  const auto journal = OpenJournal(path_);
  ASSERT_THAT(journal->Append(EventBatch("a", 0)), IsOk());

  using std::filesystem::perms;
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    EXPECT_EQ(std::filesystem::status(path_ + suffix).permissions(),
              perms::owner_read | perms::owner_write)
        << path_ << suffix;
  }
}

TEST_F(JournalOpen, OverwritesWhatItDeletesHoweverSqliteWasBuilt) {
  ASSERT_THAT(OpenJournal(path_)->Close(), IsOk());
  HF_ASSERT_OK_AND_ASSIGN(Database database, Database::Open(path_, OpenMode::kReadWrite));
  ASSERT_THAT(database.Execute("PRAGMA secure_delete = OFF"), IsOk());

  ASSERT_THAT(ConfigureWriter(database), IsOk());

  EXPECT_THAT(database.QueryText("PRAGMA secure_delete"), IsOkAndHolds("1"));
}

TEST_F(JournalOpen, SaysNotFoundWhenItMayNotMakeOne) {
  Options options = OptionsFor(path_);
  options.create_if_missing = false;

  EXPECT_THAT(Journal::Open(options), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

TEST_F(JournalOpen, SaysUnavailableWhenTheDirectoryIsMissing) {
  EXPECT_THAT(Journal::Open(OptionsFor(dir_.File("none/journal.db"))),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(JournalOpen, RaisesTheEpochEachTime) {
  OpenJournal(path_).reset();
  OpenJournal(path_).reset();

  EXPECT_EQ(OpenJournal(path_)->epoch(), 3U);
}

TEST_F(JournalOpen, TellsWhoHeldItBefore) {
  Options options = OptionsFor(path_);
  options.owner = "predecessor";
  options.boot_id = "boot-0";
  ASSERT_THAT(Journal::Open(options), IsOk());

  const auto journal = OpenJournal(path_);

  EXPECT_EQ(journal->previous_ownership().owner, "predecessor");
  EXPECT_EQ(journal->previous_ownership().boot_id, "boot-0");
  EXPECT_EQ(journal->previous_ownership().epoch, 1U);
  EXPECT_EQ(journal->previous_ownership().pid, ::getpid());
}

TEST_F(JournalOpen, KeepsRecordsAcrossAReopen) {
  ASSERT_THAT(OpenJournal(path_)->Append(EventBatch("a", 0, 3)), IsOk());

  const auto journal = OpenJournal(path_);

  EXPECT_EQ(ReadAll(journal->reader(), "a").size(), 3U);
  EXPECT_THAT(journal->Append(EventBatch("a", 3)), IsOk());
}

TEST_F(JournalOpen, RefusesASecondWriterAndNamesTheFirst) {
  const auto journal = OpenJournal(path_);

  EXPECT_THAT(Journal::Open(OptionsFor(path_)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("test, pid " + std::to_string(::getpid())),
                             ContainsRegex("since [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z"))));
  EXPECT_THAT(journal->Append(EventBatch("a", 0)), IsOk());
}

TEST_F(JournalOpen, RefusesASecondWriterInAnotherProcess) {
  // The child is there before the journal's threads are: what is forked beside a running thread may
  // inherit a lock that nobody ever opens again.
  int held[2];
  ASSERT_EQ(::pipe(held), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    char byte = 0;
    if (::read(held[0], &byte, 1) != 1) ::_exit(2);
    const auto second = Journal::Open(OptionsFor(path_));
    ::_exit(absl::IsFailedPrecondition(second.status()) ? 0 : 1);
  }
  const auto journal = OpenJournal(path_);
  ASSERT_EQ(::write(held[1], "y", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);

  EXPECT_EQ(status, 0);
}

TEST_F(JournalOpen, IsHeldUnderItsOtherNamesToo) {
  const auto journal = OpenJournal(path_);
  std::filesystem::create_symlink(path_, dir_.File("other.db"));

  EXPECT_THAT(Journal::Open(OptionsFor(dir_.File("other.db"))),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(JournalOpen, IsFreeAgainWhenTheHolderWasKilled) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto journal = OpenJournal(path_);
    if (::write(ready[1], "y", 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_THAT(Journal::Open(OptionsFor(path_)), StatusIs(absl::StatusCode::kFailedPrecondition));
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);

  const auto journal = OpenJournal(path_);

  EXPECT_EQ(journal->epoch(), 2U);
}

// Another process took the journal although we hold the lock (a copied lock file, a broken file
// system): the epoch in the file fences us at the next commit, and for ever.
TEST_F(JournalOpen, IsFencedForEverWhenItsEpochWasTaken) {
  const auto journal = OpenJournal(path_);
  ASSERT_THAT(journal->Append(EventBatch("a", 0)), IsOk());
  Meddle(path_, "UPDATE meta SET value = value + 1 WHERE name = 'epoch'");

  const auto fenced = StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("epoch 2"));
  EXPECT_THAT(journal->Append(EventBatch("a", 7)), fenced) << "although it would be refused alone";
  EXPECT_THAT(journal->Append(EventBatch("a", 1)), fenced);
  Meddle(path_, "UPDATE meta SET value = 1 WHERE name = 'epoch'");
  EXPECT_THAT(journal->Append(EventBatch("a", 1)), fenced);
  EXPECT_FALSE(journal->sound());
  EXPECT_EQ(ReadAll(journal->reader(), "a").size(), 1U);
}

// Opens what stands at the path, by the writer and by the reader, and demands that both refuse it
// with the code and that nothing in the directory was touched.
class JournalOpenForeign : public JournalOpen {
 protected:
  void ExpectRefusedAndUntouched(absl::StatusCode code, const std::string& message) {
    const auto before = Listing();
    EXPECT_THAT(Journal::Open(OptionsFor(path_)), StatusIs(code, HasSubstr(message)));
    EXPECT_THAT(Reader::Open(path_), StatusIs(code, HasSubstr(message)));
    EXPECT_EQ(Listing(), before);
  }
  std::vector<std::string> Listing() {
    std::vector<std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(dir_.path())) {
      struct stat status {};
      ::stat(file.path().c_str(), &status);
      files.push_back(file.path().string() + " " + std::to_string(status.st_mtim.tv_sec) + "." +
                      std::to_string(status.st_mtim.tv_nsec) + " " +
                      (file.is_regular_file() ? ReadBytes(file.path().string()) : ""));
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  // A closed journal alone, without the files that its writer leaves beside it.
  void MakeClosedJournal() {
    ASSERT_THAT(OpenJournal(path_)->Append(EventBatch("a", 0, 100)), IsOk());
    for (const char* suffix : {"-wal", "-shm", ".lock"}) std::filesystem::remove(path_ + suffix);
  }
};

TEST_F(JournalOpenForeign, RefusesAFileThatIsNotSqlite) {
  WriteBytes(path_, std::string(5'000, 'x'));
  ExpectRefusedAndUntouched(absl::StatusCode::kFailedPrecondition, "not a Holdfast journal");
}

TEST_F(JournalOpenForeign, RefusesAFewBytesOfSomethingElse) {
  WriteBytes(path_, "hello");
  ExpectRefusedAndUntouched(absl::StatusCode::kFailedPrecondition, "not a Holdfast journal");
}

TEST_F(JournalOpenForeign, RefusesAnEmptyFile) {
  WriteBytes(path_, "");
  ExpectRefusedAndUntouched(absl::StatusCode::kFailedPrecondition, "empty");
}

TEST_F(JournalOpenForeign, RefusesADirectory) {
  std::filesystem::create_directory(path_);
  ExpectRefusedAndUntouched(absl::StatusCode::kFailedPrecondition, "not a regular file");
}

TEST_F(JournalOpenForeign, RefusesAnSqliteFileOfAnotherApplication) {
  MakeClosedJournal();
  std::string bytes = ReadBytes(path_);
  bytes[71] = 'X';  // application_id
  WriteBytes(path_, bytes);
  ExpectRefusedAndUntouched(absl::StatusCode::kFailedPrecondition, "another application");
}

TEST_F(JournalOpenForeign, RefusesAFileOfANewerVersion) {
  MakeClosedJournal();
  std::string bytes = ReadBytes(path_);
  bytes[63] = 3;  // user_version
  WriteBytes(path_, bytes);
  ExpectRefusedAndUntouched(absl::StatusCode::kFailedPrecondition, "version 3");
}

// A newer program was killed right after it had brought the file to its version: the mark is in the
// WAL, and the header of the file itself still says otherwise.
TEST_F(JournalOpenForeign, RefusesAFileWhoseNewerVersionIsInTheWalOnly) {
  const std::string original = dir_.File("original.db");
  const auto keeps_the_wal = OpenJournal(original);
  Meddle(original, "PRAGMA user_version = 99");
  for (const char* suffix : {"", "-wal"}) {
    WriteBytes(path_ + suffix, ReadBytes(original + suffix));
  }
  const std::string file = ReadBytes(path_);
  ASSERT_NE(file[63], 99);  // user_version

  const auto refused = StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("version 99"));
  EXPECT_THAT(Reader::Open(path_), refused);
  EXPECT_THAT(Journal::Open(OptionsFor(path_)), refused);
  EXPECT_TRUE(ReadBytes(path_) == file);
  EXPECT_TRUE(ReadBytes(path_ + "-wal") == ReadBytes(original + "-wal"));
}

TEST_F(JournalOpenForeign, RefusesATruncatedFile) {
  MakeClosedJournal();
  const std::string bytes = ReadBytes(path_);
  WriteBytes(path_, std::string_view(bytes).substr(0, bytes.size() / 2));
  ExpectRefusedAndUntouched(absl::StatusCode::kDataLoss, "truncated");
}

TEST_F(JournalOpenForeign, RefusesAFileOfWhichOnlyTheFirstBytesAreLeft) {
  MakeClosedJournal();
  const std::string bytes = ReadBytes(path_);
  WriteBytes(path_, std::string_view(bytes).substr(0, 50));
  ExpectRefusedAndUntouched(absl::StatusCode::kDataLoss, "truncated");
}

TEST_F(JournalOpenForeign, RefusesAFileThatItMayNotRead) {
  MakeClosedJournal();
  std::filesystem::permissions(path_, std::filesystem::perms::none);
  std::filesystem::permissions(dir_.path(), std::filesystem::perms::all);
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::seteuid(65'534), 0);  // nobody: root may read everything
  }
  const absl::Status status = Journal::Open(OptionsFor(path_)).status();
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("cannot be read")));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".lock"));
}

// A draft of a journal that a crash left behind is no obstacle.
TEST_F(JournalOpen, MakesAJournalOverTheRemainsOfAnInterruptedAttempt) {
  WriteBytes(path_ + ".holdfast-unfinished", "half of one");

  EXPECT_THAT(OpenJournal(path_)->Append(EventBatch("a", 0)), IsOk());
}

TEST_F(JournalOpen, TakesAPathWithCharactersThatAUriWouldRead) {
  const std::string odd = dir_.File("100%?mode=memory#1 journal.db");

  ASSERT_THAT(OpenJournal(odd)->Append(EventBatch("a", 0)), IsOk());

  EXPECT_TRUE(std::filesystem::exists(odd));
}

TEST_F(JournalOpen, MakesNoJournalBesideTheWalOfALostOne) {
  WriteBytes(path_ + "-wal", "what was not moved into the file yet");

  EXPECT_THAT(Journal::Open(OptionsFor(path_)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(path_ + "-wal")));

  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(ReadBytes(path_ + "-wal"), "what was not moved into the file yet");
}

}  // namespace
}  // namespace holdfast::journal

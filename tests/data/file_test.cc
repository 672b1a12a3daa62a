#include "data/file.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FileTest, ReadsBackWhatWasWrittenAtomically) {
  const ScratchFolder folder;
  const std::string path = folder.Path("a");
  const std::string bytes("zero\0byte\n", 10);
  ASSERT_TRUE(WriteFileAtomically(path, "older and longer than the new content").ok());
  ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
  EXPECT_EQ(*ReadFile(path), bytes);
  EXPECT_THAT(*ListDirectory(folder.path()), ElementsAre("a"));  // no temporary file is left
}

TEST(FileTest, NamesThePathAndTheReasonInErrors) {
  const ScratchFolder folder;
  const absl::Status missing = ReadFile(folder.Path("none")).status();
  EXPECT_TRUE(absl::IsNotFound(missing));
  EXPECT_THAT(std::string(missing.message()),
              AllOf(HasSubstr(folder.Path("none")), HasSubstr("No such file")));
  const absl::Status is_folder = ReadFile(folder.path()).status();
  EXPECT_THAT(std::string(is_folder.message()), HasSubstr("Is a directory"));
  const absl::Status no_parent = WriteFileAtomically(folder.Path("no/such"), "x");
  EXPECT_THAT(std::string(no_parent.message()), HasSubstr("No such file"));
}

TEST(FileTest, LeavesNothingBehindWhenTheTargetCannotBeReplaced) {
  const ScratchFolder folder;
  ASSERT_TRUE(MakeDirectories(folder.Path("taken/inside")).ok());
  EXPECT_FALSE(WriteFileAtomically(folder.Path("taken"), "x").ok());
  EXPECT_THAT(*ListDirectory(folder.path()), ElementsAre("taken"));
}

TEST(FileTest, MakesFoldersOnceAndRefusesAFileInTheWay) {
  const ScratchFolder folder;
  ASSERT_TRUE(MakeDirectories(folder.Path("a/b//c/")).ok());
  ASSERT_TRUE(MakeDirectories(folder.Path("a/b/c")).ok());
  EXPECT_TRUE(DirectoryExists(folder.Path("a/b/c")));
  ASSERT_TRUE(WriteFileAtomically(folder.Path("file"), "").ok());
  EXPECT_TRUE(FileExists(folder.Path("file")));
  EXPECT_FALSE(MakeDirectories(folder.Path("file")).ok());
  EXPECT_FALSE(MakeDirectories(folder.Path("file/below")).ok());
  EXPECT_FALSE(MakeDirectories("").ok());
}

TEST(FileTest, RemovesATreeWithoutFollowingLinks) {
  const ScratchFolder folder;
  ASSERT_TRUE(MakeDirectories(folder.Path("kept")).ok());
  ASSERT_TRUE(WriteFileAtomically(folder.Path("kept/file"), "x").ok());
  ASSERT_TRUE(MakeDirectories(folder.Path("tree/below")).ok());
  ASSERT_EQ(symlink(folder.Path("kept").c_str(), folder.Path("tree/below/link").c_str()), 0);
  ASSERT_TRUE(RemoveTree(folder.Path("tree")).ok());
  ASSERT_TRUE(RemoveTree(folder.Path("tree")).ok());
  EXPECT_FALSE(DirectoryExists(folder.Path("tree")));
  EXPECT_TRUE(FileExists(folder.Path("kept/file")));
}

TEST(AppendOnlyFileTest, GrowsAcrossOpeningsAndIsCutBack) {
  const ScratchFolder folder;
  const std::string path = folder.Path("log");
  {
    const auto file = *AppendOnlyFile::Open(path);
    ASSERT_TRUE(file->Append("one\n").ok());
  }
  const auto file = *AppendOnlyFile::Open(path);
  EXPECT_EQ(file->size(), 4);
  ASSERT_TRUE(file->Append("two\n").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(file->TruncateTo(4).ok());
  ASSERT_TRUE(file->Append("three\n").ok());
  EXPECT_EQ(*ReadFile(path), "one\nthree\n");
  EXPECT_TRUE(absl::IsOutOfRange(file->TruncateTo(100)));
}

}  // namespace
}  // namespace grpo

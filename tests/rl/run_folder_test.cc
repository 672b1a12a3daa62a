#include "rl/run_folder.h"

#include "absl/strings/match.h"
#include <gtest/gtest.h>

#include "data/file.h"
#include "tests/data/scratch_folder.h"
#include "tests/rl/small_run.h"

namespace grpo {
namespace {

Recipe SmallRecipe(const std::string& folder) {
  auto recipe = ParseRecipe(kSmallRecipe, "small.toml", {"run.dir=" + folder});
  EXPECT_TRUE(recipe.ok()) << recipe.status();
  return *recipe;
}

TEST(PrepareRunFolderTest, MakesANewFolder) {
  const ScratchFolder folder;
  EXPECT_EQ(*PrepareRunFolder(SmallRecipe(folder.Path("a/b")), false), "");
  EXPECT_TRUE(DirectoryExists(folder.Path("a/b")));
}

TEST(PrepareRunFolderTest, RefusesToWriteOverAnotherRun) {
  const ScratchFolder folder;
  const Recipe recipe = SmallRecipe(folder.path());
  ASSERT_TRUE(
      WriteFileAtomically(folder.Path("recipe.resolved.toml"), ResolvedRecipe(recipe)).ok());
  const absl::Status status = PrepareRunFolder(recipe, false).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(absl::StrContains(status.message(), "--resume"));
}

TEST(PrepareRunFolderTest, RefusesToResumeNothing) {
  const ScratchFolder folder;
  EXPECT_EQ(PrepareRunFolder(SmallRecipe(folder.path()), true).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(PrepareRunFolderTest, RefusesToResumeWithAnotherRecipeAndShowsTheDifference) {
  const ScratchFolder folder;
  Recipe recipe = SmallRecipe(folder.path());
  ASSERT_TRUE(
      WriteFileAtomically(folder.Path("recipe.resolved.toml"), ResolvedRecipe(recipe)).ok());
  recipe.grpo.group_size = 16;
  const absl::Status status = PrepareRunFolder(recipe, true).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "group_size = 4")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "group_size = 16")) << status;
}

TEST(PrepareRunFolderTest, ResumesWithOtherThreadsAndCheckpointIntervals) {
  const ScratchFolder folder;
  Recipe recipe = SmallRecipe(folder.path());
  ASSERT_TRUE(
      WriteFileAtomically(folder.Path("recipe.resolved.toml"), ResolvedRecipe(recipe)).ok());
  recipe.run.threads = 7;
  recipe.checkpoint.every_steps = 1;
  EXPECT_TRUE(PrepareRunFolder(recipe, true).ok());
}

}  // namespace
}  // namespace grpo

#include "rl/checkpoint.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "data/file.h"
#include "tests/data/scratch_folder.h"
#include "tests/rl/tiny_batch.h"

namespace grpo {
namespace {

class CheckpointTest : public testing::Test {
 protected:
  absl::Status Write(int64_t step, int keep = 2, int64_t best = -1) {
    CheckpointContents contents;
    contents.state["cursor"] = "c" + std::to_string(step);
    contents.weights = &weights_;
    contents.extras.tokenizer_json = "{}";
    contents.tensors["optimizer"] = {{"m.w", at::ones({2})}};
    return WriteCheckpoint(folder_.path(), step, contents, keep, best);
  }

  ScratchFolder folder_;
  Weights weights_ = Weights::Random(TinyConfig(), 0.1, 1);
};

TEST_F(CheckpointTest, IsFoundVerifiedAndReadBack) {
  ASSERT_TRUE(Write(7).ok());
  const auto latest = LatestCheckpoint(folder_.path());
  ASSERT_TRUE(latest.ok());
  EXPECT_EQ(*latest, folder_.Path("checkpoints/step-7"));
  EXPECT_TRUE(VerifyCheckpoint(*latest).ok());
  EXPECT_EQ((*ReadCheckpointState(*latest))["cursor"], "c7");
  EXPECT_EQ(LoadPolicyFolder(*latest)->Digest(), weights_.Digest());
}

TEST_F(CheckpointTest, KeepsTheNewestOnes) {
  for (int64_t step : {5, 10, 100}) ASSERT_TRUE(Write(step).ok());
  EXPECT_EQ(*ListDirectory(folder_.Path("checkpoints")),
            (std::vector<std::string>{"step-10", "step-100"}));
}

TEST_F(CheckpointTest, KeepsTheBestOneToo) {
  for (int64_t step : {5, 10, 15, 20}) ASSERT_TRUE(Write(step, 1, /*best=*/10).ok());
  EXPECT_EQ(*ListDirectory(folder_.Path("checkpoints")),
            (std::vector<std::string>{"step-10", "step-20"}));
  ASSERT_TRUE(Write(25, 1, /*best=*/20).ok());
  EXPECT_EQ(*ListDirectory(folder_.Path("checkpoints")),
            (std::vector<std::string>{"step-20", "step-25"}));
}

TEST_F(CheckpointTest, ReplacesOneOfTheSameStep) {
  ASSERT_TRUE(Write(5).ok());
  weights_ = Weights::Random(TinyConfig(), 0.1, 2);
  ASSERT_TRUE(Write(5, 1).ok());
  EXPECT_EQ(LoadPolicyFolder(folder_.Path("checkpoints/step-5"))->Digest(), weights_.Digest());
  EXPECT_EQ(ListDirectory(folder_.Path("checkpoints"))->size(), 1u);
}

TEST_F(CheckpointTest, IgnoresWhatAKillLeftHalfWritten) {
  ASSERT_TRUE(Write(5).ok());
  ASSERT_TRUE(MakeDirectories(folder_.Path("checkpoints/.unfinished-9")).ok());
  EXPECT_EQ(*LatestCheckpoint(folder_.path()), folder_.Path("checkpoints/step-5"));
}

TEST_F(CheckpointTest, SaysThatThereIsNoneWhereThereIsNone) {
  EXPECT_EQ(*LatestCheckpoint(folder_.path()), "");
}

TEST_F(CheckpointTest, NamesAFileThatChangedOrIsGone) {
  ASSERT_TRUE(Write(5).ok());
  const std::string checkpoint = folder_.Path("checkpoints/step-5");
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "state.json",
                           "config.json", "tokenizer.json"}) {
    const std::string path = checkpoint + "/" + name;
    const std::string bytes = *ReadFile(path);
    std::string changed = bytes;
    changed[changed.size() / 2] ^= 1;
    ASSERT_TRUE(WriteFileAtomically(path, changed).ok());
    EXPECT_NE(VerifyCheckpoint(checkpoint).message().find(name), absl::string_view::npos);
    ASSERT_TRUE(WriteFileAtomically(path, bytes.substr(0, bytes.size() / 2)).ok());
    EXPECT_NE(VerifyCheckpoint(checkpoint).message().find(name), absl::string_view::npos);
    ASSERT_TRUE(RemoveTree(path).ok());
    EXPECT_NE(VerifyCheckpoint(checkpoint).message().find(name), absl::string_view::npos);
    ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
  }
  EXPECT_TRUE(VerifyCheckpoint(checkpoint).ok());
  ASSERT_TRUE(WriteFileAtomically(checkpoint + "/digests.json", "[]").ok());
  EXPECT_NE(VerifyCheckpoint(checkpoint).message().find("digests.json"), absl::string_view::npos);
}

}  // namespace
}  // namespace grpo

#include "rl/convert_command.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "policy/checkpoint_reader.h"
#include "tests/data/scratch_folder.h"
#include "tests/policy/tiny_checkpoint.h"

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::Status Converted(const std::vector<std::string>& words) {
  std::vector<std::string> arguments = {"convert"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  EXPECT_TRUE(line.ok()) << line.status();
  return line.ok() ? RunConvert(*line) : line.status();
}

TEST(ConvertCommandTest, GoesToGgufAndBack) {
  const std::string folder = TestFolder();
  WriteTinyCheckpoint(LatentCheckpoint("deepseek_v3"), folder + "/hf");
  ASSERT_TRUE(Converted({folder + "/hf", folder + "/m.gguf"}).ok());
  ASSERT_TRUE(Converted({folder + "/m.gguf", folder + "/back", "--dtype", "bf16"}).ok());
  EXPECT_THAT(*ListDirectory(folder), ElementsAre("back", "hf", "m.gguf"));
  const auto a = CheckpointReader::Open(folder + "/hf"),
             b = CheckpointReader::Open(folder + "/back");
  ASSERT_TRUE(a.ok() && b.ok());
  ASSERT_EQ((*a)->tensors().size(), (*b)->tensors().size());
  for (const CheckpointTensor& tensor : (*a)->tensors()) {
    std::vector<float> given(tensor.elements()), found(tensor.elements());
    ASSERT_TRUE((*a)->Read(tensor, absl::MakeSpan(given)).ok());
    ASSERT_TRUE((*b)->Read(*(*b)->Find(tensor.name), absl::MakeSpan(found)).ok());
    EXPECT_EQ(given, found) << tensor.name;
  }
}

TEST(ConvertCommandTest, ADryRunListsEveryTensorAndWritesNothing) {
  const std::string folder = TestFolder();
  WriteTinyCheckpoint(LatentCheckpoint("deepseek_v3"), folder + "/hf");
  ::testing::internal::CaptureStdout();
  const absl::Status status =
      Converted({folder + "/hf", folder + "/m.gguf", "--dry-run", "--dtype=q8_0"});
  const std::string printed = ::testing::internal::GetCapturedStdout();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(printed, HasSubstr("token_embd.weight  [24, 32]  Q8_0  from "
                                 "model.embed_tokens.weight (BF16)\n"));
  EXPECT_THAT(printed, HasSubstr("blk.1.ffn_up_exps.weight  [4, 16, 32]  Q8_0  from "
                                 "model.layers.1.mlp.experts.0.up_proj.weight to "
                                 "model.layers.1.mlp.experts.3.up_proj.weight (BF16)\n"));
  EXPECT_THAT(*ListDirectory(folder), ElementsAre("hf"));
}

TEST(ConvertCommandTest, RefusesWhatItCannotDo) {
  const std::string folder = TestFolder();
  WriteTinyCheckpoint(GroupedCheckpoint("llama"), folder + "/hf");
  EXPECT_THAT(std::string(Converted({folder + "/none", folder + "/x"}).message()),
              HasSubstr("there is no such file"));
  EXPECT_THAT(std::string(Converted({folder + "/hf", folder + "/x", "--to", "gguf"}).message()),
              HasSubstr("must end in .gguf"));
  EXPECT_THAT(std::string(Converted({folder + "/hf", folder + "/x", "--dtype", "q8_0"}).message()),
              HasSubstr("cannot hold q8_0"));
  EXPECT_EQ(Converted({folder + "/hf", folder + "/hf"}).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(*ListDirectory(folder), ElementsAre("hf"));
}

}  // namespace
}  // namespace grpo

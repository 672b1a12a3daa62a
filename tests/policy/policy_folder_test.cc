#include "policy/policy_folder.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/data/scratch_folder.h"
#include "tests/policy/golden_policy.h"
#include "tests/policy/tiny_checkpoint.h"
#include "tests/policy/tiny_policy.h"

namespace grpo {
namespace {

TEST(PolicyFolderTest, ReadsBackWhatItWrote) {
  const ScratchFolder folder;
  const Weights weights = Weights::Random(TinyConfig(), 0.1, 7);
  ASSERT_TRUE(SavePolicyFolder(folder.path(), weights, {"{}", {}, 0, 1}).ok());
  const auto loaded = LoadPolicyFolder(folder.path());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->Digest(), weights.Digest());
}

TEST(PolicyFolderTest, RoundTripsACheckpointThatTransformersWrote) {
  const ScratchFolder folder;
  const Weights weights = GoldenWeights("policy_v3");
  ASSERT_TRUE(SavePolicyFolder(folder.path(), weights, {"{}", {}, 0, 1}).ok());
  EXPECT_EQ(*ReadFile(folder.path() + "/model.safetensors"),
            *ReadFile(GoldenFolder("policy_v3") + "/model.safetensors"));
}

TEST(PolicyFolderTest, NamesAMissingTensorAndOneOfTheWrongShape) {
  const ScratchFolder folder;
  const Weights weights = Weights::Random(TinyConfig(), 0.1, 7);
  std::vector<NamedTensor> tensors = weights.CheckpointTensors();
  ASSERT_TRUE(SavePolicyFolder(folder.path(), weights, {"{}", {}, 0, 1}).ok());
  tensors.pop_back();
  ASSERT_TRUE(SaveTensors(folder.path() + "/model.safetensors", tensors).ok());
  EXPECT_NE(LoadPolicyFolder(folder.path()).status().message().find("lm_head.weight is missing"),
            absl::string_view::npos);
  tensors.push_back({"lm_head.weight", at::zeros({3, 3})});
  ASSERT_TRUE(SaveTensors(folder.path() + "/model.safetensors", tensors).ok());
  EXPECT_NE(LoadPolicyFolder(folder.path())
                .status()
                .message()
                .find("lm_head.weight has the shape [3, 3]"),
            absl::string_view::npos);
}

TEST(PolicyFolderTest, RefusesWeightsThatAreNoNumbers) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      const ScratchFolder folder;
      const Weights weights = Weights::Random(TinyConfig(), 0.1, 7);
      ASSERT_TRUE(SavePolicyFolder(folder.path(), weights, {"{}", {}, 0, 1}).ok());
      std::vector<NamedTensor> tensors = weights.CheckpointTensors();
      for (NamedTensor& named : tensors) named.tensor = named.tensor.to(type);
      tensors.back().tensor.view(-1)[5].fill_(bad);
      ASSERT_TRUE(SaveTensors(folder.path() + "/model.safetensors", tensors).ok());
      for (const MatrixStorage storage : {MatrixStorage::kFloat, MatrixStorage::kAsStored}) {
        const auto checkpoint = CheckpointReader::Open(folder.path());
        ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
        EXPECT_NE(LoadWeights(**checkpoint, storage)
                      .status()
                      .message()
                      .find("tensor lm_head.weight: element 5 is"),
                  absl::string_view::npos);
      }
    }
  }
}

TEST(PolicyFolderTest, NamesATensorThatHasNoPlace) {
  const ScratchFolder folder;
  const Weights weights = Weights::Random(TinyConfig(), 0.1, 7);
  std::vector<NamedTensor> tensors = weights.CheckpointTensors();
  ASSERT_TRUE(SavePolicyFolder(folder.path(), weights, {"{}", {}, 0, 1}).ok());
  tensors.push_back({"model.layers.9.mlp.gate.weight", at::zeros({3, 3})});
  ASSERT_TRUE(SaveTensors(folder.path() + "/model.safetensors", tensors).ok());
  EXPECT_NE(LoadPolicyFolder(folder.path())
                .status()
                .message()
                .find("model.layers.9.mlp.gate.weight has no place"),
            absl::string_view::npos);
}

TEST(PolicyFolderTest, KeepsLayersThatPredictFurtherTokensAndUnknownKeysAsTheyCame) {
  const ScratchFolder folder;
  const Weights weights = Weights::Random(TinyConfig(), 0.1, 7);
  ASSERT_TRUE(SavePolicyFolder(folder.path(), weights, {"{}", {}, 0, 1}).ok());
  nlohmann::json config = nlohmann::json::parse(*ReadFile(folder.path() + "/config.json"));
  config["num_nextn_predict_layers"] = 1;
  config["transformers_version"] = "4.33.1";
  ASSERT_TRUE(WriteFileAtomically(folder.path() + "/config.json", config.dump()).ok());
  std::vector<NamedTensor> tensors = weights.CheckpointTensors();
  tensors.push_back({"model.layers.2.eh_proj.weight", at::ones({3, 5}, at::kBFloat16)});
  ASSERT_TRUE(SaveTensors(folder.path() + "/model.safetensors", tensors).ok());
  const auto loaded = LoadPolicyFolder(folder.path());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->Digest(), weights.Digest());  // they take no part in the policy
  const ScratchFolder again;
  ASSERT_TRUE(SavePolicyFolder(again.path(), *loaded, {"{}", {}, 0, 1}).ok());
  EXPECT_EQ(*ReadFile(again.path() + "/model.safetensors"),
            *ReadFile(folder.path() + "/model.safetensors"));
  const auto written = nlohmann::json::parse(*ReadFile(again.path() + "/config.json"));
  EXPECT_EQ(written["transformers_version"], "4.33.1");
  EXPECT_EQ(written["num_nextn_predict_layers"], 1);
}

TEST(PolicyFolderTest, PassesOverATiedHeadAndRotaryTablesThatOlderFilesRepeat) {
  const ScratchFolder folder;
  PolicyConfig config = TinyConfig();
  config.tie_word_embeddings = true;
  const Weights weights = Weights::Random(config, 0.1, 7);
  ASSERT_TRUE(SavePolicyFolder(folder.path(), weights, {"{}", {}, 0, 1}).ok());
  std::vector<NamedTensor> tensors = weights.CheckpointTensors();
  tensors.push_back({"lm_head.weight", weights.embedding});
  tensors.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", at::ones({2})});
  ASSERT_TRUE(SaveTensors(folder.path() + "/model.safetensors", tensors).ok());
  const auto loaded = LoadPolicyFolder(folder.path());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->Digest(), weights.Digest());
}

TEST(PolicyFolderTest, KeepsBfloat16Matrices) {
  const std::string folder = TestFolder() + "/hf";
  WriteTinyCheckpoint(LatentCheckpoint("deepseek_v3"), folder);
  const auto checkpoint = CheckpointReader::Open(folder);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const auto wide = LoadWeights(**checkpoint);
  const auto narrow = LoadWeights(**checkpoint, MatrixStorage::kAsStored);
  ASSERT_TRUE(wide.ok() && narrow.ok());
  EXPECT_EQ(wide->embedding.scalar_type(), at::kFloat);
  EXPECT_EQ(narrow->embedding.scalar_type(), at::kBFloat16);
  EXPECT_EQ(narrow->final_norm.scalar_type(), at::kFloat);
  EXPECT_EQ(narrow->To(at::kFloat).Digest(), wide->Digest());
}

TEST(PolicyFolderTest, WidensWhatIsNotAllBfloat16) {
  const std::string folder = TestFolder();
  ASSERT_TRUE(
      SavePolicyFolder(folder, Weights::Random(TinyConfig(), 0.1, 7), {"{}", {}, 0, 1}).ok());
  const auto checkpoint = CheckpointReader::Open(folder);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const auto weights = LoadWeights(**checkpoint, MatrixStorage::kAsStored);
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(weights->embedding.scalar_type(), at::kFloat);
}

TEST(WeightsTest, RandomIsAPureFunctionOfItsSeed) {
  EXPECT_EQ(Weights::Random(TinyConfig(), 0.1, 7).Digest(),
            Weights::Random(TinyConfig(), 0.1, 7).Digest());
  EXPECT_NE(Weights::Random(TinyConfig(), 0.1, 7).Digest(),
            Weights::Random(TinyConfig(), 0.1, 8).Digest());
}

}  // namespace
}  // namespace grpo

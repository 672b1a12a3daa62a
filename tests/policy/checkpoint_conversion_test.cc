#include "policy/checkpoint_conversion.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "policy/gguf_config.h"
#include "policy/policy_config.h"
#include "tests/data/scratch_folder.h"
#include "tests/policy/tiny_checkpoint.h"

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<CheckpointReader> Opened(const std::string& path) {
  auto checkpoint = CheckpointReader::Open(path);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  return checkpoint.ok() ? *std::move(checkpoint) : nullptr;
}

// Every tensor and no other, with these values.
void ExpectTensors(const CheckpointReader& checkpoint, const std::vector<TinyTensor>& expected) {
  EXPECT_EQ(checkpoint.tensors().size(), expected.size());
  for (const TinyTensor& wanted : expected) {
    const CheckpointTensor* const tensor = checkpoint.Find(wanted.name);
    ASSERT_NE(tensor, nullptr) << wanted.name;
    EXPECT_EQ(tensor->shape, wanted.shape) << wanted.name;
    std::vector<float> values(tensor->elements());
    ASSERT_TRUE(checkpoint.Read(*tensor, absl::MakeSpan(values)).ok()) << wanted.name;
    EXPECT_EQ(values, wanted.values) << wanted.name;
  }
}

std::string ToGguf(const std::string& folder, const std::string& dtype = "keep") {
  const auto checkpoint = Opened(folder);
  const absl::StatusOr<GgufPlan> plan = PlanGguf(*checkpoint, {dtype, "tiny", ""});
  EXPECT_TRUE(plan.ok()) << plan.status();
  const std::string path = folder + ".gguf";
  EXPECT_TRUE(RemoveTree(path).ok());
  if (plan.ok()) {
    EXPECT_TRUE(plan->Write(path).ok());
  }
  return path;
}

std::string ErrorOf(const TinyCheckpoint& tiny) {
  const std::string folder = TestFolder() + "/bad";
  WriteTinyCheckpoint(tiny, folder);
  const auto plan = PlanGguf(*Opened(folder), {});
  return plan.ok() ? "no error" : std::string(plan.status().message());
}

class ArchitectureTest : public ::testing::TestWithParam<const char*> {
 protected:
  static TinyCheckpoint Checkpoint() {
    const std::string type = GetParam();
    if (type == "minicpm3") return Minicpm3Checkpoint();
    return type.starts_with("deepseek") ? LatentCheckpoint(type) : GroupedCheckpoint(type);
  }
};

TEST_P(ArchitectureTest, ComesBackFromGgufAsItWas) {
  const TinyCheckpoint tiny = Checkpoint();
  const std::string folder = TestFolder() + "/hf";
  WriteTinyCheckpoint(tiny, folder);
  const auto back = Opened(ToGguf(folder));
  ASSERT_NE(back, nullptr);
  ExpectTensors(*back, tiny.tensors);
  const auto config = nlohmann::json::parse(back->config_json());
  for (const auto& [key, value] : tiny.config.items()) {
    EXPECT_EQ(config.value(key, nlohmann::json()), nlohmann::json(value)) << key;
  }
}

TEST_P(ArchitectureTest, ComesBackThroughAFolderOfGguf) {
  const TinyCheckpoint tiny = Checkpoint();
  const std::string folder = TestFolder() + "/hf";
  WriteTinyCheckpoint(tiny, folder);
  const auto gguf = Opened(ToGguf(folder, "f32"));
  const auto plan = PlanFolder(*gguf, {});
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_TRUE(plan->Write(folder + "2/").ok());
  const auto back = Opened(folder + "2");
  ExpectTensors(*back, tiny.tensors);
  // The same GGUF file once more, from what was made of it.
  EXPECT_EQ(*ReadFile(ToGguf(folder + "2", "f32")), *ReadFile(folder + ".gguf"));
}

INSTANTIATE_TEST_SUITE_P(Models, ArchitectureTest,
                         ::testing::Values("llama", "qwen2", "qwen3", "qwen3_moe", "deepseek_v3",
                                           "deepseek_v2", "minicpm3"),
                         [](const auto& info) { return std::string(info.param); });

TEST(CheckpointConversionTest, WritesGgufAsLlamaCppsConverterDoes) {
  const std::string folder = TestFolder() + "/hf";
  WriteTinyCheckpoint(LatentCheckpoint("deepseek_v3"), folder);
  const auto file = GgufReader::Open(ToGguf(folder, "f16"));
  ASSERT_TRUE(file.ok()) << file.status();
  const auto type = [&](const char* name) -> std::string {
    const GgufTensor* const tensor = (*file)->Find(name);
    EXPECT_NE(tensor, nullptr) << name;
    return tensor == nullptr ? "" : tensor->format->name;
  };
  EXPECT_EQ(type("token_embd.weight"), "F16");
  EXPECT_EQ(type("blk.0.attn_norm.weight"), "F32");
  EXPECT_EQ(type("blk.0.attn_q_a_norm.weight"), "F32");
  EXPECT_EQ(type("blk.1.ffn_gate_inp.weight"), "F32");
  EXPECT_EQ(type("blk.1.exp_probs_b.bias"), "F32");
  EXPECT_EQ(type("blk.1.ffn_gate_exps.weight"), "F16");
  EXPECT_THAT((*file)->Find("blk.1.ffn_down_exps.weight")->shape, ElementsAre(4, 32, 16));
  EXPECT_THAT((*file)->Find("blk.0.attn_k_b.weight")->shape, ElementsAre(2, 16, 8));
  EXPECT_THAT((*file)->Find("blk.0.attn_v_b.weight")->shape, ElementsAre(2, 6, 16));
  const GgufMetadata& metadata = (*file)->metadata();
  EXPECT_EQ(*metadata.Text("general.name"), "tiny");
  EXPECT_EQ(*metadata.Integer("general.file_type"), 1);
  EXPECT_EQ(*metadata.Integer("deepseek2.attention.head_count_kv"), 1);
  EXPECT_EQ(*metadata.Integer("deepseek2.attention.key_length"), 20);
  EXPECT_EQ(*metadata.Integer("deepseek2.attention.key_length_mla"), 12);
  EXPECT_EQ(*metadata.Integer("deepseek2.attention.value_length_mla"), 6);
  EXPECT_EQ(*metadata.Integer("deepseek2.expert_gating_func"), 2);
  EXPECT_EQ(*metadata.Integer("deepseek2.expert_group_count"), 2);
  EXPECT_NEAR(*metadata.Real("deepseek2.rope.scaling.yarn_log_multiplier"), 0.0707, 1e-7);
}

TEST(CheckpointConversionTest, AGgufFilesConfigIsOneOfOurPolicies) {
  for (const char* const type : {"deepseek_v3", "deepseek_v2"}) {
    const std::string folder = TestFolder() + "/hf";
    WriteTinyCheckpoint(LatentCheckpoint(type), folder);
    const auto config = PolicyConfigFromJson(Opened(ToGguf(folder))->config_json(), "config.json");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->model_type, type);
    EXPECT_EQ(config->rope_scaling.mscale_all_dim, 0.707);
  }
}

TEST(CheckpointConversionTest, QuantisesMatricesWhoseRowsAreWholeBlocks) {
  const std::string folder = TestFolder() + "/hf";
  WriteTinyCheckpoint(LatentCheckpoint("deepseek_v3"), folder);
  const auto file = GgufReader::Open(ToGguf(folder, "q8_0"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_STREQ((*file)->Find("token_embd.weight")->format->name, "Q8_0");
  EXPECT_STREQ((*file)->Find("blk.0.attn_q_b.weight")->format->name, "F16");  // rows of 24
  EXPECT_STREQ((*file)->Find("output_norm.weight")->format->name, "F32");
}

TEST(CheckpointConversionTest, LeavesLayersBehindTheLastOneOut) {
  TinyCheckpoint tiny = GroupedCheckpoint("llama");
  tiny.Add("model.layers.2.eh_proj.weight", {32, 64});
  const std::string folder = TestFolder() + "/hf";
  WriteTinyCheckpoint(tiny, folder);
  const auto file = GgufReader::Open(ToGguf(folder));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->tensors().size(), tiny.tensors.size() - 1);
}

TEST(CheckpointConversionTest, OldFilesWithOneMatrixForKeysAndValuesAreRead) {
  const TinyCheckpoint tiny = LatentCheckpoint("deepseek_v2");
  const std::string folder = TestFolder() + "/hf";
  WriteTinyCheckpoint(tiny, folder);
  const auto checkpoint = Opened(folder);
  auto plan = PlanGguf(*checkpoint, {"f32", "", ""});
  ASSERT_TRUE(plan.ok()) << plan.status();
  GgufMetadata old;  // as llama.cpp's converter wrote it before April 2025
  for (const auto& [key, value] : plan->metadata.entries()) {
    if (!key.ends_with("_mla")) old.Set(key, value);
  }
  old.Set("deepseek2.attention.key_length", GgufValue::Uint32(12));
  old.Set("deepseek2.attention.value_length", GgufValue::Uint32(6));
  old.Set("deepseek2.attention.head_count_kv", GgufValue::Uint32(2));
  std::vector<StreamedTensor> tensors;
  for (StreamedTensor& tensor : plan->tensors) {
    if (tensor.name.ends_with("attn_k_b.weight")) continue;
    if (tensor.name.ends_with("attn_v_b.weight")) {
      const std::string layer = tensor.name.substr(4, 1);
      const CheckpointTensor* const from =
          checkpoint->Find("model.layers." + layer + ".self_attn.kv_b_proj.weight");
      std::vector<float> values(from->elements());
      ASSERT_TRUE(checkpoint->Read(*from, absl::MakeSpan(values)).ok());
      tensor = {"blk." + layer + ".attn_kv_b.weight", "F32", from->shape, "",
                [bytes = Encoded(values, "F32")](ByteSink sink) { return sink(bytes); }};
    }
    tensors.push_back(std::move(tensor));
  }
  ASSERT_TRUE(WriteGguf(folder + ".old.gguf", old, tensors).ok());
  ExpectTensors(*Opened(folder + ".old.gguf"), tiny.tensors);
}

TEST(CheckpointConversionTest, CopiesAFolderByteForByteWhereItIsKept) {
  const std::string folder = TestFolder() + "/hf";
  ASSERT_TRUE(MakeDirectories(folder).ok());
  const std::string config =
      R"({"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}})";
  ASSERT_TRUE(WriteFileAtomically(folder + "/config.json", config).ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/merges.txt", "a b").ok());
  const std::string codes = "12345678", scale = Encoded({2}, "F32");
  const std::vector<TensorBytes> tensors = {
      {"w", "F8_E4M3", {2, 4}, absl::MakeConstSpan(codes.data(), 8)},
      {"w_scale_inv", "F32", {1, 1}, absl::MakeConstSpan(scale.data(), 4)}};
  ASSERT_TRUE(WriteSafetensors(folder + "/model.safetensors", tensors).ok());
  const auto checkpoint = Opened(folder);
  const auto plan = PlanFolder(*checkpoint, {});
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_TRUE(plan->Write(folder + "2").ok());
  EXPECT_THAT(*ListDirectory(folder + "2"),
              ElementsAre("config.json", "merges.txt", "model.safetensors"));
  for (const char* const name : {"config.json", "merges.txt", "model.safetensors"}) {
    EXPECT_EQ(*ReadFile(folder + "2/" + name), *ReadFile(folder + "/" + name)) << name;
  }
}

TEST(CheckpointConversionTest, AnotherTypeIsSaidInTheConfigAndTheRoutersBiasStaysF32) {
  const std::string folder = TestFolder() + "/hf";
  WriteTinyCheckpoint(LatentCheckpoint("deepseek_v3"), folder);
  const auto checkpoint = Opened(folder);
  const auto plan = PlanFolder(*checkpoint, {"f16", "", ""});
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_TRUE(plan->Write(folder + "2").ok());
  const auto back = Opened(folder + "2");
  EXPECT_EQ(back->Find("model.norm.weight")->dtype, "F16");
  EXPECT_EQ(back->Find("model.layers.1.mlp.gate.e_score_correction_bias")->dtype, "F32");
  EXPECT_EQ(nlohmann::json::parse(back->config_json())["torch_dtype"], "float16");
  EXPECT_FALSE(PlanFolder(*checkpoint, {"q8_0", "", ""}).ok());
}

TEST(CheckpointConversionTest, NothingIsOverwrittenAndAFailureLeavesNothing) {
  const std::string folder = TestFolder();
  TinyCheckpoint tiny = GroupedCheckpoint("llama");
  tiny.tensors[0].values[5] = 1e30f;  // beyond F16
  WriteTinyCheckpoint(tiny, folder + "/hf");
  const auto checkpoint = Opened(folder + "/hf");
  const auto gguf = PlanGguf(*checkpoint, {"f16", "", ""});
  const auto hf = PlanFolder(*checkpoint, {"f16", "", ""});
  ASSERT_TRUE(gguf.ok() && hf.ok());
  EXPECT_THAT(std::string(gguf->Write(folder + "/x.gguf").message()),
              HasSubstr("tensor 'model.embed_tokens.weight': "));
  EXPECT_THAT(std::string(hf->Write(folder + "/x").message()),
              HasSubstr("beyond the range of F16"));
  EXPECT_THAT(*ListDirectory(folder), ElementsAre("hf"));
  EXPECT_EQ(hf->Write(folder + "/hf").code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(WriteFileAtomically(folder + "/x.gguf", "mine").ok());
  EXPECT_EQ(gguf->Write(folder + "/x.gguf").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(*ReadFile(folder + "/x.gguf"), "mine");
}

TEST(CheckpointConversionTest, WhatGgufCannotSayIsRefused) {
  TinyCheckpoint tiny = LatentCheckpoint("deepseek_v3");
  tiny.config["rope_scaling"]["mscale"] = 1.0;
  EXPECT_THAT(ErrorOf(tiny), HasSubstr("'mscale' and 'mscale_all_dim' differ"));
  tiny = LatentCheckpoint("deepseek_v3");
  tiny.tensors.pop_back();  // a matrix of the last expert
  EXPECT_THAT(ErrorOf(tiny), HasSubstr("has 3 of 4 such experts"));
  tiny = GroupedCheckpoint("llama");
  tiny.Add("model.layers.0.mystery.weight", {1});
  EXPECT_THAT(ErrorOf(tiny), HasSubstr("'model.layers.0.mystery.weight': has no place in GGUF"));
  tiny = GroupedCheckpoint("llama");
  tiny.config["model_type"] = "gpt_neox";
  EXPECT_THAT(ErrorOf(tiny), HasSubstr("'model_type' \"gpt_neox\" has no architecture"));
  tiny = GroupedCheckpoint("llama");
  tiny.config["hidden_act"] = "gelu";
  EXPECT_THAT(ErrorOf(tiny), HasSubstr("'hidden_act' must be silu"));
  tiny = GroupedCheckpoint("llama");
  tiny.config["sliding_window"] = 128;
  EXPECT_THAT(ErrorOf(tiny), HasSubstr("'sliding_window'"));
  tiny = GroupedCheckpoint("llama");
  tiny.config["rope_scaling"] = {{"type", "dynamic"}, {"factor", 2.0}};
  EXPECT_THAT(ErrorOf(tiny), HasSubstr("the rope type \"dynamic\""));
  tiny = GroupedCheckpoint("llama");
  tiny.config.erase("vocab_size");
  EXPECT_THAT(ErrorOf(tiny), HasSubstr("'vocab_size' must be a whole number"));
}

TEST(CheckpointConversionTest, Llama3sRotationsComeBackFromTheirFactors) {
  TinyCheckpoint tiny = GroupedCheckpoint("llama");
  tiny.config["rope_theta"] = 500000.0;
  tiny.config["rope_scaling"] = {{"rope_type", "llama3"},
                                 {"factor", 32.0},
                                 {"low_freq_factor", 1.0},
                                 {"high_freq_factor", 4.0},
                                 {"original_max_position_embeddings", 8192}};
  const std::string folder = TestFolder() + "/hf";
  WriteTinyCheckpoint(tiny, folder);
  const auto back = Opened(ToGguf(folder));
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(nlohmann::json::parse(back->config_json())["rope_scaling"],
            nlohmann::json(tiny.config["rope_scaling"]));
  ExpectTensors(*back, tiny.tensors);
}

TEST(CheckpointConversionTest, ReadsTheKeysOfTransformersFive) {
  nlohmann::json config = LatentCheckpoint("deepseek_v3").config;
  config["rope_parameters"] = config["rope_scaling"];
  config["rope_parameters"]["rope_type"] = "yarn";
  config["rope_parameters"]["rope_theta"] = 20000.0;
  for (const char* const key : {"rope_scaling", "rope_theta", "scoring_func", "topk_method"}) {
    config.erase(key);
  }
  const auto gguf = GgufFromConfig(config);
  ASSERT_TRUE(gguf.ok()) << gguf.status();
  EXPECT_EQ(*gguf->metadata.Real("deepseek2.rope.freq_base"), 20000.0);
  EXPECT_EQ(*gguf->metadata.Text("deepseek2.rope.scaling.type"), "yarn");
  EXPECT_EQ(*gguf->metadata.Integer("deepseek2.expert_gating_func"), 2);
}

}  // namespace
}  // namespace grpo

#include "policy/checkpoint_reader.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "policy/gguf.h"
#include "policy/mapped_file.h"
#include "tests/data/scratch_folder.h"
#include "tests/policy/tiny_checkpoint.h"

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<float> ValuesOf(const CheckpointReader& checkpoint, const std::string& name) {
  const CheckpointTensor* const tensor = checkpoint.Find(name);
  EXPECT_NE(tensor, nullptr) << name;
  if (tensor == nullptr) return {};
  std::vector<float> values(tensor->elements());
  const absl::Status status = checkpoint.Read(*tensor, absl::MakeSpan(values));
  EXPECT_TRUE(status.ok()) << status;
  return values;
}

// A folder with this config.json and these tensors.
std::string FolderWith(const std::string& config, const std::vector<TensorBytes>& tensors) {
  const std::string folder = TestFolder();
  EXPECT_TRUE(WriteFileAtomically(folder + "/config.json", config).ok());
  EXPECT_TRUE(WriteSafetensors(folder + "/model.safetensors", tensors).ok());
  return folder;
}

TensorBytes Tensor(const std::string& name, const std::string& dtype, std::vector<int64_t> shape,
                   absl::string_view bytes) {
  return {name, dtype, std::move(shape), absl::Span<const char>(bytes.data(), bytes.size())};
}

std::string ErrorOf(const std::string& path) {
  const auto checkpoint = CheckpointReader::Open(path);
  return checkpoint.ok() ? "no error" : std::string(checkpoint.status().message());
}

TEST(CheckpointReaderTest, ReadsAFolderOfThreeTypes) {
  const std::vector<float> values = {1.5f, -2, 0.25f, 8};
  const std::string f32 = Encoded(values, "F32"), f16 = Encoded(values, "F16");
  const std::string bf16 = Encoded(values, "BF16");
  const std::string folder =
      FolderWith("{\"model_type\": \"x\"}",
                 {Tensor("c", "F32", {2, 2}, f32), Tensor("b", "F16", {4}, f16),
                  Tensor("a", "BF16", {4, 1}, bf16), Tensor("i", "I64", {1}, "12345678")});
  const auto checkpoint = CheckpointReader::Open(folder);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->config_json(), "{\"model_type\": \"x\"}");
  EXPECT_EQ((*checkpoint)->tokenizer_json(), "");
  ASSERT_EQ((*checkpoint)->tensors().size(), 4u);
  EXPECT_EQ((*checkpoint)->tensors()[0].name, "a");
  for (const char* const name : {"a", "b", "c"}) EXPECT_EQ(ValuesOf(**checkpoint, name), values);
  const CheckpointTensor& a = *(*checkpoint)->Find("a");
  EXPECT_EQ(std::string((*checkpoint)->Bytes(a)->begin(), (*checkpoint)->Bytes(a)->end()), bf16);
  std::vector<float> one(1);
  EXPECT_THAT(
      std::string((*checkpoint)->Read(*(*checkpoint)->Find("i"), absl::MakeSpan(one)).message()),
      HasSubstr("tensor 'i': has the type I64"));
  EXPECT_THAT(std::string((*checkpoint)->Read(a, absl::MakeSpan(one)).message()),
              HasSubstr("another size"));
}

TEST(CheckpointReaderTest, ReadsLongTensorsInStretchesMoreThanOnce) {
  std::vector<float> values;
  for (int i = 0; i < 3'000'001; ++i) values.push_back(static_cast<float>(i % 251));
  const std::string bf16 = Encoded(values, "BF16");
  const std::string folder =
      FolderWith("{}", {Tensor("a", "BF16", {3'000'001}, bf16), Tensor("b", "F32", {}, "1234")});
  const auto checkpoint = CheckpointReader::Open(folder);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_TRUE(ValuesOf(**checkpoint, "a") == values);
  std::string copy(bf16.size(), '\0');
  CopyMapped(*(*checkpoint)->Bytes(*(*checkpoint)->Find("a")), &copy[0]);
  EXPECT_TRUE(copy == bf16);
  EXPECT_TRUE(ValuesOf(**checkpoint, "a") == values);
}

TEST(CheckpointReaderTest, TakesFusedExpertsApart) {
  std::vector<float> gate_up, down;  // two experts of width 1 and a model of width 2
  for (int i = 0; i < 8; ++i) gate_up.push_back(static_cast<float>(i));
  for (int i = 0; i < 4; ++i) down.push_back(static_cast<float>(10 + i));
  const std::string gate_up_bytes = Encoded(gate_up, "F32"), down_bytes = Encoded(down, "F32");
  const std::string prefix = "model.layers.3.mlp.experts.";
  const std::string folder =
      FolderWith("{}", {Tensor(prefix + "gate_up_proj", "F32", {2, 2, 2}, gate_up_bytes),
                        Tensor(prefix + "down_proj", "F32", {2, 2, 1}, down_bytes)});
  const auto checkpoint = CheckpointReader::Open(folder);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->tensors().size(), 6u);
  EXPECT_THAT(ValuesOf(**checkpoint, prefix + "0.gate_proj.weight"), ElementsAre(0, 1));
  EXPECT_THAT(ValuesOf(**checkpoint, prefix + "0.up_proj.weight"), ElementsAre(2, 3));
  EXPECT_THAT(ValuesOf(**checkpoint, prefix + "1.up_proj.weight"), ElementsAre(6, 7));
  EXPECT_THAT(ValuesOf(**checkpoint, prefix + "1.down_proj.weight"), ElementsAre(12, 13));
  EXPECT_THAT((*checkpoint)->Find(prefix + "1.down_proj.weight")->shape, ElementsAre(2, 1));
  EXPECT_EQ((*checkpoint)->Find(prefix + "1.up_proj.weight")->source, prefix + "gate_up_proj[1]");
}

constexpr char kFp8Config[] =
    R"({"quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
        "weight_block_size": [2, 2]}, "model_type": "deepseek_v3"})";

TEST(CheckpointReaderTest, MultipliesFp8Out) {
  const std::string codes = "\x38\x40\x38\x38\x38\x38";  // 1 2 1 / 1 1 1
  const std::string scales = Encoded({3, 0.5f}, "F32");
  const std::string folder = FolderWith(kFp8Config, {Tensor("w", "F8_E4M3", {2, 3}, codes),
                                                     Tensor("w_scale_inv", "F32", {1, 2}, scales),
                                                     Tensor("n", "BF16", {1}, "\x80\x3f")});
  const auto checkpoint = CheckpointReader::Open(folder);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->tensors().size(), 2u);  // the scales belong to w
  EXPECT_THAT(ValuesOf(**checkpoint, "w"), ElementsAre(3, 6, 0.5, 3, 3, 0.5));
  EXPECT_THAT(ValuesOf(**checkpoint, "n"), ElementsAre(1));
  EXPECT_EQ((*checkpoint)->Find("w")->dtype, "F8_E4M3");
  EXPECT_FALSE((*checkpoint)->Bytes(*(*checkpoint)->Find("w")).has_value());
  EXPECT_THAT((*checkpoint)->config_json(), Not(HasSubstr("quantization_config")));
}

TEST(CheckpointReaderTest, Fp8WithoutItsScalesOrWithNaNIsRefused) {
  const std::string codes(4, 0x38), scales = Encoded({1, 1}, "F32");
  const TensorBytes w = Tensor("w", "F8_E4M3", {2, 2}, codes);
  EXPECT_THAT(ErrorOf(FolderWith("{}", {w})), HasSubstr("has no 'quantization_config'"));
  EXPECT_THAT(ErrorOf(FolderWith(kFp8Config, {w})), HasSubstr("'w_scale_inv' are missing"));
  EXPECT_THAT(ErrorOf(FolderWith(kFp8Config, {w, Tensor("w_scale_inv", "F32", {2}, scales)})),
              HasSubstr("tensor 'w': [2, 2] in blocks of 2 x 2 does not fit its scales, F32 [2]"));
  const std::string nan("\x38\x7f\x38\x38", 4), scale = Encoded({1}, "F32");
  const auto checkpoint =
      CheckpointReader::Open(FolderWith(kFp8Config, {Tensor("w", "F8_E4M3", {2, 2}, nan),
                                                     Tensor("w_scale_inv", "F32", {1, 1}, scale)}));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  std::vector<float> out(4);
  EXPECT_THAT(
      std::string((*checkpoint)->Read(*(*checkpoint)->Find("w"), absl::MakeSpan(out)).message()),
      HasSubstr("tensor 'w': the FP8 code in row 0, column 1 is NaN"));
}

TEST(CheckpointReaderTest, OtherQuantisationsAreRefused) {
  for (
      const char* const config :
      {R"({"quantization_config": {"quant_method": "awq"}})",
       R"({"quantization_config": {"quant_method": "fp8"}})",
       R"({"quantization_config": {"quant_method": "fp8", "fmt": "e5m2", "weight_block_size": [1, 1]}})",
       R"({"quantization_config": 3})"}) {
    EXPECT_THAT(ErrorOf(FolderWith(config, {})), HasSubstr("only DeepSeek's FP8 can be read"));
  }
  EXPECT_THAT(
      ErrorOf(FolderWith(
          R"({"quantization_config": {"quant_method": "fp8", "weight_block_size": [0, 128]}})",
          {})),
      HasSubstr("'weight_block_size' must be two whole numbers"));
}

TEST(CheckpointReaderTest, FindsTheChatTemplateInAFileOfItsOwn) {
  const std::string folder = FolderWith("{}", {});
  ASSERT_TRUE(WriteFileAtomically(folder + "/chat_template.jinja", "{{ x }}").ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/tokenizer_config.json", "{\"a\": 1}").ok());
  const auto checkpoint = CheckpointReader::Open(folder);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const auto config = nlohmann::json::parse((*checkpoint)->tokenizer_config_json());
  EXPECT_EQ(config["chat_template"], "{{ x }}");
  EXPECT_EQ(config["a"], 1);
}

TEST(CheckpointReaderTest, SaysWhatIsMissingOrMalformed) {
  const std::string folder = TestFolder();
  EXPECT_THAT(ErrorOf(folder), HasSubstr("config.json"));
  EXPECT_THAT(ErrorOf(folder + "/none"), HasSubstr("there is no such file"));
  EXPECT_THAT(ErrorOf(folder + "/none.gguf"), HasSubstr("none.gguf"));
  ASSERT_TRUE(WriteFileAtomically(folder + "/w.bin", "x").ok());
  EXPECT_THAT(ErrorOf(folder + "/w.bin"), HasSubstr("or a .gguf file"));
  ASSERT_TRUE(WriteFileAtomically(folder + "/config.json", "[]").ok());
  EXPECT_THAT(ErrorOf(folder), HasSubstr("expected a JSON object"));
  ASSERT_TRUE(WriteFileAtomically(folder + "/config.json", "{").ok());
  EXPECT_THAT(ErrorOf(folder), HasSubstr("config.json"));
}

// The metadata of a small `llama` file.
GgufMetadata LlamaMetadata() {
  GgufMetadata metadata;
  metadata.Set("general.architecture", GgufValue::String("llama"));
  for (const auto& [key, value] :
       {std::pair("block_count", 1), std::pair("context_length", 64),
        std::pair("embedding_length", 32), std::pair("feed_forward_length", 32),
        std::pair("attention.head_count", 2), std::pair("attention.head_count_kv", 1)}) {
    metadata.Set(absl::StrCat("llama.", key), GgufValue::Uint32(value));
  }
  metadata.Set("llama.attention.layer_norm_rms_epsilon", GgufValue::Float32(1e-5));
  return metadata;
}

std::string WriteLlama(const GgufMetadata& metadata, std::vector<StreamedTensor> more) {
  const TinyTensor embedding = MakeTinyTensor("token_embd.weight", {4, 32});
  more.push_back(
      {embedding.name, "F32", embedding.shape, "",
       [bytes = Encoded(embedding.values, "F32")](ByteSink sink) { return sink(bytes); }});
  const std::string path = TestFolder() + "/model.gguf";
  EXPECT_TRUE(WriteGguf(path, metadata, more).ok());
  return path;
}

StreamedTensor F32Tensor(const std::string& name, std::vector<int64_t> shape,
                         const std::vector<float>& values) {
  return {name, "F32", std::move(shape), "",
          [bytes = Encoded(values, "F32")](ByteSink sink) { return sink(bytes); }};
}

TEST(CheckpointReaderTest, UndoesThePermutationOfLlamasRows) {
  // Key rows of one head, 8 wide: the file has its two halves taking turns.
  const std::vector<float> in_file = {0, 4, 1, 5, 2, 6, 3, 7};
  const auto checkpoint = CheckpointReader::Open(
      WriteLlama(LlamaMetadata(), {F32Tensor("blk.0.attn_k.weight", {8, 1}, in_file),
                                   F32Tensor("blk.0.attn_v.weight", {8, 1}, in_file)}));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_THAT(ValuesOf(**checkpoint, "model.layers.0.self_attn.k_proj.weight"),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(ValuesOf(**checkpoint, "model.layers.0.self_attn.v_proj.weight"), in_file);
  const auto config = nlohmann::json::parse((*checkpoint)->config_json());
  EXPECT_EQ(config["rms_norm_eps"], 1e-5);  // as it was written, not the nearest float
  EXPECT_EQ(config["tie_word_embeddings"], true);
  EXPECT_EQ(config["vocab_size"], 4);
}

TEST(CheckpointReaderTest, MultipliesQuantisedTensorsOut) {
  const TinyTensor gate = MakeTinyTensor("blk.0.ffn_gate.weight", {2, 32});
  const auto checkpoint = CheckpointReader::Open(WriteLlama(
      LlamaMetadata(),
      {{gate.name, "Q8_0", gate.shape, "",
        [bytes = Encoded(gate.values, "Q8_0")](ByteSink sink) { return sink(bytes); }}}));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const std::vector<float> values = ValuesOf(**checkpoint, "model.layers.0.mlp.gate_proj.weight");
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], gate.values[i], 0.02);
  EXPECT_EQ((*checkpoint)->Find("model.layers.0.mlp.gate_proj.weight")->dtype, "Q8_0");
}

TEST(CheckpointReaderTest, WhatAGgufFileMeansMustBeKnown) {
  GgufMetadata metadata = LlamaMetadata();
  EXPECT_THAT(ErrorOf(WriteLlama(metadata, {F32Tensor("blk.0.mystery.weight", {1}, {1})})),
              HasSubstr("tensor 'blk.0.mystery.weight': has no place"));
  EXPECT_THAT(ErrorOf(WriteLlama(metadata, {F32Tensor("blk.00.attn_v.weight", {1}, {1})})),
              HasSubstr("has no place"));
  EXPECT_THAT(ErrorOf(WriteLlama(metadata, {F32Tensor("blk.0.attn_q.weight", {3, 1}, {1, 2, 3})})),
              HasSubstr("are no rows of 2 heads"));
  EXPECT_THAT(ErrorOf(WriteLlama(metadata, {F32Tensor("blk.0.attn_v_b.weight", {1}, {1})})),
              HasSubstr("without its attn_k_b"));
  metadata.Set("llama.attention.mystery", GgufValue::Uint32(1));
  EXPECT_THAT(ErrorOf(WriteLlama(metadata, {})),
              HasSubstr("may change what the network computes: llama.attention.mystery"));
  metadata = LlamaMetadata();
  metadata.Set("llama.expert_count", GgufValue::Uint32(8));
  EXPECT_THAT(ErrorOf(WriteLlama(metadata, {})), HasSubstr("Mixtral"));
  metadata.Set("general.architecture", GgufValue::String("mamba"));
  EXPECT_THAT(ErrorOf(WriteLlama(metadata, {})),
              HasSubstr("the architecture 'mamba' cannot be read; known are: deepseek2, llama"));
  metadata = LlamaMetadata();
  metadata.Set("llama.attention.head_count", GgufValue::Uint32(0));
  EXPECT_THAT(ErrorOf(WriteLlama(metadata, {})), HasSubstr("head_count is 0"));
  metadata.Set("llama.attention.head_count", GgufValue::Uint32(1u << 30));
  metadata.Set("llama.attention.key_length", GgufValue::Uint32(8));
  EXPECT_THAT(ErrorOf(WriteLlama(metadata, {})), HasSubstr("an extent of the model is 1073741824"));
  metadata = LlamaMetadata();
  metadata.Set("split.count", GgufValue::Uint32(3));
  EXPECT_THAT(ErrorOf(WriteLlama(metadata, {})), HasSubstr("is one of 3 parts of a model"));
}

}  // namespace
}  // namespace grpo

#include "policy/policy_config.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "data/file.h"

namespace grpo {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

// In the key style of the published DeepSeek-V3.
constexpr char kPublishedV3[] = R"({
  "architectures": ["DeepseekV3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
  "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"}, "aux_loss_alpha": 0.001,
  "bos_token_id": 0, "eos_token_id": 1, "ep_size": 1, "first_k_dense_replace": 3, "hidden_act": "silu",
  "hidden_size": 7168, "initializer_range": 0.02, "intermediate_size": 18432, "kv_lora_rank": 512,
  "max_position_embeddings": 163840, "model_type": "deepseek_v3", "moe_intermediate_size": 2048,
  "moe_layer_freq": 1, "n_group": 8, "n_routed_experts": 256, "n_shared_experts": 1, "norm_topk_prob": true,
  "num_attention_heads": 128, "num_experts_per_tok": 8, "num_hidden_layers": 61, "num_key_value_heads": 128,
  "num_nextn_predict_layers": 1, "pretraining_tp": 1, "q_lora_rank": 1536, "qk_nope_head_dim": 128,
  "qk_rope_head_dim": 64, "rms_norm_eps": 1e-06,
  "rope_scaling": {"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0,
                   "original_max_position_embeddings": 4096, "type": "yarn"},
  "rope_theta": 10000, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid", "seq_aux": true,
  "tie_word_embeddings": false, "topk_group": 4, "topk_method": "noaux_tc", "torch_dtype": "bfloat16",
  "transformers_version": "4.33.1", "use_cache": true, "v_head_dim": 128, "vocab_size": 129280})";

// As transformers 5 writes a V2 without query compression: neither scoring_func nor topk_group.
constexpr char kTransformersV2[] = R"({
  "model_type": "deepseek_v2", "dtype": "float32", "first_k_dense_replace": 1, "head_dim": 8, "hidden_act": "silu",
  "hidden_size": 128, "intermediate_size": 384, "kv_lora_rank": 32, "max_position_embeddings": 2048,
  "mlp_bias": false, "moe_intermediate_size": 128, "n_group": null, "n_routed_experts": 8, "n_shared_experts": 2,
  "norm_topk_prob": false, "num_attention_heads": 4, "num_experts_per_tok": 2, "num_hidden_layers": 4,
  "num_key_value_heads": 4, "output_router_logits": false, "pad_token_id": null, "q_lora_rank": null,
  "qk_head_dim": 24, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "rms_norm_eps": 1e-05,
  "rope_parameters": {"rope_theta": 50000.0, "rope_type": "yarn", "factor": 4.0, "mscale": 0.707,
                      "mscale_all_dim": 0.707, "original_max_position_embeddings": 512},
  "routed_scaling_factor": 1.0, "topk_method": "greedy", "v_head_dim": 16, "vocab_size": 512})";

TEST(PolicyConfigTest, ReadsThePublishedKeys) {
  const auto config = PolicyConfigFromJson(kPublishedV3, "config.json");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->model_type, "deepseek_v3");
  EXPECT_EQ(config->vocab_size, 129280);
  EXPECT_EQ(config->q_lora_rank, 1536);
  EXPECT_EQ(config->n_group, 8);
  EXPECT_EQ(config->routed_scaling_factor, 2.5);
  EXPECT_EQ(config->rope_theta, 10000);
  EXPECT_EQ(config->rope_scaling.type, "yarn");
  EXPECT_EQ(config->rope_scaling.factor, 40);
  EXPECT_EQ(config->rope_scaling.mscale_all_dim, 1);
  EXPECT_EQ(config->num_moe_layers(), 58);
}

TEST(PolicyConfigTest, ReadsTheKeysOfTransformers5) {
  const auto config = PolicyConfigFromJson(kTransformersV2, "config.json");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->q_lora_rank, 0);
  EXPECT_EQ(config->scoring_func, "softmax");
  EXPECT_EQ(config->topk_method, "greedy");
  EXPECT_FALSE(config->norm_topk_prob);
  EXPECT_EQ(config->rope_theta, 50000);
  EXPECT_EQ(config->rope_scaling.type, "yarn");
  EXPECT_EQ(config->rope_scaling.beta_fast, 32);
  EXPECT_EQ(config->rope_scaling.mscale, 0.707);
  EXPECT_EQ(config->rope_scaling.original_max_position_embeddings, 512);
}

TEST(PolicyConfigTest, TakesNoRopeScalingForPlainRope) {
  for (const char* rope :
       {"null", R"({"rope_type": "default"})", R"({"type": "default", "factor": null})"}) {
    json object = json::parse(kPublishedV3);
    object["rope_scaling"] = json::parse(rope);
    const auto config = PolicyConfigFromJson(object.dump(), "config.json");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->rope_scaling.type, "default");
    EXPECT_EQ(config->rope_scaling.factor, 1);
  }
}

TEST(PolicyConfigTest, GreedySelectionReadsNoGroups) {
  json object = json::parse(kTransformersV2);
  object["n_group"] = 8;
  object["topk_group"] = 3;
  const auto config = PolicyConfigFromJson(object.dump(), "config.json");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->n_group, 1);
  EXPECT_EQ(config->topk_group, 1);
}

TEST(PolicyConfigTest, ReadsBackWhatItWrites) {
  for (const char* text : {kPublishedV3, kTransformersV2}) {
    const auto first = PolicyConfigFromJson(text, "config.json");
    ASSERT_TRUE(first.ok()) << first.status();
    const std::string written = PolicyConfigToJson(*first, 0, 1);
    const auto second = PolicyConfigFromJson(written, "written");
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_EQ(PolicyConfigToJson(*second, 0, 1), written);
  }
}

TEST(PolicyConfigTest, ReadsBackWhatItWritesForEveryArchitecture) {
  for (const char* name : {"llama", "llama_bias", "mistral", "qwen2", "qwen3", "qwen3_moe",
                           "glm4_moe_lite", "youtu", "minicpm3", "latent_bias"}) {
    const auto text =
        ReadFile(absl::StrCat(GRPO_SOURCE_DIR, "/tests/golden/arch_", name, "/config.json"));
    ASSERT_TRUE(text.ok()) << text.status();
    const auto first = PolicyConfigFromJson(*text, name);
    ASSERT_TRUE(first.ok()) << first.status();
    const std::string written = PolicyConfigToJson(*first, 0, 1);
    const auto second = PolicyConfigFromJson(written, "written");
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_EQ(PolicyConfigToJson(*second, 0, 1), written);
  }
}

TEST(PolicyConfigTest, EveryArchitectureIsAPolicyByItsNameAlone) {
  for (const std::string& model_type : ModelTypes()) {
    PolicyConfig config;
    config.model_type = model_type;
    if (config.architecture().gate == Architecture::Gate::kV2 ||
        config.architecture().gate == Architecture::Gate::kSoftmax) {
      config.scoring_func = "softmax";
      config.topk_method = "greedy";
      config.norm_topk_prob = false;
    }
    EXPECT_TRUE(CheckPolicyConfig(config, model_type).ok())
        << CheckPolicyConfig(config, model_type);
    const auto read = PolicyConfigFromJson(PolicyConfigToJson(config, 0, 1), model_type);
    EXPECT_TRUE(read.ok()) << read.status();
  }
}

TEST(PolicyConfigTest, TheDefaultsAreAPolicy) {
  const PolicyConfig config;
  EXPECT_TRUE(CheckPolicyConfig(config, "defaults").ok());
  EXPECT_TRUE(PolicyConfigFromJson(PolicyConfigToJson(config, 0, 1), "defaults").ok());
}

TEST(PolicyConfigTest, WritesWhatOtherReadersAskFor) {
  const json v3 = json::parse(PolicyConfigToJson(PolicyConfig(), 7, 9));
  EXPECT_EQ(v3["architectures"], json({"DeepseekV3ForCausalLM"}));
  EXPECT_EQ(v3["bos_token_id"], 7);
  EXPECT_EQ(v3["eos_token_id"], 9);
  EXPECT_EQ(v3["num_key_value_heads"], 4);
  EXPECT_EQ(v3["num_nextn_predict_layers"], 0);
  EXPECT_TRUE(v3["q_lora_rank"].is_null());
  EXPECT_TRUE(v3["rope_scaling"].is_null());
  const json v2 =
      json::parse(PolicyConfigToJson(*PolicyConfigFromJson(kTransformersV2, "v2"), 0, 1));
  EXPECT_EQ(v2["architectures"], json({"DeepseekV2ForCausalLM"}));
  EXPECT_EQ(v2["rope_scaling"]["type"], "yarn");
  EXPECT_FALSE(v2.contains("rope_interleave"));
}

// A change to the published file that must be refused, and a part of the message.
struct Malformed {
  const char* name;
  const char* patch;  // merged into the file; null removes a key
  const char* message;
};

class MalformedPolicyConfigTest : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedPolicyConfigTest, IsRefusedByKey) {
  json object = json::parse(kPublishedV3);
  object.merge_patch(json::parse(GetParam().patch));
  const auto config = PolicyConfigFromJson(object.dump(), "policy/config.json");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()),
              AllOf(HasSubstr("policy/config.json"), HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Files, MalformedPolicyConfigTest,
    ::testing::Values(
        Malformed{"NoModelType", R"({"model_type": null})", "'model_type' is missing"},
        Malformed{"OtherModel", R"({"model_type": "gpt2"})", "qwen3_moe, found \"gpt2\""},
        Malformed{"KeysOfAnotherModel", R"({"model_type": "llama"})",
                  "the key 'kv_lora_rank' (512) is not known here"},
        Malformed{"SlidingWindow", R"({"sliding_window": 4096})",
                  "'sliding_window' (4096) is below max_position_embeddings"},
        Malformed{"MixedLayers", R"({"layer_types": ["full_attention", "sliding_attention"]})",
                  "found \"sliding_attention\""},
        Malformed{"DenseAfterSparse", R"({"mlp_layer_types": ["dense", "sparse", "dense"]})",
                  "must be dense layers and then sparse ones"},
        Malformed{"LongRopeFactors",
                  R"({"rope_scaling": {"type": "longrope", "short_factor": [1, 2],
                                       "long_factor": [1, 2]}})",
                  "must have 32 numbers each"},
        Malformed{"Llama3Ramp",
                  R"({"rope_scaling": {"type": "llama3", "low_freq_factor": 4,
                                       "high_freq_factor": 4}})",
                  "high_freq_factor (4) must be above low_freq_factor (4)"},
        Malformed{"ModelTypeNoString", R"({"model_type": 3})", "found 3"},
        Malformed{"MissingKey", R"({"kv_lora_rank": null})", "the key 'kv_lora_rank' is missing"},
        Malformed{"UnknownKey", R"({"index_topk": 2048})",
                  "the key 'index_topk' (2048) is not known here"},
        Malformed{"Quantised", R"({"quantization_config": {"quant_method": "awq"}})",
                  "'quantization_config'"},
        Malformed{"UnknownRopeKey", R"({"rope_scaling": {"long_mscale": 2}})",
                  "'rope_scaling.long_mscale'"},
        Malformed{"StringForNumber", R"({"vocab_size": "big"})",
                  "'vocab_size' must be a whole number, found \"big\""},
        Malformed{"FractionForWhole", R"({"vocab_size": 1.5})",
                  "'vocab_size' must be a whole number"},
        Malformed{"NumberForBool", R"({"norm_topk_prob": 1})",
                  "'norm_topk_prob' must be true or false"},
        Malformed{"OutOfRange", R"({"num_hidden_layers": 0})",
                  "'num_hidden_layers' must be from 1 to 1000, found 0"},
        Malformed{"Enormous", R"({"hidden_size": 99999999999999999999})", "'hidden_size' must be"},
        Malformed{"Negative", R"({"kv_lora_rank": -512})", "found -512"},
        Malformed{"OtherActivation", R"({"hidden_act": "gelu"})",
                  "'hidden_act' must be \"silu\", found \"gelu\""},
        Malformed{"MlpBias", R"({"mlp_bias": true})", "'mlp_bias' must be false"},
        Malformed{"SparseMoe", R"({"moe_layer_freq": 2})", "'moe_layer_freq' must be 1"},
        Malformed{"HalvesRotary", R"({"rope_interleave": false})",
                  "'rope_interleave' must be true"},
        Malformed{"OddRotary", R"({"qk_rope_head_dim": 63})",
                  "qk_rope_head_dim must be even, found 63"},
        Malformed{"WrongHeadSum", R"({"qk_head_dim": 100})",
                  "'qk_head_dim' must be qk_nope_head_dim"},
        Malformed{"BothRopeStyles", R"({"rope_parameters": {"rope_type": "default"}})",
                  "one style at a time"},
        Malformed{"TwoThetas", R"({"rope_scaling": {"rope_theta": 5.0}})",
                  "'rope_theta' is given twice"},
        Malformed{"TwoRopeTypes", R"({"rope_scaling": {"rope_type": "linear"}})",
                  "contradict each other"},
        Malformed{"OtherRopeType", R"({"rope_scaling": {"type": "su"}})", "one of default, linear"},
        Malformed{"NoRopeType", R"({"rope_scaling": {"type": null}})",
                  "'rope_scaling.type' is missing"},
        Malformed{"NoYarnFactor", R"({"rope_scaling": {"factor": null}})",
                  "'rope_scaling.factor' is missing"},
        Malformed{"RopeNoObject", R"({"rope_scaling": 4})",
                  "'rope_scaling' must be an object or null"},
        Malformed{"YarnRamp", R"({"rope_scaling": {"beta_fast": 1}})",
                  "beta_fast (1) must be above"},
        Malformed{"YarnScale", R"({"rope_scaling": {"mscale": 0.5, "mscale_all_dim": 0}})",
                  "read differently"},
        Malformed{"ScaledPlainRope", R"({"rope_scaling": {"type": "default"}})",
                  "factor must be 1 with type default"},
        Malformed{"GroupsDoNotDivide", R"({"n_group": 7})", "must be a multiple of n_group (7)"},
        Malformed{"MoreGroupsThanThereAre", R"({"topk_group": 9})",
                  "topk_group (9) must be at most n_group (8)"},
        Malformed{"GroupsOfOne", R"({"n_group": 256, "topk_group": 8})", "two best experts"},
        Malformed{"MoreExpertsThanThereAre", R"({"num_experts_per_tok": 200})",
                  "must be at most the 128 experts"},
        Malformed{"OtherGateOfV3", R"({"scoring_func": "softmax"})",
                  "deepseek_v3's gate is scoring_func sigmoid"},
        Malformed{"OtherGateOfV2", R"({"model_type": "deepseek_v2"})",
                  "deepseek_v2's gate is scoring_func softmax"},
        Malformed{"NormalisedV2", R"({"model_type": "deepseek_v2", "scoring_func": "softmax",
                                      "topk_method": "group_limited_greedy"})",
                  "norm_topk_prob must be false"},
        Malformed{"MoreDenseLayersThanLayers", R"({"first_k_dense_replace": 62})",
                  "at most num_hidden_layers (61)"}),
    [](const auto& info) { return info.param.name; });

TEST(PolicyConfigTest, NamesThePlaceWhereJsonBreaks) {
  for (const char* text :
       {"", "{", "[]", "{\"model_type\": }", "{} x", "{\"a\": 1, \"a\": 1}", "nonsense"}) {
    const auto config = PolicyConfigFromJson(text, "config.json");
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_THAT(std::string(config.status().message()), HasSubstr("config.json:")) << text;
  }
  EXPECT_THAT(std::string(PolicyConfigFromJson("{\n\"a\": }", "config.json").status().message()),
              HasSubstr("config.json:2:6"));
}

TEST(PolicyConfigTest, NamesEverythingThatIsWrongAtOnce) {
  json object = json::parse(kPublishedV3);
  object["hidden_act"] = "relu";
  object["vocab_size"] = 0;
  object["sliding_window"] = 128;
  const std::string message(PolicyConfigFromJson(object.dump(), "config.json").status().message());
  EXPECT_THAT(message,
              AllOf(HasSubstr("hidden_act"), HasSubstr("vocab_size"), HasSubstr("sliding_window")));
}

TEST(PolicyConfigTest, ChecksWhatARecipePutsTogether) {
  PolicyConfig config;
  config.topk_method = "greedy";
  config.n_group = 2;
  EXPECT_THAT(std::string(CheckPolicyConfig(config, "recipe.toml: [policy.config]").message()),
              AllOf(HasSubstr("recipe.toml: [policy.config]"), HasSubstr("greedy has no groups")));
}

}  // namespace
}  // namespace grpo

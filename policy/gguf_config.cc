// From GGUF's metadata to config.json.
#include "policy/gguf_config.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

#include "data/status_macros.h"
#include "policy/gguf_names.h"

namespace grpo {
namespace {

using nlohmann::ordered_json;

absl::Status Invalid(const std::string& problem) { return absl::InvalidArgumentError(problem); }

// The number that a person wrote before it became a float: 1e-06, not 9.999999974752427e-07.
double ShortestDecimal(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text) - 1, static_cast<float>(value));
  *end.ptr = '\0';
  return std::strtod(text, nullptr);
}

// The same through a product, which costs the last digit.
double SixDigits(double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return std::strtod(text, nullptr);
}

// Keys that say how a file was made or repeat what the tensors say.
bool IsWithoutEffect(absl::string_view key) {
  static const auto* const keys =
      new std::set<absl::string_view>{"vocab_size", "tensor_data_layout", "rope.scaling.finetuned"};
  return keys->count(key) > 0;
}

// Takes an architecture's keys and remembers which were asked for.
class KeyReader {
 public:
  KeyReader(const GgufMetadata& metadata, const std::string& architecture)
      : metadata_(metadata), prefix_(architecture + ".") {}

  bool Has(const std::string& key) {
    taken_.insert(prefix_ + key);
    return metadata_.Has(prefix_ + key);
  }
  absl::StatusOr<int64_t> Integer(const std::string& key) {
    taken_.insert(prefix_ + key);
    ASSIGN_OR_RETURN(const int64_t value, metadata_.Integer(prefix_ + key));
    if (value >= 0 && value <= INT32_MAX) return value;
    return Invalid(absl::StrCat("the key '", prefix_, key, "' is ", value));
  }
  absl::StatusOr<int64_t> Integer(const std::string& key, int64_t otherwise) {
    if (!Has(key)) return otherwise;
    return Integer(key);
  }
  absl::StatusOr<double> Real(const std::string& key) {
    taken_.insert(prefix_ + key);
    ASSIGN_OR_RETURN(const double value, metadata_.Real(prefix_ + key));
    if (std::isfinite(value)) return ShortestDecimal(value);
    return Invalid(absl::StrCat("the key '", prefix_, key, "' is not finite"));
  }
  absl::StatusOr<double> Real(const std::string& key, double otherwise) {
    if (!Has(key)) return otherwise;
    return Real(key);
  }
  absl::StatusOr<bool> Flag(const std::string& key, bool otherwise) {
    if (!Has(key)) return otherwise;
    return metadata_.Flag(prefix_ + key);
  }
  absl::StatusOr<std::string> Text(const std::string& key, const std::string& otherwise) {
    if (!Has(key)) return otherwise;
    return metadata_.Text(prefix_ + key);
  }

  absl::Status RefuseTheRest() const {
    std::vector<std::string> unknown;
    for (const auto& [key, value] : metadata_.entries()) {
      absl::string_view name = key;
      if (!absl::ConsumePrefix(&name, prefix_) || IsWithoutEffect(name)) continue;
      if (taken_.count(key) == 0) unknown.push_back(key);
    }
    if (unknown.empty()) return absl::OkStatus();
    return Invalid(absl::StrCat("not known here, and may change what the network computes: ",
                                absl::StrJoin(unknown, ", ")));
  }

 private:
  const GgufMetadata& metadata_;
  const std::string prefix_;
  std::set<std::string> taken_;
};

// Builds the config.json part by part.
class ConfigBuilder {
 public:
  ConfigBuilder(const GgufReader& file, const std::string& architecture)
      : file_(file), architecture_(architecture), keys_(file.metadata(), architecture) {}

  absl::StatusOr<ordered_json> Build() {
    RETURN_IF_ERROR(AddCommon());
    if (architecture_ == "deepseek2") {
      RETURN_IF_ERROR(AddDeepseek());
    } else if (architecture_ == "minicpm3") {
      RETURN_IF_ERROR(AddMinicpm3());
    } else {
      RETURN_IF_ERROR(AddGroupedQueries());
    }
    RETURN_IF_ERROR(AddRope());
    RETURN_IF_ERROR(keys_.RefuseTheRest());
    return config_;
  }

 private:
  absl::Status AddCommon();
  absl::Status AddGroupedQueries();
  absl::Status AddQwenMoe();
  absl::Status AddDeepseek();
  absl::Status AddLatentWidths();
  absl::Status AddRouter();
  absl::Status AddMinicpm3();
  absl::Status AddRope();
  absl::Status AddYarn(ordered_json& scaling);
  absl::Status AddLlama3Rope(const GgufTensor& factors);
  absl::Status AddLongRope();
  void Name(const char* model_type, const char* model_class) {
    config_["architectures"] = {model_class};
    config_["model_type"] = model_type;
  }

  const GgufReader& file_;
  const std::string architecture_;
  KeyReader keys_;
  ordered_json config_;
  int64_t num_layers_ = 0, num_heads_ = 0, hidden_size_ = 0, head_dim_ = 0;
};

absl::Status ConfigBuilder::AddCommon() {
  config_["architectures"] = ordered_json::array();
  config_["model_type"] = "";
  const GgufTensor* const embedding = file_.Find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    return Invalid("the tensor 'token_embd.weight' is missing or no matrix");
  }
  config_["vocab_size"] = embedding->shape[0];
  ASSIGN_OR_RETURN(hidden_size_, keys_.Integer("embedding_length"));
  config_["hidden_size"] = hidden_size_;
  if (keys_.Has("feed_forward_length")) {
    ASSIGN_OR_RETURN(config_["intermediate_size"], keys_.Integer("feed_forward_length"));
  }
  ASSIGN_OR_RETURN(const int64_t blocks, keys_.Integer("block_count"));
  ASSIGN_OR_RETURN(const int64_t behind, keys_.Integer("nextn_predict_layers", 0));
  if (behind > blocks) return Invalid("more layers are behind the last one than there are");
  num_layers_ = blocks - behind;
  config_["num_hidden_layers"] = num_layers_;
  if (behind > 0) config_["num_nextn_predict_layers"] = behind;
  ASSIGN_OR_RETURN(num_heads_, keys_.Integer("attention.head_count"));
  if (num_heads_ == 0) return Invalid(absl::StrCat(architecture_, ".attention.head_count is 0"));
  config_["num_attention_heads"] = num_heads_;
  ASSIGN_OR_RETURN(config_["max_position_embeddings"], keys_.Integer("context_length"));
  ASSIGN_OR_RETURN(config_["rms_norm_eps"], keys_.Real("attention.layer_norm_rms_epsilon"));
  config_["tie_word_embeddings"] = file_.Find("output.weight") == nullptr;
  config_["hidden_act"] = "silu";
  return absl::OkStatus();
}

absl::Status ConfigBuilder::AddGroupedQueries() {
  const bool llama = architecture_ == "llama", qwen2 = architecture_ == "qwen2";
  if (llama) Name("llama", "LlamaForCausalLM");
  if (qwen2) Name("qwen2", "Qwen2ForCausalLM");
  if (architecture_ == "qwen3") Name("qwen3", "Qwen3ForCausalLM");
  if (architecture_ == "qwen3moe") {
    Name("qwen3_moe", "Qwen3MoeForCausalLM");
    RETURN_IF_ERROR(AddQwenMoe());
  }
  ASSIGN_OR_RETURN(const int64_t key_value_heads,
                   keys_.Integer("attention.head_count_kv", num_heads_));
  if (key_value_heads == 0) return Invalid(architecture_ + ".attention.head_count_kv is 0");
  config_["num_key_value_heads"] = key_value_heads;
  ASSIGN_OR_RETURN(head_dim_, keys_.Integer("attention.key_length", hidden_size_ / num_heads_));
  ASSIGN_OR_RETURN(const int64_t value_length, keys_.Integer("attention.value_length", head_dim_));
  ASSIGN_OR_RETURN(const int64_t rotary, keys_.Integer("rope.dimension_count", head_dim_));
  if (value_length != head_dim_ || rotary != head_dim_) {
    return Invalid(absl::StrCat("heads of keys are ", head_dim_, " wide, of values ", value_length,
                                ", and ", rotary, " of it rotate: they must be equal"));
  }
  config_["head_dim"] = head_dim_;
  if (!qwen2) {
    config_["attention_bias"] = file_.Find("blk.0.attn_q.bias") != nullptr;
  } else {
    config_["use_sliding_window"] = false;
  }
  if (llama) config_["mlp_bias"] = false;
  return absl::OkStatus();
}

absl::Status ConfigBuilder::AddQwenMoe() {
  ASSIGN_OR_RETURN(config_["num_experts"], keys_.Integer("expert_count"));
  ASSIGN_OR_RETURN(config_["num_experts_per_tok"], keys_.Integer("expert_used_count"));
  ASSIGN_OR_RETURN(config_["moe_intermediate_size"], keys_.Integer("expert_feed_forward_length"));
  ASSIGN_OR_RETURN(config_["norm_topk_prob"], keys_.Flag("expert_weights_norm", true));
  config_["decoder_sparse_step"] = 1;
  config_["mlp_only_layers"] = ordered_json::array();
  return absl::OkStatus();
}

// Files since 2025 describe latent attention as llama.cpp runs it, with one key head as wide as the
// latent; the model's own widths have keys of their own there.
absl::Status ConfigBuilder::AddLatentWidths() {
  if (keys_.Has("attention.q_lora_rank")) {
    ASSIGN_OR_RETURN(config_["q_lora_rank"], keys_.Integer("attention.q_lora_rank"));
  } else {
    config_["q_lora_rank"] = nullptr;
  }
  ASSIGN_OR_RETURN(config_["kv_lora_rank"], keys_.Integer("attention.kv_lora_rank"));
  const bool absorbed = keys_.Has("attention.key_length_mla");
  const std::string suffix = absorbed ? "_mla" : "";
  ASSIGN_OR_RETURN(const int64_t key_length, keys_.Integer("attention.key_length" + suffix));
  // MiniCPM3's files leave it out: llama.cpp takes the width by which the heads divide the model.
  ASSIGN_OR_RETURN(const int64_t value_length,
                   keys_.Integer("attention.value_length" + suffix, hidden_size_ / num_heads_));
  ASSIGN_OR_RETURN(const int64_t rotary, keys_.Integer("rope.dimension_count"));
  if (rotary >= key_length) return Invalid("keys have no part without rotation");
  config_["qk_nope_head_dim"] = key_length - rotary;
  config_["qk_rope_head_dim"] = rotary;
  config_["v_head_dim"] = value_length;
  config_["num_key_value_heads"] = num_heads_;
  for (const char* const key :
       {"attention.key_length", "attention.value_length", "attention.head_count_kv"}) {
    keys_.Has(key);  // they repeat the above
  }
  return absl::OkStatus();
}

absl::Status ConfigBuilder::AddDeepseek() {
  RETURN_IF_ERROR(AddLatentWidths());
  ASSIGN_OR_RETURN(config_["moe_intermediate_size"], keys_.Integer("expert_feed_forward_length"));
  ASSIGN_OR_RETURN(config_["n_routed_experts"], keys_.Integer("expert_count"));
  ASSIGN_OR_RETURN(config_["num_experts_per_tok"], keys_.Integer("expert_used_count"));
  ASSIGN_OR_RETURN(config_["n_shared_experts"], keys_.Integer("expert_shared_count", 0));
  ASSIGN_OR_RETURN(config_["first_k_dense_replace"], keys_.Integer("leading_dense_block_count", 0));
  config_["moe_layer_freq"] = 1;
  config_["attention_bias"] = false;
  return AddRouter();
}

absl::Status ConfigBuilder::AddRouter() {
  constexpr int64_t kSoftmax = 1, kSigmoid = 2;
  ASSIGN_OR_RETURN(const int64_t gate, keys_.Integer("expert_gating_func", kSoftmax));
  if (gate != kSoftmax && gate != kSigmoid) {
    return Invalid(absl::StrCat("deepseek2.expert_gating_func is ", gate,
                                "; softmax (1) and sigmoid (2) can be read"));
  }
  const bool v3 = gate == kSigmoid;
  if (v3) {
    Name("deepseek_v3", "DeepseekV3ForCausalLM");
  } else {
    Name("deepseek_v2", "DeepseekV2ForCausalLM");
  }
  // Files of DeepSeek-V3 and -R1 older than the keys: 256 experts are theirs alone.
  const bool published = v3 && config_["n_routed_experts"] == 256;
  ASSIGN_OR_RETURN(const int64_t groups, keys_.Integer("expert_group_count", published ? 8 : 1));
  ASSIGN_OR_RETURN(const int64_t used, keys_.Integer("expert_group_used_count", published ? 4 : 1));
  config_["n_group"] = groups;
  config_["topk_group"] = used;
  config_["scoring_func"] = v3 ? "sigmoid" : "softmax";
  config_["topk_method"] = v3 ? "noaux_tc" : groups > 1 ? "group_limited_greedy" : "greedy";
  ASSIGN_OR_RETURN(config_["norm_topk_prob"], keys_.Flag("expert_weights_norm", false));
  ASSIGN_OR_RETURN(config_["routed_scaling_factor"], keys_.Real("expert_weights_scale", 1.0));
  return absl::OkStatus();
}

absl::Status ConfigBuilder::AddMinicpm3() {
  Name("minicpm3", "MiniCPM3ForCausalLM");
  RETURN_IF_ERROR(AddLatentWidths());
  // Not in the file: llama.cpp knows these of MiniCPM3-4B, the one model of the architecture.
  config_["scale_emb"] = 12;
  config_["scale_depth"] = 1.4;
  config_["dim_model_base"] = 256;
  config_["attention_bias"] = false;
  return absl::OkStatus();
}

absl::Status ConfigBuilder::AddRope() {
  ASSIGN_OR_RETURN(config_["rope_theta"], keys_.Real("rope.freq_base", 10000.0));
  config_["rope_scaling"] = nullptr;
  if (const GgufTensor* const factors = file_.Find("rope_freqs.weight")) {
    return AddLlama3Rope(*factors);
  }
  ASSIGN_OR_RETURN(const std::string type, keys_.Text("rope.scaling.type", "none"));
  if (type == "longrope" || file_.Find("rope_factors_long.weight") != nullptr) {
    return AddLongRope();
  }
  ASSIGN_OR_RETURN(const double factor, keys_.Real("rope.scaling.factor", 1.0));
  if (type == "none") return absl::OkStatus();
  if (type != "linear" && type != "yarn") {
    return Invalid(absl::StrCat(architecture_, ".rope.scaling.type is '", type,
                                "'; none, linear, yarn and longrope can be read"));
  }
  ordered_json scaling = {{"type", type}, {"factor", factor}};
  if (type == "yarn") RETURN_IF_ERROR(AddYarn(scaling));
  config_["rope_scaling"] = scaling;
  return absl::OkStatus();
}

absl::Status ConfigBuilder::AddYarn(ordered_json& scaling) {
  ASSIGN_OR_RETURN(scaling["original_max_position_embeddings"],
                   keys_.Integer("rope.scaling.original_context_length"));
  ASSIGN_OR_RETURN(scaling["beta_fast"], keys_.Real("rope.scaling.yarn_beta_fast", 32));
  ASSIGN_OR_RETURN(scaling["beta_slow"], keys_.Real("rope.scaling.yarn_beta_slow", 1));
  if (keys_.Has("rope.scaling.yarn_attn_factor")) {
    ASSIGN_OR_RETURN(scaling["attention_factor"], keys_.Real("rope.scaling.yarn_attn_factor"));
  }
  if (architecture_ != "deepseek2") return absl::OkStatus();
  // llama.cpp's converter multiplies by 0.1; both coefficients are equal in every published model.
  ASSIGN_OR_RETURN(const double logarithmic, keys_.Real("rope.scaling.yarn_log_multiplier", 0));
  scaling["mscale"] = logarithmic == 0 ? 1.0 : SixDigits(logarithmic / 0.1);
  scaling["mscale_all_dim"] = SixDigits(logarithmic / 0.1);
  return absl::OkStatus();
}

// The file holds the factors that follow from four numbers, not the numbers. All Llama models since
// 3.1 share three of them, and the fourth is the largest factor.
absl::Status ConfigBuilder::AddLlama3Rope(const GgufTensor& factors) {
  constexpr double kLow = 1, kHigh = 4, kContext = 8192;
  const int64_t count = factors.shape.empty() ? 1 : factors.shape.back();
  if (architecture_ != "llama" || factors.shape.size() != 1 || count * 2 != head_dim_ ||
      absl::string_view(factors.format->name) != "F32") {
    return Invalid("the tensor 'rope_freqs.weight' does not fit the heads");
  }
  std::vector<float> found(count);
  RETURN_IF_ERROR(Dequantize(*factors.format, factors.bytes, absl::MakeSpan(found)));
  const double largest = *std::max_element(found.begin(), found.end());
  const std::vector<float> expected = Llama3RopeFactors(
      head_dim_, config_["rope_theta"].get<double>(), largest, kLow, kHigh, kContext);
  for (int64_t i = 0; i < count; ++i) {
    if (!(std::abs(found[i] - expected[i]) <= 1e-4 * expected[i])) {
      return Invalid(absl::StrCat("'rope_freqs.weight'[", i, "] is ", found[i], ", not ",
                                  expected[i], " as in Llama 3.1: other factors have no place in ",
                                  "config.json"));
    }
  }
  config_["rope_scaling"] = {{"rope_type", "llama3"},
                             {"factor", ShortestDecimal(largest)},
                             {"low_freq_factor", kLow},
                             {"high_freq_factor", kHigh},
                             {"original_max_position_embeddings", static_cast<int>(kContext)}};
  return absl::OkStatus();
}

absl::Status ConfigBuilder::AddLongRope() {
  ordered_json scaling = {{"type", "longrope"}};
  for (const auto& [tensor_name, key] : {std::pair("rope_factors_long.weight", "long_factor"),
                                         std::pair("rope_factors_short.weight", "short_factor")}) {
    const GgufTensor* const tensor = file_.Find(tensor_name);
    if (tensor == nullptr || tensor->shape.size() != 1) {
      return Invalid(absl::StrCat("the tensor '", tensor_name, "' is missing or no vector"));
    }
    std::vector<float> values(tensor->shape[0]);
    RETURN_IF_ERROR(Dequantize(*tensor->format, tensor->bytes, absl::MakeSpan(values)));
    scaling[key] = ordered_json::array();
    for (const float value : values) scaling[key].push_back(ShortestDecimal(value));
  }
  ASSIGN_OR_RETURN(const int64_t context,
                   keys_.Integer("rope.scaling.original_context_length",
                                 config_["max_position_embeddings"].get<int64_t>()));
  scaling["original_max_position_embeddings"] = context;
  config_["rope_scaling"] = scaling;
  return absl::OkStatus();
}

}  // namespace

std::vector<float> Llama3RopeFactors(int64_t head_dim, double theta, double factor,
                                     double low_freq_factor, double high_freq_factor,
                                     double original_context) {
  std::vector<float> factors;
  for (int64_t i = 0; i < head_dim; i += 2) {
    const double frequency =
        1.0 / std::pow(theta, static_cast<double>(i) / static_cast<double>(head_dim));
    const double wavelength = 2 * std::numbers::pi / frequency;
    double slower = factor;
    if (wavelength < original_context / high_freq_factor) {
      slower = 1;
    } else if (wavelength <= original_context / low_freq_factor) {
      const double smooth =
          (original_context / wavelength - low_freq_factor) / (high_freq_factor - low_freq_factor);
      slower = 1 / ((1 - smooth) / factor + smooth);
    }
    factors.push_back(static_cast<float>(slower));
  }
  return factors;
}

absl::StatusOr<ordered_json> ConfigFromGguf(const GgufReader& file) {
  ASSIGN_OR_RETURN(const std::string architecture, file.metadata().Text("general.architecture"));
  static const auto* const known =
      new std::set<std::string>{"llama", "qwen2", "qwen3", "qwen3moe", "deepseek2", "minicpm3"};
  if (known->count(architecture) == 0) {
    return Invalid(absl::StrCat("the architecture '", architecture,
                                "' cannot be read; known are: ", absl::StrJoin(*known, ", ")));
  }
  if (architecture == "llama" && file.metadata().Has("llama.expert_count")) {
    ASSIGN_OR_RETURN(const int64_t experts, file.metadata().Integer("llama.expert_count"));
    if (experts > 0) return Invalid("'llama' with experts (Mixtral) cannot be read");
  }
  ASSIGN_OR_RETURN(ordered_json config, ConfigBuilder(file, architecture).Build());
  for (const auto& [key, name] : {std::pair("tokenizer.ggml.bos_token_id", "bos_token_id"),
                                  std::pair("tokenizer.ggml.eos_token_id", "eos_token_id")}) {
    if (!file.metadata().Has(key)) continue;
    ASSIGN_OR_RETURN(config[name], file.metadata().Integer(key));
  }
  return config;
}

}  // namespace grpo

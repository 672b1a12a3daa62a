// From config.json to GGUF's metadata.
#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"

#include "data/status_macros.h"
#include "policy/gguf_config.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr int64_t kMaxExtent = 1 << 20;

absl::Status Invalid(const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat("config.json: ", problem));
}

const json& FieldOf(const json& object, const std::string& key) {
  static const json null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

bool IsTrue(const json& config, const char* key) { return FieldOf(config, key) == json(true); }

absl::StatusOr<int64_t> Integer(const json& config, const std::string& key) {
  const json& value = FieldOf(config, key);
  if (value.is_number_integer() && value >= 0 && value <= INT32_MAX) return value.get<int64_t>();
  return Invalid(absl::StrCat("'", key, "' must be a whole number from 0, found ", value.dump()));
}

absl::StatusOr<int64_t> Integer(const json& config, const std::string& key, int64_t otherwise) {
  if (FieldOf(config, key).is_null()) return otherwise;
  return Integer(config, key);
}

absl::StatusOr<double> Real(const json& config, const std::string& key) {
  const json& value = FieldOf(config, key);
  if (value.is_number()) return value.get<double>();
  return Invalid(absl::StrCat("'", key, "' must be a number, found ", value.dump()));
}

absl::StatusOr<double> Real(const json& config, const std::string& key, double otherwise) {
  if (FieldOf(config, key).is_null()) return otherwise;
  return Real(config, key);
}

absl::StatusOr<std::string> ArchitectureOf(const json& config) {
  static const auto* const architectures = new std::map<std::string, std::string>{
      {"llama", "llama"},           {"mistral", "llama"},      {"qwen2", "qwen2"},
      {"qwen3", "qwen3"},           {"qwen3_moe", "qwen3moe"}, {"deepseek_v2", "deepseek2"},
      {"deepseek_v3", "deepseek2"}, {"minicpm3", "minicpm3"},
  };
  const json& type = FieldOf(config, "model_type");
  const auto found = architectures->find(type.is_string() ? type.get<std::string>() : "");
  if (found != architectures->end()) return found->second;
  return Invalid(absl::StrCat("'model_type' ", type.dump(), " has no architecture in GGUF here"));
}

// rope_theta and rope_scaling, or transformers 5's rope_parameters, as the latter.
json RopeOf(const json& config) {
  json rope = FieldOf(config, "rope_parameters");
  if (!rope.is_object()) rope = FieldOf(config, "rope_scaling");
  if (!rope.is_object()) rope = json::object();
  if (!rope.contains("rope_theta")) rope["rope_theta"] = FieldOf(config, "rope_theta");
  if (rope["rope_theta"].is_null()) rope["rope_theta"] = 10000.0;
  if (!rope.contains("rope_type")) rope["rope_type"] = FieldOf(rope, "type");
  if (rope["rope_type"].is_null()) rope["rope_type"] = "default";
  return rope;
}

// Puts the metadata together part by part.
class GgufBuilder {
 public:
  GgufBuilder(const json& config, const ModelShape& shape) : config_(config) {
    result_.shape = shape;
  }

  absl::StatusOr<GgufConfig> Build();

 private:
  absl::Status AddCommon();
  absl::Status AddGroupedQueries();
  absl::Status AddQwenMoe();
  absl::Status AddLatentAttention();
  absl::Status AddDeepseek();
  absl::Status AddRouter();
  absl::Status CheckMinicpm3();
  absl::Status AddRope();
  absl::Status AddYarn(const json& rope);
  absl::Status AddLlama3Rope(const json& rope);
  absl::Status AddLongRope(const json& rope);
  void AddVector(const std::string& name, std::vector<float> values);

  bool Is(const char* architecture) const { return result_.shape.architecture == architecture; }
  void Set(const std::string& key, GgufValue value) {
    result_.metadata.Set(absl::StrCat(result_.shape.architecture, ".", key), std::move(value));
  }
  void SetInteger(const std::string& key, int64_t value) {
    Set(key, GgufValue::Uint32(static_cast<uint32_t>(value)));
  }
  absl::Status Copy(const std::string& key, const std::string& gguf_key) {
    ASSIGN_OR_RETURN(const int64_t value, Integer(config_, key));
    SetInteger(gguf_key, value);
    return absl::OkStatus();
  }

  const json& config_;
  GgufConfig result_;
};

absl::StatusOr<GgufConfig> GgufBuilder::Build() {
  RETURN_IF_ERROR(AddCommon());
  if (Is("deepseek2")) {
    RETURN_IF_ERROR(AddLatentAttention());
    RETURN_IF_ERROR(AddDeepseek());
  } else if (Is("minicpm3")) {
    RETURN_IF_ERROR(AddLatentAttention());
    RETURN_IF_ERROR(CheckMinicpm3());
  } else {
    RETURN_IF_ERROR(AddGroupedQueries());
  }
  RETURN_IF_ERROR(AddRope());
  return std::move(result_);
}

absl::Status GgufBuilder::AddCommon() {
  SetInteger("block_count", result_.shape.num_layers);
  RETURN_IF_ERROR(Copy("max_position_embeddings", "context_length"));
  RETURN_IF_ERROR(Copy("hidden_size", "embedding_length"));
  RETURN_IF_ERROR(Copy("intermediate_size", "feed_forward_length"));
  SetInteger("attention.head_count", result_.shape.num_heads);
  SetInteger("attention.head_count_kv", Is("deepseek2") ? 1 : result_.shape.num_key_value_heads);
  ASSIGN_OR_RETURN(const double epsilon, Real(config_, "rms_norm_eps", 1e-6));
  Set("attention.layer_norm_rms_epsilon", GgufValue::Float32(epsilon));
  RETURN_IF_ERROR(Copy("vocab_size", "vocab_size"));
  const json& activation = FieldOf(config_, "hidden_act");
  if (!activation.is_null() && activation != "silu") {
    return Invalid(absl::StrCat("'hidden_act' must be silu, found ", activation.dump()));
  }
  return absl::OkStatus();
}

absl::Status GgufBuilder::AddGroupedQueries() {
  if (IsTrue(config_, "mlp_bias")) return Invalid("'mlp_bias' has no place in GGUF here");
  ASSIGN_OR_RETURN(const int64_t context, Integer(config_, "max_position_embeddings"));
  const json& window = FieldOf(config_, "sliding_window");
  const bool windowed = window.is_number() && window < context &&
                        FieldOf(config_, "use_sliding_window") != json(false);
  if (windowed) return Invalid("'sliding_window' is not written; llama.cpp would ignore it");
  ASSIGN_OR_RETURN(const int64_t hidden_size, Integer(config_, "hidden_size"));
  ASSIGN_OR_RETURN(const int64_t head_dim,
                   Integer(config_, "head_dim", hidden_size / result_.shape.num_heads));
  if (!FieldOf(config_, "head_dim").is_null()) {
    SetInteger("attention.key_length", head_dim);
    SetInteger("attention.value_length", head_dim);
  }
  if (Is("llama")) SetInteger("rope.dimension_count", head_dim);
  return Is("qwen3moe") ? AddQwenMoe() : absl::OkStatus();
}

absl::Status GgufBuilder::AddQwenMoe() {
  ASSIGN_OR_RETURN(const int64_t step, Integer(config_, "decoder_sparse_step", 1));
  const json& dense = FieldOf(config_, "mlp_only_layers");
  if (step != 1 || (dense.is_array() && !dense.empty())) {
    return Invalid("layers without experts among those with have no place in GGUF");
  }
  if (FieldOf(config_, "norm_topk_prob") == json(false)) {
    return Invalid("'norm_topk_prob' false: llama.cpp normalises Qwen3's weights always");
  }
  SetInteger("expert_count", result_.shape.num_experts);
  RETURN_IF_ERROR(Copy("num_experts_per_tok", "expert_used_count"));
  return Copy("moe_intermediate_size", "expert_feed_forward_length");
}

absl::Status GgufBuilder::AddLatentAttention() {
  const ModelShape& shape = result_.shape;
  if (!FieldOf(config_, "q_lora_rank").is_null()) {
    ASSIGN_OR_RETURN(const int64_t rank, Integer(config_, "q_lora_rank"));
    if (rank > 0) SetInteger("attention.q_lora_rank", rank);
  }
  SetInteger("attention.kv_lora_rank", shape.kv_lora_rank);
  ASSIGN_OR_RETURN(const int64_t rotary, Integer(config_, "qk_rope_head_dim"));
  SetInteger("rope.dimension_count", rotary);
  const int64_t key_length = shape.qk_nope_head_dim + rotary;
  if (Is("minicpm3")) {
    SetInteger("attention.key_length", key_length);
    return absl::OkStatus();
  }
  // llama.cpp runs it with one key head: the latent and the rotary part.
  SetInteger("attention.key_length", shape.kv_lora_rank + rotary);
  SetInteger("attention.value_length", shape.kv_lora_rank);
  SetInteger("attention.key_length_mla", key_length);
  SetInteger("attention.value_length_mla", shape.v_head_dim);
  return absl::OkStatus();
}

absl::Status GgufBuilder::AddDeepseek() {
  RETURN_IF_ERROR(Copy("first_k_dense_replace", "leading_dense_block_count"));
  RETURN_IF_ERROR(Copy("moe_intermediate_size", "expert_feed_forward_length"));
  SetInteger("expert_count", result_.shape.num_experts);
  RETURN_IF_ERROR(Copy("num_experts_per_tok", "expert_used_count"));
  ASSIGN_OR_RETURN(const int64_t shared, Integer(config_, "n_shared_experts", 0));
  SetInteger("expert_shared_count", shared);
  ASSIGN_OR_RETURN(const int64_t frequency, Integer(config_, "moe_layer_freq", 1));
  if (frequency != 1) return Invalid("'moe_layer_freq' must be 1");
  return AddRouter();
}

absl::Status GgufBuilder::AddRouter() {
  const bool v3 = FieldOf(config_, "model_type") == "deepseek_v3";
  ASSIGN_OR_RETURN(const double scale, Real(config_, "routed_scaling_factor", 1.0));
  Set("expert_weights_scale", GgufValue::Float32(scale));
  const json& normalised = FieldOf(config_, "norm_topk_prob");
  if (normalised.is_null() ? v3 : normalised == json(true)) {
    Set("expert_weights_norm", GgufValue::Bool(true));
  }
  // transformers writes no scoring_func: it follows from the type.
  const json& scoring = FieldOf(config_, "scoring_func");
  const bool sigmoid = scoring.is_null() ? v3 : scoring == "sigmoid";
  if (sigmoid != v3 || (!scoring.is_null() && scoring != "sigmoid" && scoring != "softmax")) {
    return Invalid(absl::StrCat("'scoring_func' ", scoring.dump(), " does not fit the model"));
  }
  Set("expert_gating_func", GgufValue::Uint32(sigmoid ? 2 : 1));
  // V2's greedy gate looks at no groups, whatever the file says about them.
  const json& method = FieldOf(config_, "topk_method");
  const bool grouped = v3 || method == "group_limited_greedy";
  ASSIGN_OR_RETURN(const int64_t groups, Integer(config_, "n_group", 1));
  ASSIGN_OR_RETURN(const int64_t used, Integer(config_, "topk_group", 1));
  SetInteger("expert_group_count", grouped ? groups : 1);
  SetInteger("expert_group_used_count", grouped ? used : 1);
  return absl::OkStatus();
}

absl::Status GgufBuilder::CheckMinicpm3() {
  ASSIGN_OR_RETURN(const double embedding, Real(config_, "scale_emb", 12));
  ASSIGN_OR_RETURN(const double depth, Real(config_, "scale_depth", 1.4));
  ASSIGN_OR_RETURN(const double base, Real(config_, "dim_model_base", 256));
  ASSIGN_OR_RETURN(const int64_t hidden_size, Integer(config_, "hidden_size"));
  if (embedding != 12 || depth != 1.4 || base != 256 ||
      result_.shape.v_head_dim * result_.shape.num_heads != hidden_size) {
    return Invalid(
        "GGUF has no place for MiniCPM3's scales and value width: llama.cpp knows those of "
        "MiniCPM3-4B alone (scale_emb 12, scale_depth 1.4, dim_model_base 256)");
  }
  return absl::OkStatus();
}

absl::Status GgufBuilder::AddRope() {
  const json rope = RopeOf(config_);
  ASSIGN_OR_RETURN(const double theta, Real(rope, "rope_theta"));
  Set("rope.freq_base", GgufValue::Float32(theta));
  const json& type = rope["rope_type"];
  if (type == "default") return absl::OkStatus();
  if (type == "yarn") return AddYarn(rope);
  if (type == "llama3" && Is("llama")) return AddLlama3Rope(rope);
  if (type == "longrope" && Is("minicpm3")) return AddLongRope(rope);
  if (type == "linear") {
    ASSIGN_OR_RETURN(const double factor, Real(rope, "factor"));
    Set("rope.scaling.type", GgufValue::String("linear"));
    Set("rope.scaling.factor", GgufValue::Float32(factor));
    return absl::OkStatus();
  }
  return Invalid(absl::StrCat("the rope type ", type.dump(), " has no place in GGUF here"));
}

absl::Status GgufBuilder::AddYarn(const json& rope) {
  ASSIGN_OR_RETURN(const double factor, Real(rope, "factor"));
  ASSIGN_OR_RETURN(const int64_t context, Integer(rope, "original_max_position_embeddings"));
  Set("rope.scaling.type", GgufValue::String("yarn"));
  Set("rope.scaling.factor", GgufValue::Float32(factor));
  SetInteger("rope.scaling.original_context_length", context);
  for (const auto& [key, gguf_key] :
       {std::pair("attention_factor", "rope.scaling.yarn_attn_factor"),
        std::pair("beta_fast", "rope.scaling.yarn_beta_fast"),
        std::pair("beta_slow", "rope.scaling.yarn_beta_slow")}) {
    if (FieldOf(rope, key).is_null()) continue;
    ASSIGN_OR_RETURN(const double value, Real(rope, key));
    Set(gguf_key, GgufValue::Float32(value));
  }
  if (!Is("deepseek2")) return absl::OkStatus();
  ASSIGN_OR_RETURN(const double mscale, Real(rope, "mscale", 1));
  ASSIGN_OR_RETURN(const double mscale_all_dim, Real(rope, "mscale_all_dim", 0));
  if (mscale_all_dim == 0) return absl::OkStatus();
  if (mscale != mscale_all_dim) {
    return Invalid("'mscale' and 'mscale_all_dim' differ: GGUF has a place for one of them");
  }
  // The factor is that of llama.cpp's converter; its loader takes it back.
  Set("rope.scaling.yarn_log_multiplier", GgufValue::Float32(0.1 * mscale_all_dim));
  return absl::OkStatus();
}

absl::Status GgufBuilder::AddLlama3Rope(const json& rope) {
  ASSIGN_OR_RETURN(const double theta, Real(rope, "rope_theta"));
  ASSIGN_OR_RETURN(const double factor, Real(rope, "factor", 8));
  ASSIGN_OR_RETURN(const double low, Real(rope, "low_freq_factor", 1));
  ASSIGN_OR_RETURN(const double high, Real(rope, "high_freq_factor", 4));
  ASSIGN_OR_RETURN(const double context, Real(rope, "original_max_position_embeddings", 8192));
  ASSIGN_OR_RETURN(const int64_t hidden_size, Integer(config_, "hidden_size"));
  ASSIGN_OR_RETURN(const int64_t head_dim,
                   Integer(config_, "head_dim", hidden_size / result_.shape.num_heads));
  if (head_dim > kMaxExtent) return Invalid("'head_dim' is too large");
  if (!(factor > 0 && low > 0 && high > low && context > 0 && theta > 0)) {
    return Invalid("the rope's factors must be positive, low_freq_factor below high_freq_factor");
  }
  AddVector("rope_freqs.weight", Llama3RopeFactors(head_dim, theta, factor, low, high, context));
  return absl::OkStatus();
}

absl::Status GgufBuilder::AddLongRope(const json& rope) {
  for (const auto& [key, name] : {std::pair("long_factor", "rope_factors_long.weight"),
                                  std::pair("short_factor", "rope_factors_short.weight")}) {
    const json& factors = FieldOf(rope, key);
    const bool numbers = factors.is_array() && std::all_of(factors.begin(), factors.end(),
                                                           [](auto& f) { return f.is_number(); });
    if (!numbers) return Invalid(absl::StrCat("'", key, "' must be a list of numbers"));
    AddVector(name, factors.get<std::vector<float>>());
  }
  Set("rope.scaling.type", GgufValue::String("longrope"));
  ASSIGN_OR_RETURN(const int64_t context, Integer(rope, "original_max_position_embeddings", 0));
  if (context > 0) SetInteger("rope.scaling.original_context_length", context);
  return absl::OkStatus();
}

void GgufBuilder::AddVector(const std::string& name, std::vector<float> values) {
  const auto size = static_cast<int64_t>(values.size());
  result_.tensors.push_back(
      {name, "F32", {size}, "config.json", [values = std::move(values)](ByteSink sink) {
         std::vector<char> bytes(values.size() * sizeof(float));
         RETURN_IF_ERROR(
             Quantize(*FindBlockFormat(absl::string_view("F32")), values, absl::MakeSpan(bytes)));
         return sink(absl::string_view(bytes.data(), bytes.size()));
       }});
}

absl::StatusOr<ModelShape> ReadShape(const json& config) {
  ModelShape shape;
  ASSIGN_OR_RETURN(shape.architecture, ArchitectureOf(config));
  ASSIGN_OR_RETURN(shape.num_layers, Integer(config, "num_hidden_layers"));
  ASSIGN_OR_RETURN(shape.num_heads, Integer(config, "num_attention_heads"));
  if (shape.num_heads == 0) return Invalid("'num_attention_heads' is 0");
  ASSIGN_OR_RETURN(shape.num_key_value_heads,
                   Integer(config, "num_key_value_heads", shape.num_heads));
  if (shape.architecture == "qwen3moe") {
    // transformers 5 has another name for it.
    const bool renamed = FieldOf(config, "num_experts").is_null();
    ASSIGN_OR_RETURN(shape.num_experts,
                     Integer(config, renamed ? "num_local_experts" : "num_experts"));
  }
  if (shape.architecture == "deepseek2") {
    ASSIGN_OR_RETURN(shape.num_experts, Integer(config, "n_routed_experts"));
  }
  if (shape.architecture == "deepseek2" || shape.architecture == "minicpm3") {
    ASSIGN_OR_RETURN(shape.kv_lora_rank, Integer(config, "kv_lora_rank"));
    ASSIGN_OR_RETURN(shape.qk_nope_head_dim, Integer(config, "qk_nope_head_dim"));
    ASSIGN_OR_RETURN(shape.v_head_dim, Integer(config, "v_head_dim"));
  }
  return shape;
}

}  // namespace

absl::StatusOr<ModelShape> ShapeFromConfig(const json& config) {
  ASSIGN_OR_RETURN(const ModelShape shape, ReadShape(config));
  // Products of them must not overflow, whatever a file claims.
  for (const int64_t extent : {shape.num_heads, shape.num_key_value_heads, shape.num_experts,
                               shape.kv_lora_rank, shape.qk_nope_head_dim, shape.v_head_dim}) {
    if (extent > kMaxExtent) return Invalid(absl::StrCat("an extent of the model is ", extent));
  }
  return shape;
}

absl::StatusOr<GgufConfig> GgufFromConfig(const json& config) {
  if (!config.is_object()) return Invalid("expected an object");
  ASSIGN_OR_RETURN(const ModelShape shape, ShapeFromConfig(config));
  return GgufBuilder(config, shape).Build();
}

}  // namespace grpo

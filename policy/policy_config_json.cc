#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/json.h"
#include "data/status_macros.h"
#include "policy/policy_config.h"
#include "policy/problem_list.h"

namespace grpo {
namespace {

using nlohmann::json;

// A value as it stands in the file, short enough for a message.
std::string Excerpt(const json& value) {
  return QuoteForMessage(value.dump(-1, ' ', /*ensure_ascii=*/true));
}

// Keys that say how a checkpoint was trained, is stored or is served, and leave the forward pass as
// it is.
const std::set<std::string>& KeysWithoutEffect() {
  static const auto* const keys = new std::set<std::string>{
      "_attn_implementation_autoset",
      "_name_or_path",
      "architectures",
      "auto_map",
      "aux_loss_alpha",
      "bos_token_id",
      "dtype",
      "eos_token_id",
      "ep_size",
      "embedding_initializer_range",
      "initializer_range",
      "max_window_layers",
      "num_mtp_layers",
      "num_nextn_predict_layers",
      "output_attentions",
      "output_hidden_states",
      "output_router_logits",
      "pad_token_id",
      "pretraining_tp",
      "return_dict",
      "router_aux_loss_coef",
      "seq_aux",
      "torch_dtype",
      "transformers_version",
      "use_cache",
  };
  return *keys;
}

// Keys of which one value alone is built here.
const json& KeysWithOneValue() {
  static const auto* const values = new json{
      {"attention_dropout", 0.0}, {"decoder_sparse_step", 1}, {"hidden_act", "silu"},
      {"mlp_bias", false},        {"moe_layer_freq", 1},      {"partial_rotary_factor", 1.0},
      {"use_mrope", false},
  };
  return *values;
}

// What a published file means by leaving a key out or giving null.
json DefaultsOf(const Architecture& architecture, const json& object) {
  using Gate = Architecture::Gate;
  json defaults = {
      {"rms_norm_eps", 1e-6},
      {"rope_theta", 10000.0},
      {"tie_word_embeddings", false},
  };
  if (PolicyFieldApplies(architecture, "attention_bias")) defaults["attention_bias"] = false;
  if (architecture.experts()) {
    const bool v3 = architecture.gate == Gate::kV3;
    defaults.update({{"scoring_func", v3 ? "sigmoid" : "softmax"},
                     {"topk_method", v3 ? "noaux_tc" : "greedy"},
                     {"norm_topk_prob", v3}});
    if (!v3) defaults.update({{"n_group", 1}, {"topk_group", 1}});
  }
  if (architecture.gate == Gate::kSoftmax) {
    defaults.update(
        {{"n_shared_experts", 0}, {"first_k_dense_replace", 0}, {"routed_scaling_factor", 1.0}});
  }
  if (!architecture.latent()) {
    defaults["head_dim"] = 0;
    if (object.contains("num_attention_heads")) {
      defaults["num_key_value_heads"] = object["num_attention_heads"];
    }
  }
  if (architecture.scaled_residuals) {
    const json& width = object.value("hidden_size", json());
    const json& heads = object.value("num_attention_heads", json());
    if (width.is_number_integer() && heads.is_number_integer() && heads.get<int64_t>() > 0) {
      defaults["v_head_dim"] = width.get<int64_t>() / heads.get<int64_t>();
    }
  }
  return defaults;
}

// Fills the fields of a struct from the keys of an object, and complains about the keys that are
// left over.
class FieldReader {
 public:
  // Fields that mean nothing for the architecture (when not null) are passed over.
  FieldReader(const json& object, std::string prefix, const Architecture* architecture,
              ProblemList& problems)
      : object_(object),
        prefix_(std::move(prefix)),
        architecture_(architecture),
        problems_(problems) {}

  void operator()(const char* key, int& field, const Range& range, const char*) {
    const json* value = Take(key);
    if (value == nullptr) return;
    if (!value->is_number_integer()) return Expected(key, "a whole number", *value);
    if (InRange(key, value->get<double>(), range)) field = value->get<int>();
  }
  void operator()(const char* key, double& field, const Range& range, const char*) {
    const json* value = Take(key);
    if (value == nullptr) return;
    if (!value->is_number()) return Expected(key, "a number", *value);
    if (InRange(key, value->get<double>(), range)) field = value->get<double>();
  }
  void operator()(const char* key, bool& field, NoConstraint, const char*) {
    const json* value = Take(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) return Expected(key, "true or false", *value);
    field = value->get<bool>();
  }
  void operator()(const char* key, std::string& field, const OneOf& allowed, const char*) {
    const json* value = Take(key);
    if (value == nullptr) return;
    const std::string names = absl::StrCat("one of ", absl::StrJoin(allowed.values, ", "));
    if (!value->is_string()) return Expected(key, names, *value);
    const auto text = value->get<std::string>();
    for (const std::string& name : allowed.values) {
      if (text == name) {
        field = text;
        return;
      }
    }
    Expected(key, names, *value);
  }
  void operator()(const char* key, std::vector<double>& field, const Range& range, const char*) {
    const json* value = Take(key);
    if (value == nullptr) return;
    if (!value->is_array()) return Expected(key, "a list of numbers", *value);
    field.clear();
    for (const json& item : *value) {
      if (!item.is_number()) return Expected(key, "a list of numbers", *value);
      if (!InRange(key, item.get<double>(), range)) return;
      field.push_back(item.get<double>());
    }
  }
  void operator()(const char* key, RopeScaling& field, NoConstraint, const char*) {
    const json* value = Take(key);
    if (value == nullptr) return;
    if (!value->is_object()) return Expected(key, "an object or null", *value);
    FieldReader nested(*value, absl::StrCat(key, "."), nullptr, problems_);
    field.VisitFields(nested);
    nested.RefuseTheRest();
  }

  void RefuseTheRest() {
    for (const auto& [key, value] : object_.items()) {
      if (taken_.count(key) > 0) continue;
      problems_.Add(
          "the key '", prefix_, key, "' (", Excerpt(value),
          ") is not known here and may change what the network computes: remove it if it does not");
    }
  }

 private:
  const json* Take(const std::string& key) {
    if (architecture_ != nullptr && !PolicyFieldApplies(*architecture_, key)) return nullptr;
    taken_.insert(key);
    const auto found = object_.find(key);
    if (found != object_.end()) return &*found;
    problems_.Add("the key '", prefix_, key, "' is missing");
    return nullptr;
  }
  void Expected(const char* key, const std::string& expected, const json& found) {
    problems_.Add("'", prefix_, key, "' must be ", expected, ", found ", Excerpt(found));
  }
  bool InRange(const char* key, double value, const Range& range) {
    if (value >= range.low && value <= range.high) return true;
    const std::string expected = std::isinf(range.high)
                                     ? absl::StrCat("at least ", range.low)
                                     : absl::StrCat("from ", range.low, " to ", range.high);
    problems_.Add("'", prefix_, key, "' must be ", expected, ", found ", Excerpt(object_[key]));
    return false;
  }

  const json& object_;
  const std::string prefix_;
  const Architecture* architecture_;
  ProblemList& problems_;
  std::set<std::string> taken_;
};

void RemoveNulls(json& object) {
  for (auto item = object.begin(); item != object.end();) {
    item = item->is_null() ? object.erase(item) : std::next(item);
  }
}

// One key takes the place of another that means the same; both are fine where they agree.
void Rename(const std::string& from, const std::string& to, json& object, ProblemList& problems) {
  if (!object.contains(from)) return;
  if (!object.contains(to)) {
    object[to] = object[from];
  } else if (object[to] != object[from]) {
    problems.Add("'", from, "' (", Excerpt(object[from]), ") and '", to, "' (", Excerpt(object[to]),
                 ") contradict each other");
  }
  object.erase(from);
}

// How much longer the context is than the one before extension; LongRoPE's files leave it out.
double ContextStretch(const json& config, const json& rope) {
  const json context = config.value("max_position_embeddings", json());
  const json original = rope.value("original_max_position_embeddings", json());
  if (!context.is_number() || !original.is_number() || original.get<double>() <= 0) return 1;
  return std::max(1.0, context.get<double>() / original.get<double>());
}

// transformers 5's rope_parameters, or the published rope_theta with rope_scaling, to the fields of
// PolicyConfig.
void NormaliseRope(json& config, ProblemList& problems) {
  if (config.contains("rope_parameters") && config.contains("rope_scaling")) {
    problems.Add("both 'rope_parameters' and 'rope_scaling' stand there: one style at a time");
  }
  Rename("rope_parameters", "rope_scaling", config, problems);
  if (!config.contains("rope_scaling")) config["rope_scaling"] = json::object();
  json& rope = config["rope_scaling"];
  if (!rope.is_object()) return;  // FieldReader says so
  RemoveNulls(rope);
  Rename("rope_type", "type", rope, problems);
  if (rope.contains("rope_theta")) {
    const json theta = rope["rope_theta"];
    if (config.contains("rope_theta") && config["rope_theta"] != theta) {
      problems.Add("'rope_theta' is given twice and differs: ", Excerpt(config["rope_theta"]),
                   " and ", Excerpt(theta));
    }
    config["rope_theta"] = theta;
    rope.erase("rope_theta");
  }
  if (rope.contains("truncate") && rope["truncate"] == true)
    rope.erase("truncate");  // YaRN's own way
  if (!rope.contains("type")) {
    if (!rope.empty()) problems.Add("'rope_scaling.type' is missing");
    rope["type"] = "default";
  }
  json complete = {{"beta_fast", 32},
                   {"beta_slow", 1},
                   {"mscale", 1.0},
                   {"mscale_all_dim", 0.0},
                   {"attention_factor", 0.0},
                   {"low_freq_factor", 1.0},
                   {"high_freq_factor", 4.0},
                   {"short_factor", json::array()},
                   {"long_factor", json::array()}};
  if (rope["type"] == "default") complete["factor"] = 1.0;
  if (rope["type"] != "yarn" && rope["type"] != "llama3") {
    complete["original_max_position_embeddings"] = 4096;
  }
  if (config.contains("original_max_position_embeddings")) {  // where LongRoPE's files have it
    complete["original_max_position_embeddings"] = config["original_max_position_embeddings"];
    config.erase("original_max_position_embeddings");
  }
  complete.update(rope);
  if (rope["type"] == "longrope" && !complete.contains("factor")) {
    complete["factor"] = ContextStretch(config, complete);
  }
  rope = complete;
}

// Layer kinds by layer, as transformers writes them, to the number of dense layers at the start.
void NormaliseLayerTypes(json& config, ProblemList& problems) {
  if (config.contains("layer_types")) {
    for (const json& kind : config["layer_types"]) {
      if (kind == "full_attention") continue;
      problems.Add("'layer_types' must all be full_attention, found ", Excerpt(kind));
      break;
    }
    config.erase("layer_types");
  }
  if (config.contains("mlp_layer_types") && config["mlp_layer_types"].is_array()) {
    int dense = 0;
    bool sparse = false;
    for (const json& kind : config["mlp_layer_types"]) {
      if ((kind == "dense" && sparse) || (kind != "dense" && kind != "sparse")) {
        problems.Add("'mlp_layer_types' must be dense layers and then sparse ones, found ",
                     Excerpt(config["mlp_layer_types"]));
        break;
      }
      (kind == "dense" ? ++dense : sparse = true);
    }
    if (!config.contains("first_k_dense_replace")) config["first_k_dense_replace"] = dense;
    config.erase("mlp_layer_types");
  }
  if (config.contains("mlp_only_layers") && config["mlp_only_layers"].is_array()) {
    const json dense = config["mlp_only_layers"];
    for (size_t i = 0; i < dense.size(); ++i) {
      if (dense[i] == i) continue;
      problems.Add("'mlp_only_layers' must be the first layers, found ", Excerpt(dense));
      break;
    }
    config["first_k_dense_replace"] = dense.size();
    config.erase("mlp_only_layers");
  }
}

// A window is fine where no sequence can outgrow it.
void NormaliseWindow(json& config, ProblemList& problems) {
  const bool unused =
      config.contains("use_sliding_window") && config["use_sliding_window"] == false;
  const json window = config.value("sliding_window", json());
  const json context = config.value("max_position_embeddings", json());
  config.erase("use_sliding_window");
  config.erase("sliding_window");
  if (unused || window.is_null()) return;
  if (window.is_number() && context.is_number() && window.get<double>() >= context.get<double>()) {
    return;
  }
  problems.Add("'sliding_window' (", Excerpt(window),
               ") is below max_position_embeddings and windows are not built here: lower "
               "max_position_embeddings to it");
}

// Keys of some architectures that say what others have no words for.
void NormaliseByArchitecture(const Architecture& architecture, json& config,
                             ProblemList& problems) {
  const bool adjacent = architecture.rotary_pairs == Architecture::RotaryPairs::kAdjacent;
  if (config.contains("rope_interleave") && config["rope_interleave"] != adjacent) {
    problems.Add("'rope_interleave' must be ", adjacent ? "true" : "false", " for ",
                 architecture.model_type, ", found ", Excerpt(config["rope_interleave"]));
  }
  config.erase("rope_interleave");
  if (architecture.latent()) {
    // One row serves all heads, and the width is the rotary one again, in what transformers writes.
    config.erase("num_key_value_heads");
    config.erase("head_dim");
  }
  Rename("num_experts", "n_routed_experts", config, problems);
  Rename("num_local_experts", "n_routed_experts", config, problems);
  if (!PolicyFieldApplies(architecture, "attention_bias") && config.contains("attention_bias")) {
    const bool has_own = architecture.attention_bias == Architecture::AttentionBias::kQueryKeyValue;
    if (config["attention_bias"] == false || has_own) config.erase("attention_bias");
  }
}

// Takes away what has no effect, after looking at what must have one value.
void NormaliseKeys(const Architecture& architecture, json& config, ProblemList& problems) {
  for (const char* key : {"q_lora_rank", "n_shared_experts"}) {
    if (config.contains(key) && config[key].is_null()) config[key] = 0;
  }
  RemoveNulls(config);
  for (const auto& [key, value] : KeysWithOneValue().items()) {
    if (config.contains(key) && config[key] != value) {
      problems.Add("'", key, "' must be ", value.dump(), ", found ", Excerpt(config[key]));
    }
    config.erase(key);
  }
  if (config.contains("qk_head_dim") &&
      config.value("qk_nope_head_dim", json()).is_number_integer() &&
      config.value("qk_rope_head_dim", json()).is_number_integer()) {
    const double sum =
        config["qk_nope_head_dim"].get<double>() + config["qk_rope_head_dim"].get<double>();
    if (config["qk_head_dim"] != sum) {
      problems.Add("'qk_head_dim' must be qk_nope_head_dim + qk_rope_head_dim = ", sum, ", found ",
                   Excerpt(config["qk_head_dim"]));
    }
  }
  config.erase("qk_head_dim");
  NormaliseByArchitecture(architecture, config, problems);
  NormaliseLayerTypes(config, problems);
  NormaliseWindow(config, problems);
  for (const std::string& key : KeysWithoutEffect()) config.erase(key);
}

absl::StatusOr<const Architecture*> FindArchitectureOf(const json& config,
                                                       const std::string& origin) {
  const std::string known = absl::StrJoin(ModelTypes(), ", ");
  if (!config.contains("model_type")) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ": the key 'model_type' is missing; expected one of ", known,
                     ". Is this a config.json?"));
  }
  const json& type = config["model_type"];
  const Architecture* found =
      type.is_string() ? FindArchitecture(type.get<std::string>()) : nullptr;
  if (found != nullptr) return found;
  return absl::InvalidArgumentError(absl::StrCat(origin, ": 'model_type' must be one of ", known,
                                                 ", found ", Excerpt(type),
                                                 "; other architectures cannot be read"));
}

// Puts into a rope_scaling object what its type has.
bool RopeFieldApplies(const std::string& type, const std::string& field) {
  if (field == "type" || field == "factor") return true;
  if (type == "llama3") {
    return field == "original_max_position_embeddings" || field == "low_freq_factor" ||
           field == "high_freq_factor";
  }
  if (type == "longrope") {
    return field == "original_max_position_embeddings" || field == "attention_factor" ||
           field == "short_factor" || field == "long_factor";
  }
  return type == "yarn" && field != "low_freq_factor" && field != "high_freq_factor" &&
         field != "short_factor" && field != "long_factor";
}

// Puts the fields of a struct under their keys.
class FieldWriter {
 public:
  explicit FieldWriter(const Architecture& architecture, json& object)
      : architecture_(architecture), object_(object) {}

  template <typename Value, typename Constraint>
  void operator()(const char* key, Value& field, const Constraint&, const char*) {
    if (PolicyFieldApplies(architecture_, key)) object_[key] = field;
  }
  void operator()(const char* key, RopeScaling& field, NoConstraint, const char*) {
    object_[key] = nullptr;
    if (field.type == "default") return;
    json all = json::object();
    FieldWriter nested(architecture_, all);
    field.VisitFields(nested);
    if (field.attention_factor == 0) all.erase("attention_factor");
    json& rope = object_[key] = json::object();
    for (const auto& [name, value] : all.items()) {
      if (RopeFieldApplies(field.type, name)) rope[name] = value;
    }
  }

 private:
  const Architecture& architecture_;
  json& object_;
};

// qwen3_moe's own words for the experts, and none for what it does not have.
void WriteQwenExperts(const PolicyConfig& config, json& object) {
  for (const char* key :
       {"n_routed_experts", "n_shared_experts", "n_group", "topk_group", "scoring_func",
        "topk_method", "routed_scaling_factor", "moe_layer_freq", "first_k_dense_replace"}) {
    object.erase(key);
  }
  object["num_experts"] = config.n_routed_experts;
  object["decoder_sparse_step"] = 1;
  object["mlp_only_layers"] = json::array();
  for (int i = 0; i < config.first_k_dense_replace; ++i) object["mlp_only_layers"].push_back(i);
}

}  // namespace

absl::StatusOr<PolicyConfig> PolicyConfigFromJson(absl::string_view text,
                                                  const std::string& origin) {
  ASSIGN_OR_RETURN(json object, ParseJson(text, {origin}));
  if (!object.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ": expected a JSON object, found ", JsonKind(object)));
  }
  ASSIGN_OR_RETURN(const Architecture* architecture, FindArchitectureOf(object, origin));
  ProblemList problems;
  NormaliseKeys(*architecture, object, problems);
  json complete = DefaultsOf(*architecture, object);
  NormaliseRope(object, problems);
  complete.update(object);
  PolicyConfig config;
  FieldReader reader(complete, "", architecture, problems);
  config.VisitFields(reader);
  reader.RefuseTheRest();
  RETURN_IF_ERROR(problems.ToStatus(origin));
  // Greedy selection looks at no groups, whatever the file says about them.
  if (config.topk_method == "greedy") config.n_group = config.topk_group = 1;
  RETURN_IF_ERROR(CheckPolicyConfig(config, origin));
  return config;
}

std::string PolicyConfigToJson(const PolicyConfig& config, int bos_token_id, int eos_token_id) {
  const Architecture& architecture = config.architecture();
  json object = {{"attention_dropout", 0.0}, {"hidden_act", "silu"}, {"use_cache", true}};
  PolicyConfig fields = config;  // VisitFields takes what it visits by reference
  FieldWriter writer(architecture, object);
  fields.VisitFields(writer);
  object["architectures"] = {architecture.causal_lm};
  object["bos_token_id"] = bos_token_id < 0 ? json() : json(bos_token_id);
  object["eos_token_id"] = eos_token_id;
  if (architecture.latent()) {
    if (config.q_lora_rank == 0) object["q_lora_rank"] = nullptr;
    // transformers assumes 128 where it is not said
    object["num_key_value_heads"] = config.num_attention_heads;
  } else {
    object["head_dim"] = config.grouped_head_dim();
  }
  if (architecture.experts()) object["moe_layer_freq"] = 1;
  if (architecture.gate == Architecture::Gate::kV3) object["num_nextn_predict_layers"] = 0;
  if (architecture.gate == Architecture::Gate::kSoftmax) WriteQwenExperts(config, object);
  if (architecture.latent() && architecture.gate != Architecture::Gate::kV2 &&
      !architecture.scaled_residuals) {
    object["rope_interleave"] = true;
  }
  return object.dump(2) + "\n";
}

}  // namespace grpo

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
      "head_dim",  // the rotary width again, in what transformers writes
      "initializer_range",
      "num_key_value_heads",  // latent attention has no such number
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
      {"attention_bias", false}, {"attention_dropout", 0.0}, {"hidden_act", "silu"},
      {"mlp_bias", false},       {"moe_layer_freq", 1},      {"rope_interleave", true},
  };
  return *values;
}

// What a published file means by leaving a key out or giving null.
json DefaultsOf(const std::string& model_type) {
  const bool v3 = model_type == "deepseek_v3";
  json defaults = {
      {"scoring_func", v3 ? "sigmoid" : "softmax"},
      {"topk_method", v3 ? "noaux_tc" : "greedy"},
      {"norm_topk_prob", v3},
      {"rms_norm_eps", 1e-6},
      {"rope_theta", 10000.0},
      {"tie_word_embeddings", false},
  };
  if (!v3) defaults.update({{"n_group", 1}, {"topk_group", 1}});
  return defaults;
}

// Fills the fields of a struct from the keys of an object, and complains about the keys that are
// left over.
class FieldReader {
 public:
  FieldReader(const json& object, std::string prefix, ProblemList& problems)
      : object_(object), prefix_(std::move(prefix)), problems_(problems) {}

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
  void operator()(const char* key, RopeScaling& field, NoConstraint, const char*) {
    const json* value = Take(key);
    if (value == nullptr) return;
    if (!value->is_object()) return Expected(key, "an object or null", *value);
    FieldReader nested(*value, absl::StrCat(key, "."), problems_);
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
  json complete = {{"beta_fast", 32}, {"beta_slow", 1}, {"mscale", 1.0}, {"mscale_all_dim", 0.0}};
  if (rope["type"] == "default")
    complete.update({{"factor", 1.0}, {"original_max_position_embeddings", 4096}});
  complete.update(rope);
  rope = complete;
}

// Takes away what has no effect, after looking at what must have one value.
void NormaliseKeys(json& config, ProblemList& problems) {
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
  for (const std::string& key : KeysWithoutEffect()) config.erase(key);
  for (const char* key : {"q_lora_rank", "n_shared_experts"}) {
    if (config.contains(key) && config[key].is_null()) config[key] = 0;
  }
  RemoveNulls(config);
}

absl::Status CheckModelType(const json& config, const std::string& origin) {
  if (!config.contains("model_type")) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin,
                     ": the key 'model_type' is missing; expected deepseek_v3 or deepseek_v2. Is "
                     "this a config.json?"));
  }
  const json& type = config["model_type"];
  if (type == "deepseek_v3" || type == "deepseek_v2") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(origin, ": 'model_type' must be deepseek_v3 or deepseek_v2, found ",
                   Excerpt(type), "; other architectures cannot be read"));
}

// Puts the fields of a struct under their keys.
class FieldWriter {
 public:
  explicit FieldWriter(json& object) : object_(object) {}

  template <typename Value, typename Constraint>
  void operator()(const char* key, Value& field, const Constraint&, const char*) {
    object_[key] = field;
  }
  void operator()(const char* key, RopeScaling& field, NoConstraint, const char*) {
    object_[key] = nullptr;
    if (field.type == "default") return;
    object_[key] = json::object();
    FieldWriter nested(object_[key]);
    field.VisitFields(nested);
  }

 private:
  json& object_;
};

}  // namespace

absl::StatusOr<PolicyConfig> PolicyConfigFromJson(absl::string_view text,
                                                  const std::string& origin) {
  ASSIGN_OR_RETURN(json object, ParseJson(text, {origin}));
  if (!object.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ": expected a JSON object, found ", JsonKind(object)));
  }
  RETURN_IF_ERROR(CheckModelType(object, origin));
  ProblemList problems;
  NormaliseKeys(object, problems);
  json complete = DefaultsOf(object["model_type"].get<std::string>());
  NormaliseRope(object, problems);
  complete.update(object);
  PolicyConfig config;
  FieldReader reader(complete, "", problems);
  config.VisitFields(reader);
  reader.RefuseTheRest();
  RETURN_IF_ERROR(problems.ToStatus(origin));
  // Greedy selection looks at no groups, whatever the file says about them.
  if (config.topk_method == "greedy") config.n_group = config.topk_group = 1;
  RETURN_IF_ERROR(CheckPolicyConfig(config, origin));
  return config;
}

std::string PolicyConfigToJson(const PolicyConfig& config, int bos_token_id, int eos_token_id) {
  json object = KeysWithOneValue();
  PolicyConfig fields = config;  // VisitFields takes what it visits by reference
  FieldWriter writer(object);
  fields.VisitFields(writer);
  const bool v3 = config.model_type == "deepseek_v3";
  if (config.q_lora_rank == 0) object["q_lora_rank"] = nullptr;
  object["architectures"] = {v3 ? "DeepseekV3ForCausalLM" : "DeepseekV2ForCausalLM"};
  object["bos_token_id"] = bos_token_id;
  object["eos_token_id"] = eos_token_id;
  object["num_key_value_heads"] =
      config.num_attention_heads;  // transformers assumes 128 where it is not said
  object["use_cache"] = true;
  if (v3) {
    object["num_nextn_predict_layers"] = 0;
    object.erase("mlp_bias");
  } else {
    object.erase("rope_interleave");
  }
  return object.dump(2) + "\n";
}

}  // namespace grpo

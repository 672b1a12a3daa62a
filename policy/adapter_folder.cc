#include "policy/adapter_folder.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "data/file.h"
#include "data/status_macros.h"
#include "policy/policy_folder.h"

namespace grpo {
namespace {

// The tensors under PEFT's names, and which modules they belong to.
class PeftAdapters {
 public:
  // Of a linear layer of the given path within the model.
  void Add(const std::string& module, const LowRank& adapter) {
    if (!adapter.defined()) return;
    AddTensors(module, adapter.a, adapter.b);
    modules_.push_back(module);
    ranks_[module] = adapter.a.size(0);
  }

  // Of one in a dense MLP, named by its parameter: PEFT takes modules of such names for experts of
  // old checkpoints where the policy has experts.
  void AddOfMlp(const std::string& module, const LowRank& adapter) {
    if (!adapter.defined()) return;
    AddTensors(module, adapter.a, adapter.b);
    parameters_.push_back(module + ".weight");
    ranks_[module + ".weight"] = adapter.a.size(0);
  }

  // Of experts, whose matrices are the parameters gate_up_proj and down_proj of one module: PEFT
  // wraps it once for each of them, in their order in the module.
  void AddExperts(const std::string& module, const LowRank& gate_up, const LowRank& down) {
    if (!gate_up.defined()) return;
    AddTensors(module + ".base_layer", OfAllA(gate_up.a), OfAllB(gate_up.b));
    AddTensors(module, OfAllA(down.a), OfAllB(down.b));
    for (const char* parameter : {".gate_up_proj", ".down_proj"}) {
      parameters_.push_back(module + parameter);
      ranks_[module + parameter] = gate_up.a.size(1);
    }
  }

  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  const nlohmann::ordered_json& modules() const { return modules_; }
  const nlohmann::ordered_json& parameters() const { return parameters_; }
  const nlohmann::ordered_json& ranks() const { return ranks_; }

 private:
  void AddTensors(const std::string& module, const at::Tensor& a, const at::Tensor& b) {
    const std::string prefix = absl::StrCat("base_model.model.", module);
    tensors_.push_back({prefix + ".lora_A.weight", a.detach().contiguous()});
    tensors_.push_back({prefix + ".lora_B.weight", b.detach().contiguous()});
  }

  // [E, r, in] to [E r, in].
  static at::Tensor OfAllA(const at::Tensor& a) { return a.detach().reshape({-1, a.size(2)}); }
  // [E, out, r] to [out, r E].
  static at::Tensor OfAllB(const at::Tensor& b) {
    return b.detach().permute({1, 2, 0}).reshape({b.size(1), -1});
  }

  std::vector<NamedTensor> tensors_;
  nlohmann::ordered_json modules_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json parameters_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json ranks_ = nlohmann::ordered_json::object();
};

PeftAdapters ToPeft(const Weights& weights) {
  PeftAdapters peft;
  for (size_t i = 0; i < weights.adapters.layers.size(); ++i) {
    const LayerAdapters& layer = weights.adapters.layers[i];
    const std::string prefix = absl::StrCat("model.layers.", i, "."),
                      attention = prefix + "self_attn.",
                      mlp = prefix + (weights.layers[i].is_moe() ? "mlp.shared_experts." : "mlp.");
    peft.Add(attention + "q_a_proj", layer.q_a);
    peft.Add(attention + (weights.layers[i].q_a.defined() ? "q_b_proj" : "q_proj"), layer.q);
    peft.Add(attention + "kv_a_proj_with_mqa", layer.kv_a);
    peft.Add(attention + "kv_b_proj", layer.kv_b);
    peft.Add(attention + "q_proj", layer.query);
    peft.Add(attention + "k_proj", layer.key);
    peft.Add(attention + "v_proj", layer.value);
    peft.Add(attention + "o_proj", layer.o);
    peft.AddOfMlp(mlp + "gate_proj", layer.gate);
    peft.AddOfMlp(mlp + "up_proj", layer.up);
    peft.AddOfMlp(mlp + "down_proj", layer.down);
    peft.AddExperts(prefix + "mlp.experts", layer.expert_gate_up, layer.expert_down);
  }
  peft.Add("lm_head", weights.adapters.head);
  return peft;
}

}  // namespace

absl::Status SaveAdapterFolder(const std::string& folder, const Weights& weights,
                               const std::string& base_policy) {
  const PeftAdapters peft = ToPeft(weights);
  nlohmann::ordered_json config = {
      {"peft_type", "LORA"},
      {"task_type", "CAUSAL_LM"},
      {"base_model_name_or_path", base_policy},
      {"inference_mode", true},
      {"bias", "none"},
      {"lora_dropout", 0.0},
      {"lora_alpha", weights.adapters.config.alpha},
      {"r", 8},  // of modules that rank_pattern does not name: there are none
      {"rank_pattern", peft.ranks()},
      {"target_modules", peft.modules()},
      {"target_parameters", peft.parameters()}};
  RETURN_IF_ERROR(WriteFileAtomically(folder + "/adapter_config.json", config.dump(2) + "\n"));
  return SaveTensors(folder + "/adapter_model.safetensors", peft.tensors());
}

}  // namespace grpo

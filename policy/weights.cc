#include "policy/weights.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <sys/mman.h>

#include "data/check.h"
#include "data/digest.h"
#include "data/random.h"

namespace grpo {

void AskForHugePages(const at::Tensor& tensor) {
  constexpr uintptr_t kHugePage = 2 << 20;
  const uintptr_t data = reinterpret_cast<uintptr_t>(tensor.const_data_ptr());
  const uintptr_t begin = (data + kHugePage - 1) / kHugePage * kHugePage,
                  end = (data + tensor.nbytes()) / kHugePage * kHugePage;
  // A system that has none to give goes on with small pages.
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

int64_t CountElements(const std::vector<NamedTensor>& tensors) {
  int64_t count = 0;
  for (const NamedTensor& named : tensors) count += named.tensor.numel();
  return count;
}

namespace {

// Of a tensor of weights whose matrices are of this type.
at::ScalarType TypeOf(at::ScalarType matrices, int64_t dimensions) {
  return matrices == at::kBFloat16 && dimensions == 1 ? at::kFloat : matrices;
}

// Of uninitialised tensors.
struct Types {
  at::ScalarType matrices;

  at::Tensor Empty(at::IntArrayRef shape) const {
    at::Tensor tensor = at::empty(shape, TypeOf(matrices, shape.size()));
    AskForHugePages(tensor);
    return tensor;
  }
};

MlpWeights AllocateMlp(int width, int model_width, const Types& types) {
  return {types.Empty({2 * width, model_width}), types.Empty({model_width, width})};
}

void AllocateLatentAttention(const PolicyConfig& c, const Types& types, LayerWeights& layer) {
  const int query_width = c.num_attention_heads * (c.qk_nope_head_dim + c.qk_rope_head_dim);
  const int latent_width = c.kv_lora_rank + c.qk_rope_head_dim;
  if (c.q_lora_rank > 0) {
    layer.q_a = types.Empty({c.q_lora_rank, c.hidden_size});
    if (c.input_projection_bias()) layer.q_a_bias = types.Empty({c.q_lora_rank});
    layer.q_a_norm = types.Empty({c.q_lora_rank});
  }
  layer.q = types.Empty({query_width, c.q_lora_rank > 0 ? c.q_lora_rank : c.hidden_size});
  layer.kv_a = types.Empty({latent_width, c.hidden_size});
  if (c.input_projection_bias()) layer.kv_a_bias = types.Empty({latent_width});
  layer.kv_a_norm = types.Empty({c.kv_lora_rank});
  layer.kv_b =
      types.Empty({c.num_attention_heads * (c.qk_nope_head_dim + c.v_head_dim), c.kv_lora_rank});
  layer.o = types.Empty({c.hidden_size, c.num_attention_heads * c.v_head_dim});
}

void AllocateGroupedAttention(const PolicyConfig& c, const Types& types, LayerWeights& layer) {
  const int width = c.grouped_head_dim(),
            rows = (c.num_attention_heads + 2 * c.num_key_value_heads) * width;
  layer.qkv = types.Empty({rows, c.hidden_size});
  if (c.input_projection_bias()) layer.qkv_bias = types.Empty({rows});
  if (c.architecture().query_key_norm) {
    layer.q_norm = types.Empty({width});
    layer.k_norm = types.Empty({width});
  }
  layer.o = types.Empty({c.hidden_size, c.num_attention_heads * width});
}

LayerWeights AllocateLayer(const PolicyConfig& c, int index, const Types& types) {
  LayerWeights layer;
  layer.input_norm = types.Empty({c.hidden_size});
  if (c.architecture().latent()) {
    AllocateLatentAttention(c, types, layer);
  } else {
    AllocateGroupedAttention(c, types, layer);
  }
  if (c.output_projection_bias()) layer.o_bias = types.Empty({c.hidden_size});
  layer.post_norm = types.Empty({c.hidden_size});
  if (!c.is_moe_layer(index)) {
    layer.mlp = AllocateMlp(c.intermediate_size, c.hidden_size, types);
    return layer;
  }
  if (c.n_shared_experts > 0) {
    layer.mlp = AllocateMlp(c.moe_intermediate_size * c.n_shared_experts, c.hidden_size, types);
  }
  layer.router = types.Empty({c.n_routed_experts, c.hidden_size});
  layer.router_bias = types.Empty({c.n_routed_experts});
  layer.expert_gate_up =
      types.Empty({c.n_routed_experts, 2 * c.moe_intermediate_size, c.hidden_size});
  layer.expert_down = types.Empty({c.n_routed_experts, c.hidden_size, c.moe_intermediate_size});
  return layer;
}

void FillNormal(at::Tensor tensor, double deviation, uint64_t seed, uint64_t stream) {
  RandomStream random(seed, stream);
  at::Tensor values = at::empty(tensor.sizes(), at::kDouble);
  double* data = values.data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) data[i] = deviation * random.Normal();
  tensor.copy_(values);
}

void AddMlp(const std::string& prefix, const MlpWeights& mlp, std::vector<NamedTensor>* out) {
  const int64_t width = mlp.down.size(1);
  out->push_back({absl::StrCat(prefix, "gate_proj.weight"), mlp.gate_up.narrow(0, 0, width)});
  out->push_back({absl::StrCat(prefix, "up_proj.weight"), mlp.gate_up.narrow(0, width, width)});
  out->push_back({absl::StrCat(prefix, "down_proj.weight"), mlp.down});
}

// The fused rows of queries, keys and values, a name each.
void AddQueryKeyValue(const PolicyConfig& config, const std::string& prefix, const char* kind,
                      const at::Tensor& fused, std::vector<NamedTensor>* out) {
  if (!fused.defined()) return;
  const int64_t keys = config.num_key_value_heads * config.grouped_head_dim(),
                queries = fused.size(0) - 2 * keys;
  out->push_back({absl::StrCat(prefix, "self_attn.q_proj.", kind), fused.narrow(0, 0, queries)});
  out->push_back({absl::StrCat(prefix, "self_attn.k_proj.", kind), fused.narrow(0, queries, keys)});
  out->push_back(
      {absl::StrCat(prefix, "self_attn.v_proj.", kind), fused.narrow(0, queries + keys, keys)});
}

void AddLayer(const PolicyConfig& config, const std::string& prefix, const LayerWeights& layer,
              std::vector<NamedTensor>* out) {
  const auto add = [&](const char* name, const at::Tensor& tensor) {
    if (tensor.defined()) out->push_back({absl::StrCat(prefix, name), tensor});
  };
  add("input_layernorm.weight", layer.input_norm);
  add("self_attn.q_a_proj.weight", layer.q_a);
  add("self_attn.q_a_proj.bias", layer.q_a_bias);
  add("self_attn.q_a_layernorm.weight", layer.q_a_norm);
  add(layer.q_a.defined() ? "self_attn.q_b_proj.weight" : "self_attn.q_proj.weight", layer.q);
  add("self_attn.kv_a_proj_with_mqa.weight", layer.kv_a);
  add("self_attn.kv_a_proj_with_mqa.bias", layer.kv_a_bias);
  add("self_attn.kv_a_layernorm.weight", layer.kv_a_norm);
  add("self_attn.kv_b_proj.weight", layer.kv_b);
  AddQueryKeyValue(config, prefix, "weight", layer.qkv, out);
  AddQueryKeyValue(config, prefix, "bias", layer.qkv_bias, out);
  add("self_attn.q_norm.weight", layer.q_norm);
  add("self_attn.k_norm.weight", layer.k_norm);
  add("self_attn.o_proj.weight", layer.o);
  add("self_attn.o_proj.bias", layer.o_bias);
  add("post_attention_layernorm.weight", layer.post_norm);
  if (!layer.is_moe()) {
    AddMlp(absl::StrCat(prefix, "mlp."), layer.mlp, out);
    return;
  }
  add("mlp.gate.weight", layer.router);
  if (config.selection_bias()) add("mlp.gate.e_score_correction_bias", layer.router_bias);
  for (int64_t e = 0; e < layer.router.size(0); ++e) {
    AddMlp(absl::StrCat(prefix, "mlp.experts.", e, "."),
           {layer.expert_gate_up[e], layer.expert_down[e]}, out);
  }
  if (layer.mlp.down.defined()) AddMlp(absl::StrCat(prefix, "mlp.shared_experts."), layer.mlp, out);
}

}  // namespace

Weights Weights::Allocate(const PolicyConfig& config, at::ScalarType dtype) {
  const Types types{dtype};
  Weights weights;
  weights.config = config;
  weights.embedding = types.Empty({config.vocab_size, config.hidden_size});
  for (int i = 0; i < config.num_hidden_layers; ++i)
    weights.layers.push_back(AllocateLayer(config, i, types));
  weights.final_norm = types.Empty({config.hidden_size});
  weights.head = config.tie_word_embeddings ? weights.embedding
                                            : types.Empty({config.vocab_size, config.hidden_size});
  return weights;
}

Weights Weights::Random(const PolicyConfig& config, double init_std, uint64_t seed,
                        at::ScalarType dtype) {
  Weights weights = Allocate(config, dtype);
  uint64_t stream = 0;
  ForEachTensor(weights, [&](at::Tensor& tensor) {
    ++stream;
    if (tensor.dim() == 1) {
      tensor.fill_(1);
    } else {
      FillNormal(tensor, init_std, seed, stream);
    }
  });
  const double residual = 1 / std::sqrt(2.0 * config.num_hidden_layers);
  for (LayerWeights& layer : weights.layers) {
    layer.o.mul_(residual);
    for (at::Tensor* bias : {&layer.q_a_bias, &layer.kv_a_bias, &layer.qkv_bias, &layer.o_bias}) {
      if (bias->defined()) bias->zero_();
    }
    if (layer.mlp.down.defined()) layer.mlp.down.mul_(residual);
    if (layer.is_moe()) {
      layer.expert_down.mul_(residual);
      layer.router_bias.zero_();
    }
  }
  return weights;
}

std::vector<NamedTensor> Weights::Parameters() const {
  std::vector<NamedTensor> parameters = {{"embedding", embedding}};
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerWeights& layer = layers[i];
    const auto add = [&](const char* name, const at::Tensor& tensor) {
      if (tensor.defined()) parameters.push_back({absl::StrCat("layers.", i, ".", name), tensor});
    };
    add("input_norm", layer.input_norm);
    add("q_a", layer.q_a);
    add("q_a_bias", layer.q_a_bias);
    add("q_a_norm", layer.q_a_norm);
    add("q", layer.q);
    add("kv_a", layer.kv_a);
    add("kv_a_bias", layer.kv_a_bias);
    add("kv_a_norm", layer.kv_a_norm);
    add("kv_b", layer.kv_b);
    add("qkv", layer.qkv);
    add("qkv_bias", layer.qkv_bias);
    add("q_norm", layer.q_norm);
    add("k_norm", layer.k_norm);
    add("o", layer.o);
    add("o_bias", layer.o_bias);
    add("post_norm", layer.post_norm);
    add("mlp.gate_up", layer.mlp.gate_up);
    add("mlp.down", layer.mlp.down);
    add("router", layer.router);
    add("expert_gate_up", layer.expert_gate_up);
    add("expert_down", layer.expert_down);
  }
  parameters.push_back({"final_norm", final_norm});
  if (!config.tie_word_embeddings) parameters.push_back({"head", head});
  return parameters;
}

std::vector<NamedTensor> Weights::CheckpointTensors() const {
  std::vector<NamedTensor> tensors = {{"model.embed_tokens.weight", embedding}};
  for (size_t i = 0; i < layers.size(); ++i) {
    AddLayer(config, absl::StrCat("model.layers.", i, "."), layers[i], &tensors);
  }
  tensors.push_back({"model.norm.weight", final_norm});
  if (!config.tie_word_embeddings) tensors.push_back({"lm_head.weight", head});
  return tensors;
}

Weights Weights::Clone() const {
  Weights copy = *this;
  ForEachTensor(copy, [](at::Tensor& tensor) { tensor = tensor.detach().clone(); });
  return copy;
}

std::vector<NamedTensor> Weights::AdapterParameters() const {
  std::vector<NamedTensor> parameters;
  ForEachAdapter(adapters, [&](const std::string& name, const LowRank& adapter) {
    parameters.push_back({name + ".lora_a", adapter.a});
    parameters.push_back({name + ".lora_b", adapter.b});
  });
  return parameters;
}

std::vector<NamedTensor> Weights::TrainedParameters() const {
  return adapters.enabled() ? AdapterParameters() : Parameters();
}

std::vector<NamedTensor> Weights::TrainedState() const {
  std::vector<NamedTensor> state = TrainedParameters();
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i].is_moe()) continue;
    state.push_back({absl::StrCat("layers.", i, ".router_bias"), layers[i].router_bias});
  }
  return state;
}

Weights Weights::Merged() const {
  const c10::NoGradGuard no_grad;
  Weights merged = Clone();
  merged.adapters = Adapters();
  const auto add = [](const LowRank& adapter, const at::Tensor& matrix) {
    if (adapter.defined()) matrix.add_(at::matmul(adapter.b, adapter.a), adapter.scale);
  };
  for (size_t i = 0; i < adapters.layers.size(); ++i) {
    const LayerAdapters& from = adapters.layers[i];
    LayerWeights& to = merged.layers[i];
    add(from.q_a, to.q_a);
    add(from.q, to.q);
    add(from.kv_a, to.kv_a);
    add(from.kv_b, to.kv_b);
    add(from.o, to.o);
    if (from.query.defined()) {
      const int64_t queries = from.query.b.size(0), keys = from.key.b.size(0);
      add(from.query, to.qkv.narrow(0, 0, queries));
      add(from.key, to.qkv.narrow(0, queries, keys));
      add(from.value, to.qkv.narrow(0, queries + keys, keys));
    }
    if (from.gate.defined()) {
      const int64_t inner = from.gate.b.size(0);
      add(from.gate, to.mlp.gate_up.narrow(0, 0, inner));
      add(from.up, to.mlp.gate_up.narrow(0, inner, inner));
      add(from.down, to.mlp.down);
    }
    add(from.expert_gate_up, to.expert_gate_up);
    add(from.expert_down, to.expert_down);
  }
  if (adapters.head.defined() && config.tie_word_embeddings) {
    merged.config.tie_word_embeddings = false;
    merged.head = merged.head.clone();
  }
  add(adapters.head, merged.head);
  return merged;
}

namespace {

std::vector<NamedTensor> TensorsOf(const Weights& weights) {
  std::vector<NamedTensor> all = weights.CheckpointTensors();
  for (NamedTensor& parameter : weights.AdapterParameters()) all.push_back(std::move(parameter));
  return all;
}

}  // namespace

void Weights::MoveTowards(const Weights& others, double share) {
  const std::vector<NamedTensor> mine = TensorsOf(*this), theirs = TensorsOf(others);
  GRPO_CHECK(mine.size() == theirs.size());
  c10::NoGradGuard no_grad;
  for (size_t i = 0; i < mine.size(); ++i) {
    if (share == 1) {
      mine[i].tensor.copy_(theirs[i].tensor);
    } else {
      mine[i].tensor.lerp_(theirs[i].tensor, share);
    }
  }
}

Weights Weights::To(at::ScalarType dtype) const {
  Weights copy = *this;
  ForEachTensor(copy, [&](at::Tensor& tensor) {
    tensor = tensor.detach().to(dtype).to(TypeOf(dtype, tensor.dim()));
  });
  return copy;
}

Weights Weights::WithBFloat16Matrices() const {
  Weights copy = *this;
  for (LayerWeights& layer : copy.layers) layer.router = at::Tensor();
  ForEachTensor(copy, [](at::Tensor& tensor) {
    tensor = tensor.dim() > 1 ? tensor.detach().to(at::kBFloat16) : tensor.detach();
  });
  for (size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].is_moe()) copy.layers[i].router = layers[i].router.detach();
  }
  return copy;
}

void Weights::RoundMatricesOf(const Weights& others) {
  const c10::NoGradGuard no_grad;
  const std::vector<NamedTensor> mine = TrainedParameters(), theirs = others.TrainedParameters();
  GRPO_CHECK(mine.size() == theirs.size());
  for (size_t i = 0; i < mine.size(); ++i) {
    if (mine[i].tensor.scalar_type() == at::kBFloat16) mine[i].tensor.copy_(theirs[i].tensor);
  }
}

Weights Weights::WithOwnGradients() const {
  Weights copy = *this;
  ForEachTensor(copy, [](at::Tensor& tensor) {
    tensor = tensor.detach().set_requires_grad(tensor.requires_grad());
  });
  return copy;
}

int64_t Weights::CountParameters() const { return CountElements(Parameters()); }

std::string Weights::Digest() const {
  Sha256 digest;
  for (const NamedTensor& named : TensorsOf(*this)) {
    digest.Update(absl::StrCat(named.name, " ", c10::toString(named.tensor.scalar_type())));
    for (int64_t size : named.tensor.sizes()) digest.Update(absl::StrCat(" ", size));
    const at::Tensor bytes = named.tensor.detach().contiguous();
    digest.Update(absl::string_view(static_cast<const char*>(bytes.data_ptr()), bytes.nbytes()));
  }
  return digest.Hex();
}

}  // namespace grpo

#include "policy/packed_weights.h"

#include <algorithm>
#include <atomic>

#include <ATen/ATen.h>

#include "data/status_macros.h"
#include "policy/kernels/bf16_products.h"
#include "policy/threads.h"

namespace grpo {
namespace {

constexpr int64_t kAlignment = 64;  // bytes: a cache line and the widest register

PackedMatrix OfWeight(const at::Tensor& weight) {
  return weight.defined() ? PackedMatrix(weight.t()) : PackedMatrix();
}

PackedLayer LayerOf(const PolicyConfig& config, const LayerWeights& weights) {
  PackedLayer layer;
  layer.q_a = OfWeight(weights.q_a);
  layer.q = OfWeight(weights.q);
  layer.kv_a = OfWeight(weights.kv_a);
  layer.qkv = OfWeight(weights.qkv);
  layer.o = OfWeight(weights.o);
  layer.gate_up = OfWeight(weights.mlp.gate_up);
  layer.down = OfWeight(weights.mlp.down);
  if (weights.is_moe()) {
    layer.router = OfWeight(weights.router.to(at::kFloat));
    for (int64_t e = 0; e < weights.expert_gate_up.size(0); ++e) {
      layer.expert_gate_up.push_back(OfWeight(weights.expert_gate_up[e]));
      layer.expert_down.push_back(OfWeight(weights.expert_down[e]));
    }
  }
  if (!weights.kv_b.defined()) return layer;
  const int64_t nope = config.qk_nope_head_dim, value = config.v_head_dim;
  const at::Tensor kv_b =
      weights.kv_b.view({config.num_attention_heads, nope + value, config.kv_lora_rank});
  for (int64_t h = 0; h < kv_b.size(0); ++h) {
    layer.to_key.emplace_back(kv_b[h].narrow(0, 0, nope));
    layer.from_value.emplace_back(kv_b[h].narrow(0, nope, value).t());
  }
  return layer;
}

std::vector<PackedMatrix*> AllMatrices(PackedWeights& weights) {
  std::vector<PackedMatrix*> all;
  const auto add = [&](PackedMatrix& matrix) {
    if (matrix.defined()) all.push_back(&matrix);
  };
  for (PackedLayer& layer : weights.layers) {
    for (PackedMatrix* matrix : {&layer.q_a, &layer.q, &layer.kv_a, &layer.qkv, &layer.o,
                                 &layer.gate_up, &layer.down, &layer.router}) {
      add(*matrix);
    }
    for (auto* matrices :
         {&layer.to_key, &layer.from_value, &layer.expert_gate_up, &layer.expert_down}) {
      for (PackedMatrix& matrix : *matrices) add(matrix);
    }
  }
  add(weights.head);
  return all;
}

bool IsBFloat16(const at::Tensor& tensor) { return tensor.scalar_type() == at::kBFloat16; }

}  // namespace

int PackedMatrix::panel_width() const {
  return IsBFloat16(b_) ? kBf16PanelWidth : ActiveKernels<float>().panel_width;
}

int PackedMatrix::panels() const {
  return static_cast<int>((columns() + panel_width() - 1) / panel_width());
}

int64_t PackedMatrix::panel_elements() const {
  return IsBFloat16(b_) ? Bf16PackedSize(kBf16PanelWidth, rows()) : rows() * panel_width();
}

int64_t PackedMatrix::packed_bytes() const {
  return panels() * panel_elements() * static_cast<int64_t>(b_.element_size());
}

void PackedMatrix::PackInto(void* memory) {
  packed_ = memory;
  if (IsBFloat16(b_)) {
    ActiveBf16Products().pack(columns(), rows(), static_cast<const BFloat16*>(b_.const_data_ptr()),
                              b_.stride(0), b_.stride(1), static_cast<BFloat16*>(memory));
  } else {
    ActiveKernels<float>().pack(columns(), rows(), b_.const_data_ptr<float>(), b_.stride(0),
                                b_.stride(1), static_cast<float*>(memory));
  }
}

void PackedMatrix::Multiply(int m, const float* a, int64_t a_row, int begin, int end, float* c,
                            int64_t c_row) const {
  const int64_t first = int64_t{begin} * panel_width();
  const int64_t width = std::min(columns(), int64_t{end} * panel_width()) - first;
  if (m == 0 || width <= 0) return;
  if (packed_ == nullptr) {
    const at::Tensor left = at::from_blob(const_cast<float*>(a), {m, rows()}, {a_row, 1});
    at::Tensor result = at::from_blob(c + first, {m, width}, {c_row, 1});
    MultiplyFast(left, b_.narrow(1, first, width), result, /*accumulate=*/false);
    return;
  }
  const int64_t at = begin * panel_elements();
  if (IsBFloat16(b_)) {
    ActiveBf16Products().gemm_packed(m, width, rows(), a, a_row, 1,
                                     static_cast<const BFloat16*>(packed_) + at, c + first, c_row,
                                     false);
  } else {
    ActiveKernels<float>().gemm_packed(m, width, rows(), a, a_row, 1,
                                       static_cast<const float*>(packed_) + at, c + first, c_row,
                                       false);
  }
}

absl::StatusOr<std::unique_ptr<PackedWeights>> PackedWeights::Pack(const Weights& weights,
                                                                   Numerics numerics, int threads) {
  auto packed = std::make_unique<PackedWeights>();
  for (const LayerWeights& layer : weights.layers) {
    packed->layers.push_back(LayerOf(weights.config, layer));
  }
  packed->head = OfWeight(weights.head);
  if (numerics == Numerics::kFast) return packed;

  const std::vector<PackedMatrix*> matrices = AllMatrices(*packed);
  std::vector<int64_t> offsets;
  int64_t bytes = 0;
  for (const PackedMatrix* matrix : matrices) {
    offsets.push_back(bytes);
    bytes += (matrix->packed_bytes() + kAlignment - 1) / kAlignment * kAlignment;
  }
  packed->memory = at::empty({bytes}, at::kByte);
  AskForHugePages(packed->memory);
  uint8_t* memory = packed->memory.mutable_data_ptr<uint8_t>();
  std::atomic<size_t> next{0};
  RETURN_IF_ERROR(RunThreads(threads, [&](int) {
    for (size_t i = next++; i < matrices.size(); i = next++) {
      matrices[i]->PackInto(memory + offsets[i]);
    }
    return absl::OkStatus();
  }));
  return packed;
}

}  // namespace grpo

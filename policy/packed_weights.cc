#include "policy/packed_weights.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include <ATen/ATen.h>

#include "data/check.h"
#include "data/status_macros.h"
#include "policy/kernels/bf16_products.h"
#include "policy/threads.h"

namespace grpo {
namespace {

constexpr int64_t kAlignment = 64;  // bytes: a cache line and the widest register

PackedMatrix OfWeight(const at::Tensor& weight) {
  return weight.defined() ? PackedMatrix(weight.t()) : PackedMatrix();
}

PackedAdapter OfAdapter(const at::Tensor& a, const at::Tensor& b, double scale,
                        int64_t first_column) {
  return {PackedMatrix(a), PackedMatrix(b), static_cast<float>(scale),
          static_cast<int>(first_column)};
}

void Add(const LowRank& adapter, std::vector<PackedAdapter>& adapters, int64_t first_column = 0) {
  if (!adapter.defined()) return;
  adapters.push_back(OfAdapter(adapter.a.t(), adapter.b.t(), adapter.scale, first_column));
}

void AddOfExperts(const LowRank& adapter, std::vector<PackedAdapter>& adapters) {
  if (!adapter.defined()) return;
  for (int64_t e = 0; e < adapter.a.size(0); ++e) {
    adapters.push_back(OfAdapter(adapter.a[e].t(), adapter.b[e].t(), adapter.scale, 0));
  }
}

void AddAdapters(const PolicyConfig& config, const LayerWeights& weights,
                 const LayerAdapters& adapters, PackedLayer& layer) {
  const int64_t width = config.architecture().latent() ? 0 : config.grouped_head_dim(),
                heads = config.num_attention_heads;
  Add(adapters.q_a, layer.q_a_adapters);
  Add(adapters.q, layer.q_adapters);
  Add(adapters.kv_a, layer.kv_a_adapters);
  Add(adapters.o, layer.o_adapters);
  Add(adapters.query, layer.qkv_adapters);
  Add(adapters.key, layer.qkv_adapters, heads * width);
  Add(adapters.value, layer.qkv_adapters, (heads + config.num_key_value_heads) * width);
  Add(adapters.gate, layer.gate_up_adapters);
  if (adapters.up.defined()) Add(adapters.up, layer.gate_up_adapters, weights.mlp.down.size(1));
  Add(adapters.down, layer.down_adapters);
  AddOfExperts(adapters.expert_gate_up, layer.expert_gate_up_adapters);
  AddOfExperts(adapters.expert_down, layer.expert_down_adapters);
  const LowRank& kv_b = adapters.kv_b;
  if (!kv_b.defined()) return;
  const int64_t nope = config.qk_nope_head_dim, value = config.v_head_dim;
  const at::Tensor b = kv_b.b.view({heads, nope + value, kv_b.b.size(1)});
  for (int64_t h = 0; h < heads; ++h) {
    layer.to_key_adapters.push_back(OfAdapter(b[h].narrow(0, 0, nope), kv_b.a, kv_b.scale, 0));
    layer.from_value_adapters.push_back(
        OfAdapter(kv_b.a.t(), b[h].narrow(0, nope, value).t(), kv_b.scale, 0));
  }
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
  add(weights.head);  // first, for it takes longest
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
  return all;
}

// Never quantized: they are small, and zero at first, which every format could hold.
std::vector<PackedMatrix*> AdapterMatrices(PackedWeights& weights) {
  std::vector<PackedMatrix*> all;
  const auto add = [&](std::vector<PackedAdapter>& adapters) {
    for (PackedAdapter& adapter : adapters) {
      all.push_back(&adapter.a);
      all.push_back(&adapter.b);
    }
  };
  add(weights.head_adapters);
  for (PackedLayer& layer : weights.layers) {
    for (auto* adapters :
         {&layer.q_a_adapters, &layer.q_adapters, &layer.kv_a_adapters, &layer.qkv_adapters,
          &layer.o_adapters, &layer.gate_up_adapters, &layer.down_adapters,
          &layer.expert_gate_up_adapters, &layer.expert_down_adapters, &layer.to_key_adapters,
          &layer.from_value_adapters}) {
      add(*adapters);
    }
  }
  return all;
}

double BytesPerWeight(const std::vector<PackedMatrix*>& matrices) {
  double bytes = 0, weights = 0;
  for (const PackedMatrix* matrix : matrices) {
    bytes += matrix->packed_bytes();
    weights += static_cast<double>(matrix->rows()) * matrix->columns();
  }
  return bytes / weights;
}

bool IsBFloat16(const at::Tensor& tensor) { return tensor.scalar_type() == at::kBFloat16; }

}  // namespace

int PackedMatrix::panel_width() const {
  if (format_) return ActiveQuantizedProducts().panel_width;
  return IsBFloat16(b_) ? kBf16PanelWidth : ActiveKernels<float>().panel_width;
}

int PackedMatrix::panels() const {
  return static_cast<int>((columns() + panel_width() - 1) / panel_width());
}

int64_t PackedMatrix::panel_bytes() const {
  if (format_) return ActiveQuantizedProducts().PackedSize(*format_, panel_width(), rows());
  const int64_t elements =
      IsBFloat16(b_) ? Bf16PackedSize(kBf16PanelWidth, rows()) : rows() * panel_width();
  return elements * static_cast<int64_t>(b_.element_size());
}

int64_t PackedMatrix::packed_bytes() const { return panels() * panel_bytes(); }

// The least format that some blocks, spread over b, are exactly.
absl::optional<QuantizedFormat> PackedMatrix::FormatOfSamples() const {
  if (IsBFloat16(b_)) return absl::nullopt;
  constexpr int64_t kSamples = 64;
  const int64_t blocks = rows() / kQuantizedBlock, samples = std::min(kSamples, columns());
  const float* const b = b_.const_data_ptr<float>();
  for (const QuantizedFormat format :
       {QuantizedFormat::kInt4, QuantizedFormat::kInt4WithMinimum, QuantizedFormat::kInt8}) {
    int64_t exact = 0;
    for (; exact < samples; ++exact) {
      const int64_t column = exact * columns() / samples, first = exact % blocks * kQuantizedBlock;
      float block[kQuantizedBlock];
      for (int i = 0; i < kQuantizedBlock; ++i) {
        block[i] = b[(first + i) * b_.stride(0) + column * b_.stride(1)];
      }
      if (!ActiveQuantizedProducts().is_exact(format, block)) break;
    }
    if (exact == samples) return format;
  }
  return absl::nullopt;
}

void PackedMatrix::ChooseFormat(bool round_to_int8) {
  format_.reset();
  rounded_ = false;
  if (rows() == 0 || rows() % kQuantizedBlock != 0) return;
  round_to_int8_ = round_to_int8;
  format_ = FormatOfSamples();
  if (format_ || !round_to_int8) return;
  format_ = QuantizedFormat::kInt8;
  rounded_ = true;
}

bool PackedMatrix::PackInto(void* memory) {
  if (format_) {
    auto* const packed = static_cast<uint8_t*>(memory);
    const bool done = rounded_ ? PackRounded(packed)
                               : ActiveQuantizedProducts().pack_exactly(
                                     *format_, columns(), rows(), b_.const_data_ptr<float>(),
                                     b_.stride(0), b_.stride(1), packed);
    if (!done) {
      rounded_ = !rounded_ && round_to_int8_;
      format_.reset();
      if (rounded_) format_ = QuantizedFormat::kInt8;
      return false;
    }
  } else if (IsBFloat16(b_)) {
    ActiveBf16Products().pack(columns(), rows(), static_cast<const BFloat16*>(b_.const_data_ptr()),
                              b_.stride(0), b_.stride(1), static_cast<BFloat16*>(memory));
  } else {
    ActiveKernels<float>().pack(columns(), rows(), b_.const_data_ptr<float>(), b_.stride(0),
                                b_.stride(1), static_cast<float*>(memory));
  }
  packed_ = memory;
  return true;
}

// A panel at a time, for bfloat16 is widened first.
bool PackedMatrix::PackRounded(uint8_t* memory) const {
  for (int64_t first = 0; first < columns(); first += panel_width(), memory += panel_bytes()) {
    const int64_t width = std::min<int64_t>(panel_width(), columns() - first);
    const at::Tensor panel = b_.narrow(1, first, width).to(at::kFloat);
    if (!ActiveQuantizedProducts().pack_rounded(width, rows(), panel.const_data_ptr<float>(),
                                                panel.stride(0), panel.stride(1), memory)) {
      return false;
    }
  }
  return true;
}

const void* PackedMatrix::Panel(int panel) const {
  return packed_ == nullptr ? nullptr
                            : static_cast<const uint8_t*>(packed_) + panel * panel_bytes();
}

void PackedMatrix::Multiply(int m, const float* a, int64_t a_row, int begin, int end, float* c,
                            int64_t c_row, const void* next, bool accumulate) const {
  const int64_t first = int64_t{begin} * panel_width();
  const int64_t width = std::min(columns(), int64_t{end} * panel_width()) - first;
  if (m == 0 || width <= 0) return;
  if (packed_ == nullptr) {
    const at::Tensor left = at::from_blob(const_cast<float*>(a), {m, rows()}, {a_row, 1});
    at::Tensor result = at::from_blob(c + first, {m, width}, {c_row, 1});
    MultiplyFast(left, b_.narrow(1, first, width), result, accumulate);
    return;
  }
  const void* const packed = Panel(begin);
  if (format_) {
    GRPO_CHECK(!accumulate);  // factors of adapters are never quantized
    ActiveQuantizedProducts().gemm_packed(*format_, m, width, rows(), a, a_row,
                                          static_cast<const uint8_t*>(packed), c + first, c_row);
  } else if (IsBFloat16(b_)) {
    ActiveBf16Products().gemm_packed(m, width, rows(), a, a_row, 1,
                                     static_cast<const BFloat16*>(packed), c + first, c_row,
                                     accumulate, static_cast<const BFloat16*>(next));
  } else {
    ActiveKernels<float>().gemm_packed(m, width, rows(), a, a_row, 1,
                                       static_cast<const float*>(packed), c + first, c_row,
                                       accumulate);
  }
}

int64_t PackedWeights::bytes() const {
  int64_t bytes = 0;
  for (const at::Tensor& block : memory) bytes += static_cast<int64_t>(block.nbytes());
  return bytes;
}

absl::StatusOr<std::unique_ptr<PackedWeights>> PackedWeights::Pack(const Weights& weights,
                                                                   const PackOptions& options) {
  auto packed = std::make_unique<PackedWeights>();
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    packed->layers.push_back(LayerOf(weights.config, weights.layers[i]));
    if (!weights.adapters.enabled()) continue;
    AddAdapters(weights.config, weights.layers[i], weights.adapters.layers[i],
                packed->layers.back());
  }
  packed->head = OfWeight(weights.head);
  Add(weights.adapters.head, packed->head_adapters);
  std::vector<PackedMatrix*> matrices = AllMatrices(*packed);
  packed->bytes_per_weight = weights.head.element_size();
  if (options.numerics == Numerics::kFast && !options.int8) return packed;

  for (PackedMatrix* matrix : matrices) matrix->ChooseFormat(options.int8);
  for (PackedLayer& layer : packed->layers) {
    if (layer.router.defined()) layer.router.ChooseFormat(/*round_to_int8=*/false);
  }
  const std::vector<PackedMatrix*> of_adapters = AdapterMatrices(*packed);
  matrices.insert(matrices.end(), of_adapters.begin(), of_adapters.end());
  std::vector<int64_t> offsets;
  int64_t bytes = 0;
  for (const PackedMatrix* matrix : matrices) {
    offsets.push_back(bytes);
    bytes += (matrix->packed_bytes() + kAlignment - 1) / kAlignment * kAlignment;
  }
  std::mutex mutex;
  const auto allocate = [&](int64_t size) {
    at::Tensor memory = at::empty({size}, at::kByte);
    AskForHugePages(memory);
    const std::lock_guard lock(mutex);
    packed->memory.push_back(memory);
    return memory.mutable_data_ptr<uint8_t>();
  };
  uint8_t* const memory = allocate(bytes);
  std::atomic<size_t> next{0};
  RETURN_IF_ERROR(RunThreads(options.threads, [&](int) {
    for (size_t i = next++; i < matrices.size(); i = next++) {
      PackedMatrix& matrix = *matrices[i];
      bool done = matrix.PackInto(memory + offsets[i]);
      while (!done) done = matrix.PackInto(allocate(matrix.packed_bytes()));
    }
    return absl::OkStatus();
  }));
  packed->bytes_per_weight = BytesPerWeight(matrices);
  return packed;
}

}  // namespace grpo

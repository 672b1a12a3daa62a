// The matrices of a policy once more, in the order in which products read them: for rollouts, which
// multiply few rows at a time with the same weights again and again, on a team of threads that
// shares out each product's columns.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include <ATen/core/Tensor.h>

#include "policy/kernels/quantized_products.h"
#include "policy/ops.h"
#include "policy/weights.h"

namespace grpo {

// A right-hand factor b [K, N], fp32 or bfloat16. It is packed as one of
//   - b's own type;
//   - blocks of 4 or 8 bits, where b is fp32 and exactly that (it came from a quantized file, and
//     has not been trained since): products keep their bits, and read far less;
//   - blocks of 8 bits, each weight rounded, where asked for: another policy, if a close one.
// Blocks lie along K: where it is no multiple of kQuantizedBlock, b's own type remains.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  explicit PackedMatrix(const at::Tensor& b) : b_(b) {}

  bool defined() const { return b_.defined(); }
  int64_t rows() const { return b_.size(0); }  // K
  int64_t columns() const { return b_.size(1); }
  int panel_width() const;  // columns
  int panels() const;
  int64_t packed_bytes() const;
  // What it is packed as, where not b's own type.
  const absl::optional<QuantizedFormat>& format() const { return format_; }

  // Chooses what to pack as, from samples of b's blocks.
  void ChooseFormat(bool round_to_int8);
  // Packs into memory that the caller keeps, packed_bytes() of it. False where b turns out not to
  // be what its samples are: something else has then been chosen, of other packed_bytes(), so try
  // again. What is not packed gives fast products, not exact ones (policy/ops.h).
  bool PackInto(void* memory);

  // Columns of the panels from begin to end of c [m, N] = a [m, K] b; rows a_row and c_row apart.
  // Exact products are the bits of Linear's (with the weights as rounded), however the columns are
  // shared out; with `accumulate` they are added to c. `next`, where not null, says that the panels
  // come from memory rather than from a cache, and which panel (of any matrix packed with this one)
  // is read after them.
  void Multiply(int m, const float* a, int64_t a_row, int begin, int end, float* c, int64_t c_row,
                const void* next = nullptr, bool accumulate = false) const;
  // Where a panel lies; null where none is packed.
  const void* Panel(int panel) const;

 private:
  int64_t panel_bytes() const;
  absl::optional<QuantizedFormat> FormatOfSamples() const;
  bool PackRounded(uint8_t* memory) const;

  at::Tensor b_;  // a view of the weight
  absl::optional<QuantizedFormat> format_;
  bool rounded_ = false;        // packed as int8 that b is not exactly
  bool round_to_int8_ = false;  // asked for
  void* packed_ = nullptr;
};

// An adapter of a matrix: its part goes to the columns from `first_column` on.
struct PackedAdapter {
  PackedMatrix a, b;  // [in, r], [r, out]
  float scale = 0;
  int first_column = 0;
};

// As in LayerWeights and LayerAdapters; what a layer does not have is not defined, or empty.
struct PackedLayer {
  PackedMatrix q_a, q, kv_a, qkv, o;
  std::vector<PackedMatrix> to_key;      // of each head: [nope, L]
  std::vector<PackedMatrix> from_value;  // of each head: [L, v]
  PackedMatrix gate_up, down;
  PackedMatrix router;
  std::vector<PackedMatrix> expert_gate_up, expert_down;  // of each expert

  std::vector<PackedAdapter> q_a_adapters, q_adapters, kv_a_adapters, qkv_adapters, o_adapters;
  std::vector<PackedAdapter> gate_up_adapters, down_adapters;
  std::vector<PackedAdapter> expert_gate_up_adapters, expert_down_adapters;  // of each expert
  std::vector<PackedAdapter> to_key_adapters, from_value_adapters;           // of each head
};

struct PackOptions {
  Numerics numerics = Numerics::kExact;
  int threads = 1;
  // Rounds to 8 bits what is not exactly 4 or 8, except routers; such weights are packed and summed
  // in fp32 whatever the numerics.
  bool int8 = false;
};

struct PackedWeights {
  std::vector<PackedLayer> layers;
  PackedMatrix head;
  std::vector<PackedAdapter> head_adapters;
  std::vector<at::Tensor> memory;
  double bytes_per_weight = 0;  // as packed, on average

  int64_t bytes() const;

  // Fast products need no packing. The weights must not change or move while this is in use.
  static absl::StatusOr<std::unique_ptr<PackedWeights>> Pack(const Weights& weights,
                                                             const PackOptions& options);
};

}  // namespace grpo

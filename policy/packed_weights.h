// The matrices of a policy once more, in the order in which products read them: for rollouts, which
// multiply few rows at a time with the same weights again and again, on a team of threads that
// shares out each product's columns.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include <ATen/core/Tensor.h>

#include "policy/ops.h"
#include "policy/weights.h"

namespace grpo {

// A right-hand factor b [K, N], fp32 or bfloat16.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  explicit PackedMatrix(const at::Tensor& b) : b_(b) {}

  bool defined() const { return b_.defined(); }
  int64_t rows() const { return b_.size(0); }  // K
  int64_t columns() const { return b_.size(1); }
  int panels() const;
  int64_t packed_bytes() const;

  // Packs into memory that the caller keeps, packed_bytes() of it. Without it products are fast,
  // not exact (policy/ops.h).
  void PackInto(void* memory);

  // Columns of the panels from begin to end of c [m, N] = a [m, K] b; rows a_row and c_row apart.
  // Exact products are the bits of Linear's, however the columns are shared out.
  void Multiply(int m, const float* a, int64_t a_row, int begin, int end, float* c,
                int64_t c_row) const;

 private:
  int panel_width() const;
  int64_t panel_elements() const;

  at::Tensor b_;  // a view of the weight
  void* packed_ = nullptr;
};

// As in LayerWeights; what a layer does not have is not defined.
struct PackedLayer {
  PackedMatrix q_a, q, kv_a, qkv, o;
  std::vector<PackedMatrix> to_key;      // of each head: [nope, L]
  std::vector<PackedMatrix> from_value;  // of each head: [L, v]
  PackedMatrix gate_up, down;
  PackedMatrix router;
  std::vector<PackedMatrix> expert_gate_up, expert_down;  // of each expert
};

struct PackedWeights {
  std::vector<PackedLayer> layers;
  PackedMatrix head;
  at::Tensor memory;

  // Packs with this many threads; fast products need no packing. The weights must not change or
  // move while this is in use.
  static absl::StatusOr<std::unique_ptr<PackedWeights>> Pack(const Weights& weights,
                                                             Numerics numerics, int threads);
};

}  // namespace grpo

// The policy's operations, differentiable: kernels (policy/kernels) joined to LibTorch's autograd.
// Tensors are contiguous, on the CPU, fp32 (or fp64 in gradient checks). Matrices of weights may be
// bfloat16: products with them, forward and backward, round the other factor to bfloat16 and sum in
// fp32. Their gradients are fp32.
//
// Loops are shared out among the threads of a TeamScope (policy/threads.h), which changes no bit.
// The gradient of a matrix is added straight to the grad() of the parameter that it is, or is a
// view of, where that is defined, as it must be for bfloat16 ones; otherwise it is handed on as
// autograd does.
//
// Letters: N tokens, D width, H heads, V vocabulary, E experts, K experts per token, I expert
// width.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/kernels/kernels.h"
#include "policy/lora.h"

namespace grpo {

// How matrices are multiplied: exact, by the kernels whose bits depend on a row alone, or fast, by
// LibTorch, which chooses by shape and processor. Fast products with bfloat16 matrices round the
// result to bfloat16 too, as other implementations do.
enum class Numerics { kExact, kFast };

// Of this thread's products, as long as the object lives; exact otherwise.
class NumericsScope {
 public:
  explicit NumericsScope(Numerics numerics);
  ~NumericsScope();
  NumericsScope(const NumericsScope&) = delete;
  NumericsScope& operator=(const NumericsScope&) = delete;

 private:
  const Numerics before_;
};

// c [M, N] = or += a [M, K] b [K, N] by LibTorch, on views with any strides; c fp32.
void MultiplyFast(const at::Tensor& a, const at::Tensor& b, at::Tensor& c, bool accumulate);

// The part of `tensor` that `part`, a view of `whole`, is of that; tensor has the shape and strides
// of `whole`.
at::Tensor SamePart(const at::Tensor& tensor, const at::Tensor& part, const at::Tensor& whole);

// Rows of weight [V, D] by their ids, tokens [N]: [N, D] of this type.
at::Tensor Embedding(const at::Tensor& weight, const at::Tensor& tokens, at::ScalarType type);

// x [N, D] for so many that read it, one each: their gradients are added up, the last one's first,
// in rows that are shared out, as autograd's sums are not.
std::vector<at::Tensor> Branch(const at::Tensor& x, int64_t branches);

// The rows of x [M, D] with these numbers [N], which may repeat: [N, D].
at::Tensor SelectRows(const at::Tensor& x, const at::Tensor& numbers);

// x [N, in] times weight [out, in] transposed: [N, out]. A row's result does not depend on the
// other rows.
at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight);

// x / rms(x) * weight over the last dimension; x [N, D] may be a column slice.
at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps);

// The residual stream [N, D] with a block's output [N, D] times a factor added to it.
at::Tensor AddBlock(const at::Tensor& stream, const at::Tensor& block, double factor);

// The same, and its norm, in one pass. Where `block` is undefined nothing is added.
struct NormedStream {
  at::Tensor stream;  // [N, D]
  at::Tensor normed;  // [N, D]
};
NormedStream AddAndNorm(const at::Tensor& stream, const at::Tensor& block, double factor,
                        const at::Tensor& weight, double eps);

// silu(first half) * second half: [N, 2I] to [N, I]. The backward pass finds gate_up in the type
// `kept`, its own where none is named.
at::Tensor SwiGlu(const at::Tensor& gate_up, std::optional<at::ScalarType> kept = std::nullopt);

// Rotates the pairs of x [N, H, R] by cos and sin [N, R/2]: entries 2p and 2p + 1, or with `halves`
// p and p + R/2.
at::Tensor Rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool halves);

// Rows of attention in the latent space, from kv [N, L + R]: the latent normalised by norm [L], and
// the key rotated.
at::Tensor LatentRows(const at::Tensor& kv, const at::Tensor& norm, double eps,
                      const at::Tensor& cos, const at::Tensor& sin, bool halves);

// How sequences lie in packed rows: sequence s is rows cu_seqlens[s] to cu_seqlens[s + 1], after
// those of sequence prefixes[s] where that is not -1: a prompt that several completions share is
// computed once. A prefix comes before the sequences that follow it, and has none itself.
struct PackedSequences {
  std::vector<int32_t> cu_seqlens = {0};  // where sequences begin, and N at the end
  std::vector<int32_t> prefixes;          // one for each sequence, or empty: none has one

  PackedSequences() = default;
  PackedSequences(std::vector<int32_t> borders)  // NOLINT: sequences without prefixes are borders
      : cu_seqlens(std::move(borders)) {}
};

// Causal attention within each packed sequence: q [N, H, key_dim] over rows [N, C * row_dim], which
// hold keys and values as `shape` says. To [N, H, value_dim]. With `bf16`, q, rows, attention's
// weights, and what the backward pass multiplies are rounded to bfloat16, and summed in fp32.
at::Tensor PackedAttention(const at::Tensor& q, const at::Tensor& rows, const AttentionShape& shape,
                           const PackedSequences& sequences, bool bf16 = false);

// The same of MLA, with one cached head: q [N, H, A + R], which is rotated here, over `rows`
// [N, L + R] of LatentRows, where kv_b [H, A + v, L] gives a head's key and its value from the
// latent. To [N, H, v].
at::Tensor LatentAttention(const at::Tensor& q, const at::Tensor& rows, const at::Tensor& kv_b,
                           const LowRank& adapter, const at::Tensor& cos, const at::Tensor& sin,
                           bool halves, double scale, const PackedSequences& sequences,
                           bool bf16 = false);

// Sum over each token's chosen experts of weight * expert(x). x [N, D], gate_up [E, 2I, D], down
// [E, D, I], chosen [N, K] int64 ascending in each row, weights [N, K]. Summed in ascending order
// of the experts.
at::Tensor ExpertMlps(const at::Tensor& x, const at::Tensor& gate_up, const at::Tensor& down,
                      const at::Tensor& chosen, const at::Tensor& weights,
                      const LowRank& gate_up_adapter = {}, const LowRank& down_adapter = {});

// Log-prob of each target [N] int64 under softmax(hidden head^T / temperature), and that
// distribution's entropy, [N] each. Never holds more than a slice of rows of the logits [N, V].
std::pair<at::Tensor, at::Tensor> TokenLogprobs(const at::Tensor& hidden, const at::Tensor& head,
                                                const at::Tensor& targets, double temperature,
                                                const LowRank& adapter = {});

// What adapters (policy/lora.h) add to products, in place: the returned tensor takes y's part.
//
// y [N, C] of a matrix with inputs x [N, in], from column `first` on; y itself where the adapter is
// not defined.
at::Tensor Adapt(const at::Tensor& y, int64_t first, const at::Tensor& x, const LowRank& adapter);

}  // namespace grpo

#include "policy/ops.h"

#include <cstring>
#include <numeric>

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <torch/csrc/autograd/custom_function.h>

#include "policy/kernels/bf16_attention.h"
#include "policy/kernels/bf16_products.h"
#include "policy/kernels/kernels.h"

namespace grpo {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::tensor_list;

// Calls `body` with a zero of the tensor's element type.
#define GRPO_DISPATCH(tensor, ...) \
  AT_DISPATCH_FLOATING_TYPES((tensor).scalar_type(), "grpo", __VA_ARGS__)

template <typename T>
const T* Data(const at::Tensor& tensor) {
  return tensor.const_data_ptr<T>();
}

thread_local Numerics numerics = Numerics::kExact;

// c [M, N] = or += a [M, K] b [K, N] for views with any strides; c contiguous. b may be bfloat16.
void Multiply(const at::Tensor& a, const at::Tensor& b, at::Tensor& c, bool accumulate) {
  if (numerics == Numerics::kFast) return MultiplyFast(a, b, c, accumulate);
  const auto multiply = [&](const auto kernel, const auto* a_data, const auto* b_data,
                            auto* c_data) {
    kernel(a.size(0), b.size(1), a.size(1), a_data, a.stride(0), a.stride(1), b_data, b.stride(0),
           b.stride(1), c_data, c.stride(0), accumulate);
  };
  if (b.scalar_type() == at::kBFloat16) {
    return multiply(ActiveBf16Products().gemm, Data<float>(a),
                    static_cast<const BFloat16*>(b.const_data_ptr()), c.mutable_data_ptr<float>());
  }
  GRPO_DISPATCH(c, [&] {
    multiply(ActiveKernels<scalar_t>().gemm, Data<scalar_t>(a), Data<scalar_t>(b),
             c.mutable_data_ptr<scalar_t>());
  });
}

struct LinearFunction : Function<LinearFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight) {
    context->save_for_backward({x, weight});
    at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
    Multiply(x, weight.t(), y, false);
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor dy = grads[0].contiguous();
    at::Tensor dx, dweight;
    if (context->needs_input_grad(0)) {
      dx = at::empty({saved[0].size(0), saved[0].size(1)}, dy.options());
      Multiply(dy, saved[1], dx, false);
    }
    if (context->needs_input_grad(1)) {
      dweight = at::empty(saved[1].sizes(), dy.options());
      Multiply(dy.t(), saved[0], dweight, false);
    }
    return {dx, dweight};
  }
};

struct RmsNormFunction : Function<RmsNormFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            double eps) {
    at::Tensor y = at::empty(x.sizes(), x.options());
    at::Tensor inverse_rms = at::empty({x.size(0)}, x.options());
    GRPO_DISPATCH(x, [&] {
      ActiveKernels<scalar_t>().rms_norm(
          x.size(0), x.size(1), Data<scalar_t>(x), x.stride(0), Data<scalar_t>(weight), eps,
          y.mutable_data_ptr<scalar_t>(), inverse_rms.mutable_data_ptr<scalar_t>());
    });
    context->save_for_backward({x, weight, inverse_rms});
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &inverse_rms = saved[2];
    const at::Tensor dy = grads[0].contiguous();
    at::Tensor dx = at::empty(x.sizes(), dy.options());
    at::Tensor dweight = at::zeros(weight.sizes(), dy.options());
    GRPO_DISPATCH(x, [&] {
      ActiveKernels<scalar_t>().rms_norm_backward(
          x.size(0), x.size(1), Data<scalar_t>(dy), Data<scalar_t>(x), x.stride(0),
          Data<scalar_t>(weight), Data<scalar_t>(inverse_rms), dx.mutable_data_ptr<scalar_t>(),
          dweight.mutable_data_ptr<scalar_t>());
    });
    return {dx, dweight, at::Tensor()};
  }
};

struct SwiGluFunction : Function<SwiGluFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_up) {
    context->save_for_backward({gate_up});
    const int64_t width = gate_up.size(1) / 2;
    at::Tensor y = at::empty({gate_up.size(0), width}, gate_up.options());
    GRPO_DISPATCH(y, [&] {
      ActiveKernels<scalar_t>().swiglu(gate_up.size(0), width, Data<scalar_t>(gate_up),
                                       y.mutable_data_ptr<scalar_t>());
    });
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const at::Tensor gate_up = context->get_saved_variables()[0];
    const at::Tensor dy = grads[0].contiguous();
    at::Tensor d_gate_up = at::empty(gate_up.sizes(), gate_up.options());
    GRPO_DISPATCH(dy, [&] {
      ActiveKernels<scalar_t>().swiglu_backward(dy.size(0), dy.size(1), Data<scalar_t>(dy),
                                                Data<scalar_t>(gate_up),
                                                d_gate_up.mutable_data_ptr<scalar_t>());
    });
    return {d_gate_up};
  }
};

at::Tensor Rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool halves,
                  bool inverse) {
  at::Tensor y = at::empty(x.sizes(), x.options());
  GRPO_DISPATCH(x, [&] {
    ActiveKernels<scalar_t>().rope(x.size(0), x.size(1), x.size(2), Data<scalar_t>(x), x.stride(0),
                                   x.stride(1), Data<scalar_t>(cos), Data<scalar_t>(sin), halves,
                                   inverse, y.mutable_data_ptr<scalar_t>(), y.stride(0),
                                   y.stride(1));
  });
  return y;
}

struct RopeFunction : Function<RopeFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cos,
                            const at::Tensor& sin, bool halves) {
    context->save_for_backward({cos, sin});
    context->saved_data["halves"] = halves;
    return Rotate(x, cos, sin, halves, /*inverse=*/false);
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const bool halves = context->saved_data["halves"].toBool();
    return {Rotate(grads[0].contiguous(), saved[0], saved[1], halves, /*inverse=*/true),
            at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

struct HeadProductsFunction : Function<HeadProductsFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight) {
    context->save_for_backward({x, weight});
    at::Tensor y = at::empty({x.size(0), x.size(1), weight.size(2)}, x.options());
    for (int64_t h = 0; h < x.size(1); ++h) {
      at::Tensor y_h = y.select(1, h);
      Multiply(x.select(1, h), weight[h], y_h, false);
    }
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor dy = grads[0].contiguous();
    at::Tensor dx = at::empty(x.sizes(), dy.options()),
               d_weight = at::empty(weight.sizes(), dy.options());
    for (int64_t h = 0; h < x.size(1); ++h) {
      at::Tensor dx_h = dx.select(1, h), d_weight_h = d_weight[h];
      Multiply(dy.select(1, h), weight[h].t(), dx_h, false);
      Multiply(x.select(1, h).t(), dy.select(1, h), d_weight_h, false);
    }
    return {dx, d_weight};
  }
};

template <typename T>
PackedAttentionArgs<T> AttentionArgs(const AttentionShape& shape, const at::Tensor& q,
                                     const at::Tensor& rows, const at::Tensor& cu_seqlens,
                                     const at::Tensor& prefixes) {
  return {.shape = shape,
          .q = Data<T>(q),
          .rows = Data<T>(rows),
          .cu_seqlens = Data<int32_t>(cu_seqlens),
          .prefixes = prefixes.numel() == 0 ? nullptr : Data<int32_t>(prefixes),
          .num_sequences = static_cast<int>(cu_seqlens.size(0)) - 1};
}

// The shape as a tensor of bytes, which is how a backward pass can keep it.
at::Tensor KeptShape(const AttentionShape& shape) {
  at::Tensor bytes = at::empty({static_cast<int64_t>(sizeof(shape))}, at::kByte);
  std::memcpy(bytes.mutable_data_ptr(), &shape, sizeof(shape));
  return bytes;
}

struct PackedAttentionFunction : Function<PackedAttentionFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& rows,
                            const at::Tensor& cu_seqlens, const at::Tensor& prefixes,
                            const AttentionShape& shape) {
    at::Tensor out = at::empty({q.size(0), q.size(1), shape.value_dim}, q.options());
    at::Tensor log_sum_exp = at::empty({q.size(0), q.size(1)}, q.options());
    GRPO_DISPATCH(q, [&] {
      ActiveKernels<scalar_t>().packed_attention(
          AttentionArgs<scalar_t>(shape, q, rows, cu_seqlens, prefixes),
          out.mutable_data_ptr<scalar_t>(), log_sum_exp.mutable_data_ptr<scalar_t>());
    });
    context->save_for_backward({q, rows, cu_seqlens, out, log_sum_exp, KeptShape(shape), prefixes});
    return out;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &rows = saved[1], &cu_seqlens = saved[2], &out = saved[3],
                     &log_sum_exp = saved[4];
    AttentionShape shape;
    std::memcpy(&shape, saved[5].const_data_ptr(), sizeof(shape));
    const at::Tensor d_out = grads[0].contiguous();
    at::Tensor dq = at::empty(q.sizes(), q.options()),
               d_rows = at::empty(rows.sizes(), rows.options());
    GRPO_DISPATCH(q, [&] {
      ActiveKernels<scalar_t>().packed_attention_backward(
          AttentionArgs<scalar_t>(shape, q, rows, cu_seqlens, saved[6]), Data<scalar_t>(out),
          Data<scalar_t>(log_sum_exp), Data<scalar_t>(d_out), dq.mutable_data_ptr<scalar_t>(),
          d_rows.mutable_data_ptr<scalar_t>());
    });
    return {dq, d_rows, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// ---- Experts
// --------------------------------------------------------------------------------------------------

// The (token, choice) pairs ordered by expert, tokens ascending within an expert.
struct ExpertOrder {
  std::vector<int64_t> begin;  // [E + 1] into `pair`
  std::vector<int64_t> pair;   // token * K + choice
};

ExpertOrder OrderByExpert(const at::Tensor& chosen, int64_t num_experts) {
  const int64_t* ids = Data<int64_t>(chosen);
  ExpertOrder order{std::vector<int64_t>(num_experts + 1, 0), std::vector<int64_t>(chosen.numel())};
  for (int64_t i = 0; i < chosen.numel(); ++i) ++order.begin[ids[i] + 1];
  std::partial_sum(order.begin.begin(), order.begin.end(), order.begin.begin());
  std::vector<int64_t> next(order.begin.begin(), order.begin.end() - 1);
  for (int64_t i = 0; i < chosen.numel(); ++i) order.pair[next[ids[i]]++] = i;
  return order;
}

// rows[i] = factor[pair[i]] * source[pair[i] / K]; factor may be null.
template <typename T>
void GatherRows(const ExpertOrder& order, int64_t choices, int64_t width, const T* source,
                const T* factor, T* rows) {
  for (size_t i = 0; i < order.pair.size(); ++i) {
    const T* from = source + order.pair[i] / choices * width;
    T* to = rows + i * width;
    const T scale = factor == nullptr ? T{1} : factor[order.pair[i]];
    for (int64_t d = 0; d < width; ++d) to[d] = scale * from[d];
  }
}

// sums[token] = sum over the token's choices, in their order, of factor * rows of that pair.
template <typename T>
void SumRows(const ExpertOrder& order, int64_t choices, int64_t width, const T* rows,
             const T* factor, int64_t tokens, T* sums) {
  std::vector<const T*> row_of(order.pair.size());
  for (size_t i = 0; i < order.pair.size(); ++i) row_of[order.pair[i]] = rows + i * width;
  for (int64_t n = 0; n < tokens; ++n) {
    ActiveKernels<T>().weighted_sum(choices, width, row_of.data() + n * choices,
                                    factor == nullptr ? nullptr : factor + n * choices,
                                    sums + n * width);
  }
}

struct ExpertMlpsFunction : Function<ExpertMlpsFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& gate_up, const at::Tensor& down,
                            const at::Tensor& chosen, const at::Tensor& weights) {
    const int64_t experts = gate_up.size(0), width = down.size(2), pairs = chosen.numel(),
                  choices = chosen.size(1);
    const ExpertOrder order = OrderByExpert(chosen, experts);
    at::Tensor rows = at::empty({pairs, x.size(1)}, x.options());
    at::Tensor inner = at::empty({pairs, 2 * width}, x.options());
    at::Tensor outputs = at::empty({pairs, x.size(1)}, x.options());
    at::Tensor y = at::empty(x.sizes(), x.options());
    GRPO_DISPATCH(x, [&] {
      GatherRows<scalar_t>(order, choices, x.size(1), Data<scalar_t>(x), nullptr,
                           rows.mutable_data_ptr<scalar_t>());
    });
    for (int64_t e = 0; e < experts; ++e) {
      const int64_t begin = order.begin[e], count = order.begin[e + 1] - begin;
      if (count == 0) continue;
      at::Tensor inner_e = inner.narrow(0, begin, count),
                 outputs_e = outputs.narrow(0, begin, count);
      Multiply(rows.narrow(0, begin, count), gate_up[e].t(), inner_e, false);
      at::Tensor active = at::empty({count, width}, x.options());
      GRPO_DISPATCH(x, [&] {
        ActiveKernels<scalar_t>().swiglu(count, width, Data<scalar_t>(inner_e),
                                         active.mutable_data_ptr<scalar_t>());
      });
      Multiply(active, down[e].t(), outputs_e, false);
    }
    GRPO_DISPATCH(x, [&] {
      SumRows<scalar_t>(order, choices, x.size(1), Data<scalar_t>(outputs), Data<scalar_t>(weights),
                        x.size(0), y.mutable_data_ptr<scalar_t>());
    });
    context->save_for_backward({rows, inner, outputs, gate_up, down, chosen, weights});
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &rows = saved[0], &inner = saved[1], &outputs = saved[2], &gate_up = saved[3],
                     &down = saved[4];
    const at::Tensor &chosen = saved[5], &weights = saved[6];
    const at::Tensor dy = grads[0].contiguous();
    const int64_t width = down.size(2), choices = chosen.size(1), model_width = dy.size(1);
    const ExpertOrder order = OrderByExpert(chosen, gate_up.size(0));
    at::Tensor d_outputs = at::empty(outputs.sizes(), dy.options()),
               d_weights = at::empty(weights.sizes(), dy.options());
    at::Tensor d_rows = at::empty(rows.sizes(), dy.options()),
               dx = at::empty(dy.sizes(), dy.options());
    at::Tensor d_gate_up = at::zeros(gate_up.sizes(), dy.options()),
               d_down = at::zeros(down.sizes(), dy.options());
    GRPO_DISPATCH(dy, [&] {
      GatherRows<scalar_t>(order, choices, model_width, Data<scalar_t>(dy), Data<scalar_t>(weights),
                           d_outputs.mutable_data_ptr<scalar_t>());
      scalar_t* d_weight = d_weights.mutable_data_ptr<scalar_t>();
      for (size_t i = 0; i < order.pair.size(); ++i) {
        const scalar_t* d_token = Data<scalar_t>(dy) + order.pair[i] / choices * model_width;
        const scalar_t* output = Data<scalar_t>(outputs) + i * model_width;
        d_weight[order.pair[i]] =
            std::inner_product(d_token, d_token + model_width, output, scalar_t{0});
      }
    });
    for (int64_t e = 0; e < gate_up.size(0); ++e) {
      const int64_t begin = order.begin[e], count = order.begin[e + 1] - begin;
      if (count == 0) continue;
      BackwardOfExpert(rows.narrow(0, begin, count), inner.narrow(0, begin, count),
                       d_outputs.narrow(0, begin, count), gate_up[e], down[e], width, d_gate_up[e],
                       d_down[e], d_rows.narrow(0, begin, count));
    }
    GRPO_DISPATCH(dy, [&] {
      SumRows<scalar_t>(order, choices, model_width, Data<scalar_t>(d_rows), nullptr, dy.size(0),
                        dx.mutable_data_ptr<scalar_t>());
    });
    return {dx, d_gate_up, d_down, at::Tensor(), d_weights};
  }

  static void BackwardOfExpert(const at::Tensor& rows, const at::Tensor& inner,
                               const at::Tensor& d_outputs, const at::Tensor& gate_up,
                               const at::Tensor& down, int64_t width, at::Tensor d_gate_up,
                               at::Tensor d_down, at::Tensor d_rows) {
    const int64_t count = rows.size(0);
    at::Tensor active = at::empty({count, width}, rows.options()),
               d_active = at::empty({count, width}, rows.options());
    at::Tensor d_inner = at::empty({count, 2 * width}, rows.options());
    Multiply(d_outputs, down, d_active, false);
    GRPO_DISPATCH(rows, [&] {
      const auto& kernels = ActiveKernels<scalar_t>();
      kernels.swiglu(count, width, Data<scalar_t>(inner), active.mutable_data_ptr<scalar_t>());
      kernels.swiglu_backward(count, width, Data<scalar_t>(d_active), Data<scalar_t>(inner),
                              d_inner.mutable_data_ptr<scalar_t>());
    });
    Multiply(d_outputs.t(), active, d_down, false);
    Multiply(d_inner.t(), rows, d_gate_up, false);
    Multiply(d_inner, gate_up, d_rows, false);
  }
};

// ---- Vocabulary
// -----------------------------------------------------------------------------------------------

constexpr int64_t kLogitRows = 256;  // rows of logits held at a time

struct TokenLogprobsFunction : Function<TokenLogprobsFunction> {
  static tensor_list forward(AutogradContext* context, const at::Tensor& hidden,
                             const at::Tensor& head, const at::Tensor& targets,
                             double temperature) {
    const int64_t rows = hidden.size(0), vocabulary = head.size(0);
    at::Tensor log_sum = at::empty({rows}, hidden.options()),
               entropy = at::empty({rows}, hidden.options());
    at::Tensor logprobs = at::empty({rows}, hidden.options());
    at::Tensor logits = at::empty({std::min(rows, kLogitRows), vocabulary}, hidden.options());
    for (int64_t begin = 0; begin < rows; begin += kLogitRows) {
      const int64_t count = std::min(kLogitRows, rows - begin);
      Multiply(hidden.narrow(0, begin, count), head.t(), logits, false);
      GRPO_DISPATCH(hidden, [&] {
        const scalar_t inverse = scalar_t(1 / temperature);
        scalar_t* log_sums = log_sum.mutable_data_ptr<scalar_t>() + begin;
        ActiveKernels<scalar_t>().log_sum_exp(count, vocabulary, Data<scalar_t>(logits), inverse,
                                              log_sums,
                                              entropy.mutable_data_ptr<scalar_t>() + begin);
        for (int64_t i = 0; i < count; ++i) {
          const int64_t target = Data<int64_t>(targets)[begin + i];
          logprobs.mutable_data_ptr<scalar_t>()[begin + i] =
              Data<scalar_t>(logits)[i * vocabulary + target] * inverse - log_sums[i];
        }
      });
    }
    context->save_for_backward({hidden, head, targets, log_sum, entropy});
    context->saved_data["temperature"] = temperature;
    return {logprobs, entropy};
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &hidden = saved[0], &head = saved[1], &targets = saved[2], &log_sum = saved[3],
                     &entropy = saved[4];
    const double temperature = context->saved_data["temperature"].toDouble();
    const int64_t rows = hidden.size(0), vocabulary = head.size(0);
    const auto or_zeros = [&](const at::Tensor& grad) {
      return grad.defined() ? grad.contiguous() : at::zeros({rows}, hidden.options());
    };
    const at::Tensor d_logprob = or_zeros(grads[0]), d_entropy = or_zeros(grads[1]);
    at::Tensor d_hidden = at::empty(hidden.sizes(), hidden.options()),
               d_head = at::zeros(head.sizes(), head.options());
    at::Tensor logits = at::empty({std::min(rows, kLogitRows), vocabulary}, hidden.options());
    for (int64_t begin = 0; begin < rows; begin += kLogitRows) {
      const int64_t count = std::min(kLogitRows, rows - begin);
      at::Tensor d_logits = logits.narrow(0, 0, count),
                 d_hidden_rows = d_hidden.narrow(0, begin, count);
      Multiply(hidden.narrow(0, begin, count), head.t(), d_logits, false);
      GRPO_DISPATCH(hidden, [&] {
        ActiveKernels<scalar_t>().log_softmax_backward(
            count, vocabulary, d_logits.mutable_data_ptr<scalar_t>(), scalar_t(1 / temperature),
            Data<scalar_t>(log_sum) + begin, Data<scalar_t>(entropy) + begin,
            Data<int64_t>(targets) + begin, Data<scalar_t>(d_logprob) + begin,
            Data<scalar_t>(d_entropy) + begin);
      });
      Multiply(d_logits, head, d_hidden_rows, false);
      Multiply(d_logits.t(), hidden.narrow(0, begin, count), d_head, true);
    }
    return {d_hidden, d_head, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

NumericsScope::NumericsScope(Numerics wanted) : before_(numerics) { numerics = wanted; }

NumericsScope::~NumericsScope() { numerics = before_; }

void MultiplyFast(const at::Tensor& a, const at::Tensor& b, at::Tensor& c, bool accumulate) {
  const at::Tensor product = at::mm(a.to(b.scalar_type()), b);
  if (accumulate) {
    c.add_(product);
  } else {
    c.copy_(product);
  }
}

at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight) {
  return LinearFunction::apply(x, weight);
}

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return RmsNormFunction::apply(x, weight, eps);
}

at::Tensor SwiGlu(const at::Tensor& gate_up) { return SwiGluFunction::apply(gate_up); }

at::Tensor Rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool halves) {
  return RopeFunction::apply(x, cos, sin, halves);
}

at::Tensor HeadProducts(const at::Tensor& x, const at::Tensor& weight) {
  return HeadProductsFunction::apply(x, weight);
}

at::Tensor PackedAttention(const at::Tensor& q, const at::Tensor& rows, const AttentionShape& shape,
                           const PackedSequences& sequences) {
  return PackedAttentionFunction::apply(q, rows, at::tensor(sequences.cu_seqlens, at::kInt),
                                        at::tensor(sequences.prefixes, at::kInt), shape);
}

at::Tensor PackedAttentionInBFloat16(const at::Tensor& q, const at::Tensor& rows,
                                     const AttentionShape& shape,
                                     const PackedSequences& sequences) {
  at::Tensor out = at::empty({q.size(0), q.size(1), shape.value_dim}, q.options());
  const at::Tensor borders = at::tensor(sequences.cu_seqlens, at::kInt),
                   prefixes = at::tensor(sequences.prefixes, at::kInt);
  Bf16PackedAttention(AttentionArgs<float>(shape, q, rows, borders, prefixes),
                      out.mutable_data_ptr<float>(), nullptr);
  return out;
}

at::Tensor ExpertMlps(const at::Tensor& x, const at::Tensor& gate_up, const at::Tensor& down,
                      const at::Tensor& chosen, const at::Tensor& weights) {
  return ExpertMlpsFunction::apply(x, gate_up, down, chosen, weights.contiguous());
}

std::pair<at::Tensor, at::Tensor> TokenLogprobs(const at::Tensor& hidden, const at::Tensor& head,
                                                const at::Tensor& targets, double temperature) {
  const tensor_list out = TokenLogprobsFunction::apply(hidden, head, targets, temperature);
  return {out[0], out[1]};
}

}  // namespace grpo

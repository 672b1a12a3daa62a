#include "policy/ops.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "data/check.h"
#include "policy/kernels/bf16_attention.h"
#include "policy/kernels/bf16_products.h"
#include "policy/kernels/kernels.h"
#include "policy/threads.h"

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

// Of c [M, N] = or += a [M, K] b [K, N], on this thread; any strides, but c's columns adjoin. b may
// be bfloat16.
void MultiplyHere(const at::Tensor& a, const at::Tensor& b, at::Tensor c, bool accumulate) {
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

// Shares are whole tiles of rows, or whole panels of columns; smaller products than this are not
// shared out. Rows of what is no product are shared out by kRowStep.
constexpr int64_t kTile = 12, kTileOfBFloat16 = 16, kColumnStep = 64, kSmallProduct = 100000,
                  kRowStep = 48;

bool IsBFloat16(const at::Tensor& weight) { return weight.scalar_type() == at::kBFloat16; }

// Of a product with this matrix.
int64_t RowsOfShare(const at::Tensor& b) { return 2 * (IsBFloat16(b) ? kTileOfBFloat16 : kTile); }

// The same, its rows or its columns shared out: which of them changes no bit of exact products.
void Multiply(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, bool accumulate) {
  const int64_t m = a.size(0), n = b.size(1);
  if (m * n * a.size(1) < kSmallProduct) return MultiplyHere(a, b, c, accumulate);
  const bool by_rows = m >= n;
  const int64_t step = by_rows ? RowsOfShare(b) : kColumnStep;
  const Numerics wanted = numerics;
  ParallelFor(by_rows ? m : n, step, [&](int64_t begin, int64_t end) {
    const c10::NoGradGuard no_grad;
    const NumericsScope scope(wanted);
    if (by_rows) {
      MultiplyHere(a.narrow(0, begin, end - begin), b, c.narrow(0, begin, end - begin), accumulate);
    } else {
      MultiplyHere(a, b.narrow(1, begin, end - begin), c.narrow(1, begin, end - begin), accumulate);
    }
  });
}

// x times a factor, in place.
void Scale(const at::Tensor& x, double factor) {
  if (factor == 1) return;
  GRPO_DISPATCH(x, [&] {
    scalar_t* const values = x.mutable_data_ptr<scalar_t>();
    ParallelFor(x.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) values[i] *= static_cast<scalar_t>(factor);
    });
  });
}

// Where the gradient of a weight is collected, which may be a view of a parameter: the same view of
// the parameter's grad(). Undefined where that is: autograd then hands gradients on.
at::Tensor CollectedGradient(const at::Tensor& weight) {
  const bool is_part = !weight.is_leaf() && weight.is_view();
  const at::Tensor parameter = is_part ? at::Tensor(weight._base()) : weight;
  const at::Tensor& gradient = parameter.grad();
  return gradient.defined() ? SamePart(gradient, weight, parameter) : gradient;
}

// As autograd takes tensors that may be undefined.
std::optional<at::Tensor> Optional(const at::Tensor& x) {
  return x.defined() ? std::optional<at::Tensor>(x) : std::nullopt;
}

// y = x of any type, its rows shared out.
void CopyRows(const at::Tensor& x, const at::Tensor& y) {
  ParallelFor(x.size(0), kRowStep, [&](int64_t begin, int64_t end) {
    const c10::NoGradGuard no_grad;
    y.narrow(0, begin, end - begin).copy_(x.narrow(0, begin, end - begin));
  });
}

// x in another type; x itself where it is of that type.
at::Tensor Converted(const at::Tensor& x, at::ScalarType type) {
  if (x.scalar_type() == type) return x;
  const at::Tensor y = at::empty(x.sizes(), x.options().dtype(type));
  CopyRows(x, y);
  return y;
}

// What a gradient of this weight is multiplied from, in its type: with a bfloat16 weight, products
// of the backward pass are in bfloat16 too.
at::Tensor Factor(const at::Tensor& x, const at::Tensor& weight) {
  return IsBFloat16(weight) ? Converted(x, at::kBFloat16) : x;
}

// The gradient of a weight as backward passes return it, and where to add it up: most of what a
// step computes is these, and the largest of its tensors. Those of bfloat16 weights are fp32, and
// always collected: autograd hands on none of another type than the weight's.
struct WeightGradient {
  explicit WeightGradient(const at::Tensor& weight) {
    if (!weight.requires_grad()) return;
    sum = CollectedGradient(weight);
    if (sum.defined()) return;
    GRPO_CHECK(!IsBFloat16(weight));
    returned = at::zeros(weight.sizes(), weight.options());
    sum = returned;
  }
  bool wanted() const { return sum.defined(); }

  at::Tensor sum;       // undefined where the weight is not trained
  at::Tensor returned;  // undefined where it is collected
};

struct LinearFunction : Function<LinearFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight) {
    context->save_for_backward({weight.requires_grad() ? Factor(x, weight) : at::Tensor(), weight});
    at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
    Multiply(x, weight.t(), y, false);
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor dy = grads[0].contiguous();
    at::Tensor dx, dweight;
    if (context->needs_input_grad(0)) {
      dx = at::empty({dy.size(0), saved[1].size(1)}, dy.options());
      Multiply(dy, saved[1], dx, false);
    }
    if (context->needs_input_grad(1)) {
      const WeightGradient gradient(saved[1]);
      Multiply(dy.t(), saved[0], gradient.sum, true);
      dweight = gradient.returned;
    }
    return {dx, dweight};
  }
};

// An adapter's part of a product, added to it in place: y [N, C] += s (x A^T) B^T in the columns
// from `first` on. The product continues the sums of y, as one with the columns of W and s B side
// by side would.
struct AdaptFunction : Function<AdaptFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& y, const at::Tensor& x,
                            const at::Tensor& a, const at::Tensor& b, double scale, int64_t first) {
    const at::Tensor u = at::empty({x.size(0), a.size(0)}, x.options());
    Multiply(x, a.t(), u, false);
    Scale(u, scale);
    Multiply(u, b.t(), y.narrow(1, first, b.size(0)), true);
    context->mark_dirty({y});
    context->save_for_backward({Factor(x, a), Factor(u, b), a, b});
    context->saved_data["scale"] = scale;
    context->saved_data["first"] = first;
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &u = saved[1], &a = saved[2], &b = saved[3];
    const at::Tensor dy = grads[0].contiguous(),
                     part = dy.narrow(1, context->saved_data["first"].toInt(), b.size(0));
    const at::Tensor du = at::empty({dy.size(0), a.size(0)}, dy.options());
    const WeightGradient d_a(a), d_b(b);
    Multiply(part.t(), u, d_b.sum, true);
    Multiply(part, b, du, false);
    Scale(du, context->saved_data["scale"].toDouble());
    Multiply(du.t(), x, d_a.sum, true);
    at::Tensor dx;
    if (context->needs_input_grad(1)) {
      dx = at::empty({dy.size(0), a.size(1)}, dy.options());
      Multiply(du, a, dx, false);
    }
    return {dy, dx, d_a.returned, d_b.returned, at::Tensor(), at::Tensor()};
  }
};

// The rows of x [M, D] with these numbers.
at::Tensor RowsOf(const at::Tensor& x, const at::Tensor& numbers) {
  const at::Tensor rows = at::empty({numbers.size(0), x.size(1)}, x.options());
  ParallelFor(rows.size(0), kRowStep, [&](int64_t begin, int64_t end) {
    const c10::NoGradGuard no_grad;
    at::Tensor part = rows.narrow(0, begin, end - begin);
    at::index_select_out(part, x, 0, numbers.narrow(0, begin, end - begin));
  });
  return rows;
}

// The way back: each row is added to that of `sum` with its number, in their order. Columns are
// shared out, for several rows may have the same number.
void AddToRows(const at::Tensor& rows, const at::Tensor& numbers, const at::Tensor& sum) {
  const int64_t width = rows.size(1);
  GRPO_DISPATCH(rows, [&] {
    const scalar_t* const from = Data<scalar_t>(rows);
    scalar_t* const to = sum.mutable_data_ptr<scalar_t>();
    const int64_t* const number = Data<int64_t>(numbers);
    ParallelFor(width, kColumnStep, [&](int64_t begin, int64_t end) {
      for (int64_t n = 0; n < rows.size(0); ++n) {
        ActiveKernels<scalar_t>().add(end - begin, from + n * width + begin,
                                      to + number[n] * width + begin);
      }
    });
  });
}

struct EmbeddingFunction : Function<EmbeddingFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& weight,
                            const at::Tensor& tokens, at::ScalarType type) {
    context->save_for_backward({weight, tokens});
    return Converted(RowsOf(weight, tokens), type);
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const WeightGradient gradient(saved[0]);
    AddToRows(grads[0].contiguous(), saved[1], gradient.sum);
    return {gradient.returned, at::Tensor(), at::Tensor()};
  }
};

struct SelectRowsFunction : Function<SelectRowsFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& numbers) {
    context->save_for_backward({numbers});
    context->saved_data["rows"] = x.size(0);
    return RowsOf(x, numbers);
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const at::Tensor dy = grads[0].contiguous();
    const at::Tensor dx =
        at::zeros({context->saved_data["rows"].toInt(), dy.size(1)}, dy.options());
    AddToRows(dy, context->get_saved_variables()[0], dx);
    return {dx, at::Tensor()};
  }
};

// y = the norm of x [N, D]; both may be columns of wider rows.
void Normalise(const at::Tensor& x, const at::Tensor& weight, double eps, const at::Tensor& y,
               const at::Tensor& inverse_rms) {
  GRPO_DISPATCH(x, [&] {
    ParallelFor(x.size(0), kRowStep, [&](int64_t begin, int64_t end) {
      ActiveKernels<scalar_t>().rms_norm(
          end - begin, x.size(1), Data<scalar_t>(x) + begin * x.stride(0), x.stride(0),
          Data<scalar_t>(weight), eps, y.mutable_data_ptr<scalar_t>() + begin * y.stride(0),
          y.stride(0), inverse_rms.mutable_data_ptr<scalar_t>() + begin);
    });
  });
}

constexpr int64_t kNormRows = 64;

// The way back: fills dx, returns the gradient of the weight. Where x is also handed on, dx has the
// gradient of that, `passed` [N, D], added to it.
at::Tensor NormaliseBackward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                             const at::Tensor& inverse_rms, const at::Tensor& dx,
                             const at::Tensor& passed = at::Tensor()) {
  const int64_t rows = x.size(0), width = x.size(1);
  // Summed over stretches of rows first, so that the sum does not depend on the threads.
  const at::Tensor parts = at::zeros({(rows + kNormRows - 1) / kNormRows, width}, dy.options());
  GRPO_DISPATCH(x, [&] {
    ParallelFor(parts.size(0), 1, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        const int64_t row = part * kNormRows;
        ActiveKernels<scalar_t>().rms_norm_backward(
            std::min(kNormRows, rows - row), width, Data<scalar_t>(dy) + row * dy.stride(0),
            dy.stride(0), Data<scalar_t>(x) + row * x.stride(0), x.stride(0),
            Data<scalar_t>(weight), Data<scalar_t>(inverse_rms) + row,
            dx.mutable_data_ptr<scalar_t>() + row * dx.stride(0), dx.stride(0),
            parts.mutable_data_ptr<scalar_t>() + part * width);
        if (!passed.defined()) continue;
        ActiveKernels<scalar_t>().add(std::min(kNormRows, rows - row) * width,
                                      Data<scalar_t>(passed) + row * width,
                                      dx.mutable_data_ptr<scalar_t>() + row * width);
      }
    });
  });
  return parts.sum(0);
}

struct RmsNormFunction : Function<RmsNormFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            double eps) {
    const at::Tensor y = at::empty(x.sizes(), x.options()),
                     inverse_rms = at::empty({x.size(0)}, x.options());
    Normalise(x, weight, eps, y, inverse_rms);
    context->save_for_backward({x, weight, inverse_rms});
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor dx = at::empty(saved[0].sizes(), saved[0].options());
    const at::Tensor d_weight =
        NormaliseBackward(grads[0].contiguous(), saved[0], saved[1], saved[2], dx);
    return {dx, d_weight, at::Tensor()};
  }
};

// sum = stream + factor * block, of rows begin to end.
template <typename T>
void AddRows(const at::Tensor& stream, const at::Tensor& block, T factor, int64_t begin,
             int64_t end, const at::Tensor& sum) {
  const int64_t width = stream.size(1);
  const T* const x = Data<T>(stream) + begin * width;
  const T* const y = Data<T>(block) + begin * width;
  T* const to = sum.mutable_data_ptr<T>() + begin * width;
  for (int64_t i = 0; i < (end - begin) * width; ++i) to[i] = x[i] + factor * y[i];
}

at::Tensor AddedBlock(const at::Tensor& stream, const at::Tensor& block, double factor) {
  const at::Tensor sum = at::empty(stream.sizes(), stream.options());
  GRPO_DISPATCH(stream, [&] {
    ParallelFor(sum.size(0), kRowStep, [&](int64_t begin, int64_t end) {
      AddRows<scalar_t>(stream, block, factor, begin, end, sum);
    });
  });
  return sum;
}

struct BranchFunction : Function<BranchFunction> {
  static tensor_list forward(AutogradContext* context, const at::Tensor& x, int64_t branches) {
    context->set_materialize_grads(false);
    return tensor_list(branches, x);
  }
  static tensor_list backward(AutogradContext*, tensor_list grads) {
    at::Tensor sum;
    for (auto grad = grads.rbegin(); grad != grads.rend(); ++grad) {
      if (!grad->defined()) continue;
      const at::Tensor part = grad->contiguous();
      sum = sum.defined() ? AddedBlock(sum, part, 1) : part;
    }
    return {sum, at::Tensor()};
  }
};

// Of a block's output that was added times the factor.
at::Tensor BlockGradient(const at::Tensor& d_sum, double factor) {
  return factor == 1 ? d_sum : d_sum * factor;
}

struct AddBlockFunction : Function<AddBlockFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& stream,
                            const at::Tensor& block, double factor) {
    context->saved_data["factor"] = factor;
    return AddedBlock(stream, block, factor);
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    return {grads[0], BlockGradient(grads[0], context->saved_data["factor"].toDouble()),
            at::Tensor()};
  }
};

struct AddAndNormFunction : Function<AddAndNormFunction> {
  static tensor_list forward(AutogradContext* context, const at::Tensor& stream,
                             const std::optional<at::Tensor>& added, double factor,
                             const at::Tensor& weight, double eps) {
    const at::Tensor block = added.value_or(at::Tensor());
    const at::Tensor sum = block.defined() ? at::empty(stream.sizes(), stream.options()) : stream,
                     y = at::empty(stream.sizes(), stream.options()),
                     inverse_rms = at::empty({stream.size(0)}, stream.options());
    GRPO_DISPATCH(stream, [&] {
      const int64_t width = stream.size(1);
      ParallelFor(stream.size(0), kRowStep, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; row += kNormRows) {  // while they are in the cache
          const int64_t last = std::min(end, row + kNormRows);
          if (block.defined()) AddRows<scalar_t>(stream, block, factor, row, last, sum);
          ActiveKernels<scalar_t>().rms_norm(last - row, width, Data<scalar_t>(sum) + row * width,
                                             width, Data<scalar_t>(weight), eps,
                                             y.mutable_data_ptr<scalar_t>() + row * width, width,
                                             inverse_rms.mutable_data_ptr<scalar_t>() + row);
        }
      });
    });
    context->save_for_backward({sum, weight, inverse_rms});
    context->saved_data["factor"] = factor;
    context->saved_data["adds"] = block.defined();
    context->set_materialize_grads(false);
    return {sum, y};
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor d_stream = at::empty(saved[0].sizes(), saved[0].options());
    const at::Tensor passed = grads[0].defined() ? grads[0].contiguous() : grads[0];
    const at::Tensor d_weight =
        NormaliseBackward(grads[1].contiguous(), saved[0], saved[1], saved[2], d_stream, passed);
    const at::Tensor d_block =
        context->saved_data["adds"].toBool()
            ? BlockGradient(d_stream, context->saved_data["factor"].toDouble())
            : at::Tensor();
    return {d_stream, d_block, at::Tensor(), d_weight, at::Tensor()};
  }
};

struct SwiGluFunction : Function<SwiGluFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_up,
                            at::ScalarType kept) {
    context->save_for_backward({Converted(gate_up, kept)});
    const int64_t width = gate_up.size(1) / 2;
    at::Tensor y = at::empty({gate_up.size(0), width}, gate_up.options());
    GRPO_DISPATCH(y, [&] {
      ParallelFor(y.size(0), kRowStep, [&](int64_t begin, int64_t end) {
        ActiveKernels<scalar_t>().swiglu(end - begin, width,
                                         Data<scalar_t>(gate_up) + begin * 2 * width,
                                         y.mutable_data_ptr<scalar_t>() + begin * width);
      });
    });
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const at::Tensor dy = grads[0].contiguous();
    const at::Tensor gate_up = Converted(context->get_saved_variables()[0], dy.scalar_type());
    at::Tensor d_gate_up = at::empty(gate_up.sizes(), gate_up.options());
    const int64_t width = dy.size(1);
    GRPO_DISPATCH(dy, [&] {
      ParallelFor(dy.size(0), kRowStep, [&](int64_t begin, int64_t end) {
        ActiveKernels<scalar_t>().swiglu_backward(
            end - begin, width, Data<scalar_t>(dy) + begin * width,
            Data<scalar_t>(gate_up) + begin * 2 * width,
            d_gate_up.mutable_data_ptr<scalar_t>() + begin * 2 * width, nullptr);
      });
    });
    return {d_gate_up, at::Tensor()};
  }
};

// y = x [N, H, R] rotated, or rotated back; both may be parts of wider heads.
void Rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool halves,
            bool inverse, const at::Tensor& y) {
  const int64_t pairs = x.size(2) / 2;
  GRPO_DISPATCH(x, [&] {
    ParallelFor(x.size(0), kRowStep, [&](int64_t begin, int64_t end) {
      ActiveKernels<scalar_t>().rope(
          end - begin, x.size(1), x.size(2), Data<scalar_t>(x) + begin * x.stride(0), x.stride(0),
          x.stride(1), Data<scalar_t>(cos) + begin * pairs, Data<scalar_t>(sin) + begin * pairs,
          halves, inverse, y.mutable_data_ptr<scalar_t>() + begin * y.stride(0), y.stride(0),
          y.stride(1));
    });
  });
}

struct RopeFunction : Function<RopeFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cos,
                            const at::Tensor& sin, bool halves) {
    context->save_for_backward({cos, sin});
    context->saved_data["halves"] = halves;
    const at::Tensor y = at::empty(x.sizes(), x.options());
    Rotate(x, cos, sin, halves, /*inverse=*/false, y);
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor dx = at::empty(grads[0].sizes(), grads[0].options());
    Rotate(grads[0].contiguous(), saved[0], saved[1], context->saved_data["halves"].toBool(),
           /*inverse=*/true, dx);
    return {dx, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

constexpr int64_t kHeadRows = 480;  // a share of one head's product

// y [N, H, B] = or += each head of x [N, H, A] times its matrix of weight [H, A, B]; x and y may be
// parts of wider heads.
void MultiplyHeads(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& y,
                   bool accumulate = false) {
  const int64_t heads = x.size(1), tokens = x.size(0);
  const Numerics wanted = numerics;
  ParallelForEach((tokens + kHeadRows - 1) / kHeadRows * heads, [&](int64_t i) {
    const c10::NoGradGuard no_grad;
    const NumericsScope scope(wanted);
    const int64_t h = i % heads, begin = i / heads * kHeadRows,
                  count = std::min(kHeadRows, tokens - begin);
    MultiplyHere(x.select(1, h).narrow(0, begin, count), weight[h],
                 y.select(1, h).narrow(0, begin, count), accumulate);
  });
}

// The first and the last part of every head's width, or of every row's.
struct Parts {
  Parts(const at::Tensor& x, int64_t first_width)
      : first(x.narrow(-1, 0, first_width)),
        rest(x.narrow(-1, first_width, x.size(-1) - first_width)) {}
  at::Tensor first;
  at::Tensor rest;
};

struct LatentRowsFunction : Function<LatentRowsFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& kv,
                            const at::Tensor& weight, double eps, const at::Tensor& cos,
                            const at::Tensor& sin, bool halves) {
    const at::Tensor rows = at::empty(kv.sizes(), kv.options()),
                     inverse_rms = at::empty({kv.size(0)}, kv.options());
    const Parts from(kv, weight.size(0)), to(rows, weight.size(0));
    Normalise(from.first, weight, eps, to.first, inverse_rms);
    Rotate(from.rest.unsqueeze(1), cos, sin, halves, /*inverse=*/false, to.rest.unsqueeze(1));
    context->save_for_backward({kv, weight, inverse_rms, cos, sin});
    context->saved_data["halves"] = halves;
    return rows;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &kv = saved[0], &weight = saved[1];
    const at::Tensor d_kv = at::empty(kv.sizes(), kv.options());
    const Parts from(grads[0].contiguous(), weight.size(0)), x(kv, weight.size(0)),
        to(d_kv, weight.size(0));
    const at::Tensor d_weight = NormaliseBackward(from.first, x.first, weight, saved[2], to.first);
    Rotate(from.rest.unsqueeze(1), saved[3], saved[4], context->saved_data["halves"].toBool(),
           /*inverse=*/true, to.rest.unsqueeze(1));
    return {d_kv, d_weight, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
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

AttentionShape ShapeOf(const at::Tensor& bytes) {
  AttentionShape shape;
  std::memcpy(&shape, bytes.const_data_ptr(), sizeof(shape));
  return shape;
}

// Parts of all sequences that can be computed apart, of at most so many query rows.
std::vector<QueryRows> SplitQueries(const at::Tensor& cu_seqlens, int rows) {
  const int32_t* borders = Data<int32_t>(cu_seqlens);
  std::vector<QueryRows> split;
  for (int s = 0; s + 1 < cu_seqlens.size(0); ++s) {
    const int tokens = borders[s + 1] - borders[s];
    for (int first = 0; first < tokens; first += rows) {
      split.push_back({s, first, std::min(rows, tokens - first)});
    }
  }
  // The costliest first: a late row sees more than an early one.
  std::stable_sort(split.begin(), split.end(),
                   [](const QueryRows& a, const QueryRows& b) { return a.first > b.first; });
  return split;
}

constexpr int kForwardQueries = 128;

struct Attended {
  at::Tensor out;          // [N, H, value_dim]
  at::Tensor log_sum_exp;  // [N, H]
};

Attended Attend(const AttentionShape& shape, const at::Tensor& q, const at::Tensor& rows,
                const at::Tensor& cu_seqlens, const at::Tensor& prefixes, bool bf16) {
  const at::Tensor out = at::empty({q.size(0), q.size(1), shape.value_dim}, q.options()),
                   log_sum_exp = at::empty({q.size(0), q.size(1)}, q.options());
  if (bf16) {
    const auto args = AttentionArgs<float>(shape, q, rows, cu_seqlens, prefixes);
    ParallelForEach(args.num_sequences, [&](int64_t sequence) {
      Bf16PackedAttention(args, sequence, ActiveBf16Attention(), out.mutable_data_ptr<float>(),
                          log_sum_exp.mutable_data_ptr<float>());
    });
    return {out, log_sum_exp};
  }
  const std::vector<QueryRows> queries = SplitQueries(cu_seqlens, kForwardQueries);
  GRPO_DISPATCH(q, [&] {
    const auto args = AttentionArgs<scalar_t>(shape, q, rows, cu_seqlens, prefixes);
    ParallelForEach(queries.size(), [&](int64_t i) {
      ActiveKernels<scalar_t>().packed_attention(args, queries[i], out.mutable_data_ptr<scalar_t>(),
                                                 log_sum_exp.mutable_data_ptr<scalar_t>());
    });
  });
  return {out, log_sum_exp};
}

// The sequences that see rows in common: each prefix with those that follow it.
std::vector<std::vector<int>> SequencesByPrefix(int num_sequences, const at::Tensor& prefixes) {
  std::vector<std::vector<int>> of(num_sequences);
  for (int s = 0; s < num_sequences; ++s) {
    const int prefix = prefixes.numel() == 0 ? -1 : Data<int32_t>(prefixes)[s];
    of[prefix < 0 ? s : prefix].push_back(s);
  }
  std::erase_if(of, [](const std::vector<int>& sequences) { return sequences.empty(); });
  return of;
}

struct AttentionGradient {
  at::Tensor q;     // [N, H, key_dim]
  at::Tensor rows;  // [N, C * row_dim]
};

// q and rows may be bfloat16. Sums go in the order of the sequences, whichever thread adds them up.
AttentionGradient AttendBackward(const AttentionShape& shape, const at::Tensor& q,
                                 const at::Tensor& rows, const Attended& attended,
                                 const at::Tensor& d_out, const at::Tensor& cu_seqlens,
                                 const at::Tensor& prefixes, bool bf16) {
  const at::ScalarType type = d_out.scalar_type();
  const at::Tensor own_q = Converted(q, type), own_rows = Converted(rows, type);
  const at::Tensor dq = at::empty(q.sizes(), d_out.options()),
                   d_rows = at::zeros(rows.sizes(), d_out.options());
  at::Tensor q_factor, rows_factor, d_out_factor;
  Bf16AttentionFactors factors = {};
  if (bf16) {
    const auto narrowed = [](const at::Tensor& from, at::Tensor& factor) {
      factor = Converted(from, at::kBFloat16);
      return static_cast<const BFloat16*>(factor.const_data_ptr());
    };
    factors = {narrowed(q, q_factor), narrowed(rows, rows_factor), narrowed(d_out, d_out_factor),
               ActiveBf16Products().gemm};
  }
  GRPO_DISPATCH(d_out, [&] {
    const auto args = AttentionArgs<scalar_t>(shape, own_q, own_rows, cu_seqlens, prefixes);
    const auto groups = SequencesByPrefix(args.num_sequences, prefixes);
    ParallelForEach(groups.size() * shape.num_cached_heads, [&](int64_t i) {
      const std::vector<int>& group = groups[i / shape.num_cached_heads];
      ActiveKernels<scalar_t>().packed_attention_backward(
          args, group.data(), static_cast<int>(group.size()), i % shape.num_cached_heads,
          Data<scalar_t>(attended.out), Data<scalar_t>(attended.log_sum_exp), Data<scalar_t>(d_out),
          bf16 ? &factors : nullptr, dq.mutable_data_ptr<scalar_t>(),
          d_rows.mutable_data_ptr<scalar_t>());
    });
  });
  return {dq, d_rows};
}

// What the backward pass multiplies q and rows as.
at::ScalarType KeptType(const at::Tensor& q, bool bf16) {
  return bf16 && q.requires_grad() ? at::kBFloat16 : q.scalar_type();
}

struct PackedAttentionFunction : Function<PackedAttentionFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& rows,
                            const at::Tensor& cu_seqlens, const at::Tensor& prefixes,
                            const AttentionShape& shape, bool bf16) {
    const Attended attended = Attend(shape, q, rows, cu_seqlens, prefixes, bf16);
    const at::ScalarType kept = KeptType(q, bf16);
    context->save_for_backward({Converted(q, kept), Converted(rows, kept), attended.out,
                                attended.log_sum_exp, cu_seqlens, prefixes, KeptShape(shape)});
    context->saved_data["bf16"] = bf16;
    return attended.out;
  }
  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const AttentionGradient gradient = AttendBackward(
        ShapeOf(saved[6]), saved[0], saved[1], {saved[2], saved[3]}, grads[0].contiguous(),
        saved[4], saved[5], context->saved_data["bf16"].toBool());
    return {gradient.q, gradient.rows, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// MLA among the tokens of packed sequences. Forward it runs in the latent space, as over a cache of
// latents, so that rollouts and the learner agree to the bit. The backward pass multiplies each
// head's own keys and values, which are narrower than the latents, and are computed once more.
struct LatentAttentionFunction : Function<LatentAttentionFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& rows,
                            const at::Tensor& kv_b, const std::optional<at::Tensor>& adapter_a,
                            const std::optional<at::Tensor>& adapter_b, double adapter_scale,
                            const at::Tensor& cos, const at::Tensor& sin, bool halves,
                            const at::Tensor& cu_seqlens, const at::Tensor& prefixes, double scale,
                            bool bf16) {
    const at::Tensor a = adapter_a.value_or(at::Tensor()), b = adapter_b.value_or(at::Tensor());
    const int64_t tokens = q.size(0), heads = q.size(1), latent = kv_b.size(2),
                  rotary = rows.size(1) - latent, nope = q.size(2) - rotary,
                  value = kv_b.size(1) - nope;
    const at::Tensor queries = at::empty({tokens, heads, latent + rotary}, q.options());
    const Parts from(q, nope), to(queries, latent);
    MultiplyHeads(from.first, kv_b.narrow(1, 0, nope), to.first);
    Rotate(from.rest, cos, sin, halves, /*inverse=*/false, to.rest);
    if (b.defined()) {
      const at::Tensor u = at::empty({tokens, heads, a.size(0)}, q.options());
      MultiplyHeads(from.first, b.narrow(1, 0, nope), u);
      Scale(u, adapter_scale);
      Multiply(u.view({-1, a.size(0)}), a, queries.view({-1, latent + rotary}).narrow(1, 0, latent),
               true);
    }
    const AttentionShape shape = {.num_heads = static_cast<int>(heads),
                                  .num_cached_heads = 1,
                                  .row_dim = static_cast<int>(latent + rotary),
                                  .key_dim = static_cast<int>(latent + rotary),
                                  .value_begin = 0,
                                  .value_dim = static_cast<int>(latent),
                                  .scale = scale};
    const Attended attended = Attend(shape, queries, rows, cu_seqlens, prefixes, bf16);
    const at::Tensor values = at::empty({tokens, heads, value}, q.options());
    MultiplyHeads(attended.out, kv_b.narrow(1, nope, value).transpose(1, 2), values);
    if (b.defined()) {
      const at::Tensor u = at::empty({tokens, heads, a.size(0)}, q.options());
      Multiply(attended.out.view({-1, latent}), a.t(), u.view({-1, a.size(0)}), false);
      Scale(u, adapter_scale);
      MultiplyHeads(u, b.narrow(1, nope, value).transpose(1, 2), values, true);
    }
    const at::ScalarType kept = KeptType(q, bf16);
    context->save_for_backward({Converted(q, kept), Converted(rows, kept), values,
                                attended.log_sum_exp, kv_b, a, b, cos, sin, cu_seqlens, prefixes});
    context->saved_data["adapter_scale"] = adapter_scale;
    context->saved_data["halves"] = halves;
    context->saved_data["scale"] = scale;
    context->saved_data["bf16"] = bf16;
    return values;
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &values = saved[2], &kv_b = saved[4], &a = saved[5], &b = saved[6],
                     &cos = saved[7], &sin = saved[8];
    const bool halves = context->saved_data["halves"].toBool();
    const double adapter_scale = context->saved_data["adapter_scale"].toDouble();
    const at::TensorOptions options = values.options();
    const at::Tensor q = Converted(saved[0], values.scalar_type()),
                     rows = Converted(saved[1], values.scalar_type());
    const int64_t tokens = q.size(0), heads = q.size(1), latent = kv_b.size(2),
                  rotary = rows.size(1) - latent, nope = q.size(2) - rotary,
                  value = kv_b.size(1) - nope, row = rotary + nope + value;
    const at::Tensor matrix = b.defined() ? AdaptedMatrix(kv_b, a, b, adapter_scale) : kv_b;

    // A head's row is its rotary key, which all have in common, its other key and its value.
    const at::Tensor own_q = at::empty(q.sizes(), options),
                     own_rows = at::empty({tokens, heads, row}, options);
    const Parts of_q(q, nope), of_rows(rows, latent), own_q_parts(own_q, rotary),
        own_parts(own_rows, rotary);
    Rotate(of_q.rest, cos, sin, halves, /*inverse=*/false, own_q_parts.first);
    CopyRows(of_q.first, own_q_parts.rest);
    CopyRows(of_rows.rest.unsqueeze(1).expand({tokens, heads, rotary}), own_parts.first);
    MultiplyHeads(of_rows.first.unsqueeze(1).expand({tokens, heads, latent}),
                  matrix.transpose(1, 2), own_parts.rest);
    const AttentionShape shape = {.num_heads = static_cast<int>(heads),
                                  .num_cached_heads = static_cast<int>(heads),
                                  .row_dim = static_cast<int>(row),
                                  .key_dim = static_cast<int>(rotary + nope),
                                  .value_begin = static_cast<int>(rotary + nope),
                                  .value_dim = static_cast<int>(value),
                                  .scale = context->saved_data["scale"].toDouble()};
    const AttentionGradient own =
        AttendBackward(shape, own_q, own_rows, {values, saved[3]}, grads[0].contiguous(), saved[9],
                       saved[10], context->saved_data["bf16"].toBool());

    const at::Tensor dq = at::empty(q.sizes(), options), d_rows = at::zeros(rows.sizes(), options);
    const Parts d_own_q(own.q, rotary), d_own(own.rows, rotary), to_q(dq, nope),
        to_rows(d_rows, latent);
    CopyRows(d_own_q.rest, to_q.first);
    Rotate(d_own_q.first, cos, sin, halves, /*inverse=*/true, to_q.rest);
    ParallelFor(tokens, kHeadRows, [&](int64_t begin, int64_t end) {
      const c10::NoGradGuard no_grad;
      for (int64_t h = 0; h < heads; ++h) {
        const auto part = [&, begin = begin, count = end - begin](const at::Tensor& tensor) {
          return tensor.narrow(0, begin, count);
        };
        MultiplyHere(part(d_own.rest).select(1, h), matrix[h], part(to_rows.first), true);
        part(to_rows.rest).add_(part(d_own.first).select(1, h));
      }
    });
    // Of a matrix that latents are multiplied with.
    const auto add_products = [&](const at::Tensor& sum) {
      const at::Tensor latents = Parts(Factor(saved[1], kv_b), latent).first;
      ParallelForEach(heads, [&](int64_t h) {
        const c10::NoGradGuard no_grad;
        MultiplyHere(d_own.rest.select(1, h).t(), latents, sum[h], true);
      });
    };
    const WeightGradient d_kv_b(kv_b), d_a(a), d_b(b);
    if (d_kv_b.wanted()) add_products(d_kv_b.sum);
    if (b.defined()) {
      const at::Tensor d_matrix = at::zeros(kv_b.sizes(), options);
      add_products(d_matrix);
      Scale(d_matrix, adapter_scale);
      const at::Tensor d_columns = d_matrix.view({-1, latent}),
                       of_b = Converted(b, values.scalar_type()).reshape({-1, a.size(0)});
      Multiply(d_columns, a.t(), d_b.sum.view(of_b.sizes()), true);
      Multiply(of_b.t(), d_columns, d_a.sum, true);
    }
    return {dq,           d_rows,       d_kv_b.returned, d_a.returned, d_b.returned,
            at::Tensor(), at::Tensor(), at::Tensor(),    at::Tensor(), at::Tensor(),
            at::Tensor(), at::Tensor(), at::Tensor()};
  }

  // kv_b [H, nope + v, L] with what an adapter adds to it.
  static at::Tensor AdaptedMatrix(const at::Tensor& kv_b, const at::Tensor& a, const at::Tensor& b,
                                  double scale) {
    const at::ScalarType type = kv_b.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const at::Tensor sum = kv_b.to(type, /*non_blocking=*/false, /*copy=*/true),
                     scaled = b.to(type).reshape({-1, a.size(0)}) * scale;
    Multiply(scaled, a, sum.view({-1, a.size(1)}), true);
    return sum;
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

// Row i is the source's row of pair[i]'s token. Of the source's type.
at::Tensor GatherRows(const ExpertOrder& order, int64_t choices, const at::Tensor& source) {
  const int64_t bytes = source.size(1) * source.element_size();
  const at::Tensor rows =
      at::empty({static_cast<int64_t>(order.pair.size()), source.size(1)}, source.options());
  const char* const from = static_cast<const char*>(source.const_data_ptr());
  char* const to = static_cast<char*>(rows.mutable_data_ptr());
  ParallelFor(order.pair.size(), kRowStep, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::memcpy(to + i * bytes, from + order.pair[i] / choices * bytes, bytes);
    }
  });
  return rows;
}

// sums[token] = sum over the token's choices, in their order, of factor * rows of that pair.
template <typename T>
void SumRows(const ExpertOrder& order, int64_t choices, int64_t width, const T* rows,
             const T* factor, int64_t tokens, T* sums) {
  std::vector<const T*> row_of(order.pair.size());
  for (size_t i = 0; i < order.pair.size(); ++i) row_of[order.pair[i]] = rows + i * width;
  ParallelFor(tokens, kRowStep, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      ActiveKernels<T>().weighted_sum(choices, width, row_of.data() + n * choices,
                                      factor == nullptr ? nullptr : factor + n * choices,
                                      sums + n * width);
    }
  });
}

template <typename T>
void ScaleRow(T factor, int64_t width, T* row) {
  for (int64_t d = 0; d < width; ++d) row[d] *= factor;
}

// A stretch of one expert's rows.
struct ExpertRows {
  int64_t expert;
  int64_t begin;
  int64_t count;
};

constexpr int64_t kExpertRows = 192;

// Long enough that an expert's weights are packed for many rows at once, short enough to share out:
// the longest first, so that no thread is left with one of them at the end.
std::vector<ExpertRows> SplitByExpert(const ExpertOrder& order) {
  std::vector<ExpertRows> split;
  for (size_t e = 0; e + 1 < order.begin.size(); ++e) {
    for (int64_t begin = order.begin[e]; begin < order.begin[e + 1]; begin += kExpertRows) {
      split.push_back(
          {static_cast<int64_t>(e), begin, std::min(kExpertRows, order.begin[e + 1] - begin)});
    }
  }
  std::stable_sort(split.begin(), split.end(),
                   [](const ExpertRows& a, const ExpertRows& b) { return a.count > b.count; });
  return split;
}

// The matrices of all experts, or one factor of their adapters, and their gradients.
struct ExpertPair {
  ExpertPair(const at::Tensor& of_gate_up, const at::Tensor& of_down)
      : gate_up(of_gate_up), down(of_down), d_gate_up(of_gate_up), d_down(of_down) {}
  at::Tensor gate_up, down;
  WeightGradient d_gate_up, d_down;
};

// Rows of one expert: y += s (x A^T) B^T, and the inner factor to u.
void AdaptExpertRows(const at::Tensor& x, const at::Tensor& a, const at::Tensor& b, double scale,
                     const at::Tensor& u, const at::Tensor& y) {
  MultiplyHere(x, a.t(), u, false);
  u.mul_(scale);
  MultiplyHere(u, b.t(), y, true);
}

struct ExpertMlpsFunction : Function<ExpertMlpsFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& gate_up, const at::Tensor& down,
                            const at::Tensor& chosen, const at::Tensor& weights,
                            const std::optional<at::Tensor>& of_gate_up_a,
                            const std::optional<at::Tensor>& of_gate_up_b,
                            const std::optional<at::Tensor>& of_down_a,
                            const std::optional<at::Tensor>& of_down_b, double gate_up_scale,
                            double down_scale) {
    const at::Tensor none, gate_up_a = of_gate_up_a.value_or(none),
                           gate_up_b = of_gate_up_b.value_or(none),
                           down_a = of_down_a.value_or(none), down_b = of_down_b.value_or(none);
    const int64_t experts = gate_up.size(0), width = down.size(2), pairs = chosen.numel(),
                  choices = chosen.size(1);
    const ExpertOrder order = OrderByExpert(chosen, experts);
    const at::Tensor rows = GatherRows(order, choices, x);
    at::Tensor inner = at::empty({pairs, 2 * width}, x.options());
    at::Tensor outputs = at::empty({pairs, x.size(1)}, x.options());
    at::Tensor y = at::empty(x.sizes(), x.options());
    const std::vector<ExpertRows> split = SplitByExpert(order);
    const Numerics wanted = numerics;
    at::Tensor gate_up_u, down_u;  // [pairs, r]
    if (gate_up_a.defined()) gate_up_u = at::empty({pairs, gate_up_a.size(1)}, x.options());
    if (down_a.defined()) down_u = at::empty({pairs, down_a.size(1)}, x.options());
    ParallelForEach(split.size(), [&](int64_t i) {
      const c10::NoGradGuard no_grad;
      const NumericsScope scope(wanted);
      const auto [e, begin, count] = split[i];
      const at::Tensor rows_e = rows.narrow(0, begin, count),
                       inner_e = inner.narrow(0, begin, count),
                       outputs_e = outputs.narrow(0, begin, count);
      MultiplyHere(rows_e, gate_up[e].t(), inner_e, false);
      if (gate_up_u.defined()) {
        AdaptExpertRows(rows_e, gate_up_a[e], gate_up_b[e], gate_up_scale,
                        gate_up_u.narrow(0, begin, count), inner_e);
      }
      const at::Tensor active = Activated(inner_e, width);
      MultiplyHere(active, down[e].t(), outputs_e, false);
      if (down_u.defined()) {
        AdaptExpertRows(active, down_a[e], down_b[e], down_scale, down_u.narrow(0, begin, count),
                        outputs_e);
      }
    });
    GRPO_DISPATCH(x, [&] {
      SumRows<scalar_t>(order, choices, x.size(1), Data<scalar_t>(outputs), Data<scalar_t>(weights),
                        x.size(0), y.mutable_data_ptr<scalar_t>());
    });
    const bool trains = gate_up.requires_grad() || gate_up_a.defined();
    // Neither the rows nor the outputs, which are choices times as large: the rows are gathered
    // once more, and the outputs' products with dy follow from the gradient of what is inside.
    const at::Tensor kept = trains ? Factor(x, gate_up) : x;
    context->save_for_backward({kept, Factor(inner, gate_up), gate_up, down, chosen, weights,
                                gate_up_a, gate_up_b, down_a, down_b, gate_up_u, down_u});
    context->saved_data["gate_up_scale"] = gate_up_scale;
    context->saved_data["down_scale"] = down_scale;
    return y;
  }

  static at::Tensor Activated(const at::Tensor& inner, int64_t width) {
    at::Tensor active = at::empty({inner.size(0), width}, inner.options());
    GRPO_DISPATCH(inner, [&] {
      ActiveKernels<scalar_t>().swiglu(inner.size(0), width, Data<scalar_t>(inner),
                                       active.mutable_data_ptr<scalar_t>());
    });
    return active;
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &inner = saved[1], &gate_up = saved[2], &down = saved[3];
    const at::Tensor &chosen = saved[4], &weights = saved[5];
    const at::Tensor dy = grads[0].contiguous();
    const int64_t choices = chosen.size(1), model_width = dy.size(1);
    const ExpertOrder order = OrderByExpert(chosen, gate_up.size(0));
    at::Tensor d_weights = at::empty(weights.sizes(), dy.options()),
               dx = at::empty(dy.sizes(), dy.options());
    const ExpertPair base(gate_up, down), a(saved[6], saved[8]), b(saved[7], saved[9]);
    const at::Tensor d_rows =
        BackwardOfExperts(order, GatherRows(order, choices, saved[0].contiguous()), inner,
                          GatherRows(order, choices, dy), weights, saved[10], saved[11],
                          context->saved_data["gate_up_scale"].toDouble(),
                          context->saved_data["down_scale"].toDouble(), base, a, b, d_weights);
    GRPO_DISPATCH(dy, [&] {
      SumRows<scalar_t>(order, choices, model_width, Data<scalar_t>(d_rows), nullptr, dy.size(0),
                        dx.mutable_data_ptr<scalar_t>());
    });
    return {dx,
            base.d_gate_up.returned,
            base.d_down.returned,
            at::Tensor(),
            d_weights,
            a.d_gate_up.returned,
            b.d_gate_up.returned,
            a.d_down.returned,
            b.d_down.returned,
            at::Tensor(),
            at::Tensor()};
  }

  // `dy` has a row for each pair, as `rows` does. An output counts `weights` times: gradients pass
  // through down without that factor, so that their product with `active` is the weight's own
  // gradient; then it is put on d_inner and on `active`, which are narrower than dy. Returns the
  // gradient of `rows`, fills d_weights, and adds the gradients of what is trained.
  static at::Tensor BackwardOfExperts(const ExpertOrder& order, const at::Tensor& rows,
                                      const at::Tensor& inner, const at::Tensor& dy,
                                      const at::Tensor& weights, const at::Tensor& gate_up_u,
                                      const at::Tensor& down_u, double gate_up_scale,
                                      double down_scale, const ExpertPair& base,
                                      const ExpertPair& a, const ExpertPair& b,
                                      at::Tensor& d_weights) {
    const int64_t width = base.down.size(2);
    const auto like = [](const at::Tensor& tensor) {
      return tensor.defined() ? at::empty(tensor.sizes(), tensor.options()) : at::Tensor();
    };
    const at::Tensor active = at::empty({rows.size(0), width}, rows.options()),  // as rows are
        d_inner = at::empty(inner.sizes(), dy.options()),
                     d_rows = at::empty(rows.sizes(), dy.options()), d_gate_up_u = like(gate_up_u),
                     d_down_u = like(down_u),
                     weighted_down_u = down_u.defined() ? down_u.clone() : at::Tensor();
    const std::vector<ExpertRows> split = SplitByExpert(order);
    ParallelForEach(split.size(), [&](int64_t i) {
      const c10::NoGradGuard no_grad;
      const auto [e, begin, count] = split[i];
      const auto part = [&, begin = begin, count = count](const at::Tensor& tensor) {
        return tensor.narrow(0, begin, count);
      };
      // Through an adapter, from the gradient of its output to that of its input.
      const auto through = [&, e = e](const at::Tensor& dy, const at::Tensor& a_all,
                                      const at::Tensor& b_all, double scale, const at::Tensor& du,
                                      const at::Tensor& dx) {
        if (!du.defined()) return;
        MultiplyHere(dy, b_all[e], part(du), false);
        part(du).mul_(scale);
        MultiplyHere(part(du), a_all[e], dx, true);
      };
      const at::Tensor d_active = at::empty({count, width}, dy.options());
      MultiplyHere(part(dy), base.down[e], d_active, false);
      through(part(dy), a.down, b.down, down_scale, d_down_u, d_active);
      const bool narrower = IsBFloat16(active);
      const at::Tensor inner_e = part(inner).to(dy.scalar_type());
      const at::Tensor activated =
          narrower ? at::empty({count, width}, dy.options()) : part(active);
      GRPO_DISPATCH(dy, [&] {
        const Kernels<scalar_t>& kernels = ActiveKernels<scalar_t>();
        const scalar_t* const d_active_data = Data<scalar_t>(d_active);
        const scalar_t* const weight_of = Data<scalar_t>(weights);
        scalar_t* const d_weight_of = d_weights.mutable_data_ptr<scalar_t>();
        scalar_t* const activated_data = activated.template mutable_data_ptr<scalar_t>();
        scalar_t* const d_inner_data = d_inner.mutable_data_ptr<scalar_t>() + begin * 2 * width;
        kernels.swiglu_backward(count, width, d_active_data, Data<scalar_t>(inner_e), d_inner_data,
                                activated_data);
        for (int64_t row = 0; row < count; ++row) {
          const int64_t pair = order.pair[begin + row];
          scalar_t* const active_row = activated_data + row * width;
          d_weight_of[pair] = kernels.dot(d_active_data + row * width, active_row, width);
          ScaleRow(weight_of[pair], width, active_row);
          ScaleRow(weight_of[pair], 2 * width, d_inner_data + row * 2 * width);
        }
        if (down_u.defined()) {
          scalar_t* const u = weighted_down_u.mutable_data_ptr<scalar_t>() + begin * down_u.size(1);
          for (int64_t row = 0; row < count; ++row) {
            ScaleRow(weight_of[order.pair[begin + row]], down_u.size(1), u + row * down_u.size(1));
          }
        }
      });
      if (narrower) part(active).copy_(activated);
      MultiplyHere(part(d_inner), base.gate_up[e], part(d_rows), false);
      through(part(d_inner), a.gate_up, b.gate_up, gate_up_scale, d_gate_up_u, part(d_rows));
    });
    struct Product {
      at::Tensor sum, left, right;
    };
    std::vector<Product> products;
    const auto add = [&](const WeightGradient& gradient, const at::Tensor& left,
                         const at::Tensor& right) {
      if (gradient.wanted()) products.push_back({gradient.sum, left, right});
    };
    add(base.d_gate_up, d_inner, rows);
    add(base.d_down, dy, active);
    add(b.d_gate_up, d_inner, gate_up_u);
    add(a.d_gate_up, d_gate_up_u, rows);
    add(b.d_down, dy, weighted_down_u);
    add(a.d_down, d_down_u, active);
    const int64_t experts = base.gate_up.size(0);
    ParallelForEach(experts * products.size(), [&](int64_t i) {
      const c10::NoGradGuard no_grad;
      const int64_t e = i % experts, begin = order.begin[e], count = order.begin[e + 1] - begin;
      if (count == 0) return;
      const Product& product = products[i / experts];
      MultiplyHere(product.left.narrow(0, begin, count).t(), product.right.narrow(0, begin, count),
                   product.sum[e], true);
    });
    return d_rows;
  }
};

// ---- Vocabulary
// -----------------------------------------------------------------------------------------------

constexpr int64_t kLogitRows = 4 * kRowStep;  // rows of logits that a thread holds at a time

struct TokenLogprobsFunction : Function<TokenLogprobsFunction> {
  // u [N, r] and b [V, r]: what an adapter adds to the logits, u b^T, or undefined.
  static tensor_list forward(AutogradContext* context, const at::Tensor& hidden,
                             const at::Tensor& head, const at::Tensor& targets, double temperature,
                             const std::optional<at::Tensor>& inner,
                             const std::optional<at::Tensor>& outer) {
    const at::Tensor u = inner.value_or(at::Tensor()), b = outer.value_or(at::Tensor());
    const int64_t rows = hidden.size(0), vocabulary = head.size(0);
    at::Tensor log_sum = at::empty({rows}, hidden.options()),
               entropy = at::empty({rows}, hidden.options());
    at::Tensor logprobs = at::empty({rows}, hidden.options());
    const Numerics wanted = numerics;
    ParallelFor(rows, kRowStep, [&](int64_t first, int64_t last) {
      const c10::NoGradGuard no_grad;
      const NumericsScope scope(wanted);
      const at::Tensor logits =
          at::empty({std::min(last - first, kLogitRows), vocabulary}, hidden.options());
      for (int64_t begin = first; begin < last; begin += kLogitRows) {
        const int64_t count = std::min(kLogitRows, last - begin);
        MultiplyHere(hidden.narrow(0, begin, count), head.t(), logits.narrow(0, 0, count), false);
        if (u.defined()) {
          MultiplyHere(u.narrow(0, begin, count), b.t(), logits.narrow(0, 0, count), true);
        }
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
    });
    context->save_for_backward({hidden, head, targets, log_sum, entropy, u, b});
    context->saved_data["temperature"] = temperature;
    return {logprobs, entropy};
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &hidden = saved[0], &head = saved[1], &targets = saved[2], &log_sum = saved[3],
                     &entropy = saved[4], &u = saved[5], &b = saved[6];
    const double temperature = context->saved_data["temperature"].toDouble();
    const int64_t rows = hidden.size(0), vocabulary = head.size(0);
    const auto or_zeros = [&](const at::Tensor& grad) {
      return grad.defined() ? grad.contiguous() : at::zeros({rows}, hidden.options());
    };
    const at::Tensor d_logprob = or_zeros(grads[0]), d_entropy = or_zeros(grads[1]);
    at::Tensor d_hidden = at::empty(hidden.sizes(), hidden.options());
    const WeightGradient d_head(head), d_b(b);
    const at::Tensor d_u = u.defined() ? at::empty(u.sizes(), u.options()) : at::Tensor();
    at::Tensor logits = at::empty({std::min(rows, kLogitRows), vocabulary}, hidden.options());
    for (int64_t begin = 0; begin < rows; begin += kLogitRows) {
      const int64_t count = std::min(kLogitRows, rows - begin);
      const at::Tensor d_logits = logits.narrow(0, 0, count);
      ParallelFor(count, RowsOfShare(head), [&](int64_t first, int64_t last) {
        const c10::NoGradGuard no_grad;
        const int64_t row = begin + first;
        at::Tensor own = d_logits.narrow(0, first, last - first);
        MultiplyHere(hidden.narrow(0, row, last - first), head.t(), own, false);
        if (u.defined()) MultiplyHere(u.narrow(0, row, last - first), b.t(), own, true);
        GRPO_DISPATCH(hidden, [&] {
          ActiveKernels<scalar_t>().log_softmax_backward(
              last - first, vocabulary, own.mutable_data_ptr<scalar_t>(), scalar_t(1 / temperature),
              Data<scalar_t>(log_sum) + row, Data<scalar_t>(entropy) + row,
              Data<int64_t>(targets) + row, Data<scalar_t>(d_logprob) + row,
              Data<scalar_t>(d_entropy) + row);
        });
        MultiplyHere(own, head, d_hidden.narrow(0, row, last - first), false);
        if (u.defined()) MultiplyHere(own, b, d_u.narrow(0, row, last - first), false);
      });
      if (d_head.wanted()) {
        Multiply(d_logits.t(), Factor(hidden.narrow(0, begin, count), head), d_head.sum, true);
      }
      if (d_b.wanted()) {
        Multiply(d_logits.t(), Factor(u.narrow(0, begin, count), b), d_b.sum, true);
      }
    }
    return {d_hidden, d_head.returned, at::Tensor(), at::Tensor(), d_u, d_b.returned};
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

at::Tensor SamePart(const at::Tensor& tensor, const at::Tensor& part, const at::Tensor& whole) {
  return tensor.as_strided(part.sizes(), part.strides(),
                           part.storage_offset() - whole.storage_offset());
}

at::Tensor Embedding(const at::Tensor& weight, const at::Tensor& tokens, at::ScalarType type) {
  return EmbeddingFunction::apply(weight, tokens, type);
}

std::vector<at::Tensor> Branch(const at::Tensor& x, int64_t branches) {
  return BranchFunction::apply(x, branches);
}

at::Tensor SelectRows(const at::Tensor& x, const at::Tensor& numbers) {
  return SelectRowsFunction::apply(x, numbers);
}

at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight) {
  return LinearFunction::apply(x, weight);
}

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return RmsNormFunction::apply(x, weight, eps);
}

at::Tensor AddBlock(const at::Tensor& stream, const at::Tensor& block, double factor) {
  return AddBlockFunction::apply(stream, block, factor);
}

NormedStream AddAndNorm(const at::Tensor& stream, const at::Tensor& block, double factor,
                        const at::Tensor& weight, double eps) {
  const tensor_list out = AddAndNormFunction::apply(stream, Optional(block), factor, weight, eps);
  return {out[0], out[1]};
}

at::Tensor SwiGlu(const at::Tensor& gate_up, std::optional<at::ScalarType> kept) {
  return SwiGluFunction::apply(gate_up, kept.value_or(gate_up.scalar_type()));
}

at::Tensor Rope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool halves) {
  return RopeFunction::apply(x, cos, sin, halves);
}

at::Tensor LatentRows(const at::Tensor& kv, const at::Tensor& norm, double eps,
                      const at::Tensor& cos, const at::Tensor& sin, bool halves) {
  return LatentRowsFunction::apply(kv, norm, eps, cos, sin, halves);
}

at::Tensor PackedAttention(const at::Tensor& q, const at::Tensor& rows, const AttentionShape& shape,
                           const PackedSequences& sequences, bool bf16) {
  return PackedAttentionFunction::apply(q, rows, at::tensor(sequences.cu_seqlens, at::kInt),
                                        at::tensor(sequences.prefixes, at::kInt), shape, bf16);
}

at::Tensor LatentAttention(const at::Tensor& q, const at::Tensor& rows, const at::Tensor& kv_b,
                           const LowRank& adapter, const at::Tensor& cos, const at::Tensor& sin,
                           bool halves, double scale, const PackedSequences& sequences, bool bf16) {
  const at::Tensor b =
      adapter.defined() ? adapter.b.view({kv_b.size(0), kv_b.size(1), -1}) : at::Tensor();
  return LatentAttentionFunction::apply(q, rows, kv_b, Optional(adapter.a), Optional(b),
                                        adapter.scale, cos, sin, halves,
                                        at::tensor(sequences.cu_seqlens, at::kInt),
                                        at::tensor(sequences.prefixes, at::kInt), scale, bf16);
}

at::Tensor ExpertMlps(const at::Tensor& x, const at::Tensor& gate_up, const at::Tensor& down,
                      const at::Tensor& chosen, const at::Tensor& weights,
                      const LowRank& gate_up_adapter, const LowRank& down_adapter) {
  return ExpertMlpsFunction::apply(x, gate_up, down, chosen, weights.contiguous(),
                                   Optional(gate_up_adapter.a), Optional(gate_up_adapter.b),
                                   Optional(down_adapter.a), Optional(down_adapter.b),
                                   gate_up_adapter.scale, down_adapter.scale);
}

std::pair<at::Tensor, at::Tensor> TokenLogprobs(const at::Tensor& hidden, const at::Tensor& head,
                                                const at::Tensor& targets, double temperature,
                                                const LowRank& adapter) {
  const at::Tensor u = adapter.defined() ? Linear(hidden, adapter.a) * adapter.scale : at::Tensor();
  const tensor_list out = TokenLogprobsFunction::apply(hidden, head, targets, temperature,
                                                       Optional(u), Optional(adapter.b));
  return {out[0], out[1]};
}

at::Tensor Adapt(const at::Tensor& y, int64_t first, const at::Tensor& x, const LowRank& adapter) {
  if (!adapter.defined()) return y;
  return AdaptFunction::apply(y, x, adapter.a, adapter.b, adapter.scale, first);
}

}  // namespace grpo

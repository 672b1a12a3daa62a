#include "policy/recompute.h"

#include <utility>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace grpo {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// What an AutogradContext can hold of a function.
struct PartHolder : torch::CustomClassHolder {
  explicit PartHolder(NetworkPart held) : part(std::move(held)) {}
  NetworkPart part;
};

struct RecomputedFunction : torch::autograd::Function<RecomputedFunction> {
  static tensor_list forward(AutogradContext* context, const at::Tensor& x,
                             const NetworkPart& part) {
    context->save_for_backward({x});
    context->saved_data["part"] = c10::IValue::make_capsule(c10::make_intrusive<PartHolder>(part));
    tensor_list outputs = part(x);
    tensor_list integers;
    for (const at::Tensor& output : outputs) {
      if (!output.is_floating_point()) integers.push_back(output);
    }
    context->mark_non_differentiable(integers);
    return outputs;
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto holder = context->saved_data["part"].toCapsule();
    const NetworkPart& part = static_cast<const PartHolder&>(*holder).part;
    const at::Tensor x = context->get_saved_variables()[0].detach();
    x.set_requires_grad(true);
    tensor_list outputs;
    {
      const c10::AutoGradMode with_gradients(true);
      outputs = part(x);
    }
    tensor_list roots, root_grads;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!grads[i].defined() || !outputs[i].requires_grad()) continue;
      roots.push_back(outputs[i]);
      root_grads.push_back(grads[i]);
    }
    torch::autograd::backward(roots, root_grads);  // parameters' gradients add up in them
    return {x.grad(), at::Tensor()};
  }
};

}  // namespace

std::vector<at::Tensor> Recomputed(const NetworkPart& part, const at::Tensor& x) {
  return RecomputedFunction::apply(x, part);
}

}  // namespace grpo

#include "rl/objective/kl.h"

#include <ATen/ATen.h>

#include "rl/objective/named_table.h"

namespace grpo {
namespace {

using Estimator = at::Tensor (*)(const at::Tensor& difference, const at::Tensor& log_ratio);

at::Tensor K1(const at::Tensor& difference, const at::Tensor&) { return difference; }

at::Tensor K2(const at::Tensor& difference, const at::Tensor&) { return difference.square() / 2; }

at::Tensor K3(const at::Tensor& difference, const at::Tensor&) {
  return (-difference).exp() + difference - 1;
}

at::Tensor K3WithK2Gradient(const at::Tensor& difference, const at::Tensor& log_ratio) {
  const at::Tensor k2 = K2(difference, log_ratio);
  return k2 + (K3(difference, log_ratio) - k2).detach();
}

at::Tensor WeightedK3(const at::Tensor& difference, const at::Tensor& log_ratio) {
  return log_ratio.exp() * K3(difference, log_ratio);
}

constexpr Named<Estimator> kEstimators[] = {
    {"k1", K1},
    {"k2", K2},
    {"k3", K3},
    {"k3_k2_gradient", K3WithK2Gradient},
    {"weighted_k3", WeightedK3},
};

}  // namespace

at::Tensor KlEstimate(const std::string& estimator, const at::Tensor& logprobs,
                      const at::Tensor& old_logprobs, const at::Tensor& reference_logprobs) {
  return FindNamed(kEstimators, estimator)(logprobs - reference_logprobs, logprobs - old_logprobs);
}

}  // namespace grpo

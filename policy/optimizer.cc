#include "policy/optimizer.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include <ATen/ATen.h>

#include "data/check.h"

namespace grpo {
namespace {

double SquaredNorm(const at::Tensor& gradient) {
  const float* data = gradient.const_data_ptr<float>();
  double sum = 0;
  for (int64_t i = 0; i < gradient.numel(); ++i) sum += static_cast<double>(data[i]) * data[i];
  return sum;
}

}  // namespace

AdamW::AdamW(std::vector<NamedTensor> parameters, const AdamWConfig& config, int64_t total_steps)
    : parameters_(std::move(parameters)), config_(config), total_steps_(total_steps) {
  for (const NamedTensor& parameter : parameters_) {
    first_.push_back(at::zeros(parameter.tensor.sizes(), at::kFloat));
    second_.push_back(at::zeros(parameter.tensor.sizes(), at::kFloat));
  }
}

OptimizerReport AdamW::Step(std::vector<at::Tensor>& gradients) {
  GRPO_CHECK(gradients.size() == parameters_.size());
  OptimizerReport report;
  report.learning_rate = LearningRate(config_, step_, total_steps_);
  double squares = 0;
  for (const at::Tensor& gradient : gradients) squares += SquaredNorm(gradient);
  report.grad_norm = std::sqrt(squares);
  if (!std::isfinite(report.grad_norm)) {
    report.skipped = true;
    return report;
  }
  ++step_;
  const bool clipped = config_.max_grad_norm > 0 && report.grad_norm > config_.max_grad_norm;
  const float clip = clipped ? static_cast<float>(config_.max_grad_norm / report.grad_norm) : 1.0f;
  const float b1 = config_.beta1, b2 = config_.beta2, epsilon = config_.epsilon;
  const float first_scale = 1 / (1 - std::pow(config_.beta1, step_));
  const float second_scale = 1 / (1 - std::pow(config_.beta2, step_));
  const float rate = report.learning_rate;
  for (size_t p = 0; p < parameters_.size(); ++p) {
    at::Tensor& parameter = parameters_[p].tensor;
    const float decay =
        parameter.dim() > 1 ? rate * static_cast<float>(config_.weight_decay) : 0.0f;
    float* w = parameter.mutable_data_ptr<float>();
    float* m = first_[p].mutable_data_ptr<float>();
    float* v = second_[p].mutable_data_ptr<float>();
    float* g = gradients[p].mutable_data_ptr<float>();
    for (int64_t i = 0; i < parameter.numel(); ++i) {
      g[i] *= clip;
      m[i] = b1 * m[i] + (1 - b1) * g[i];
      v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
      w[i] -=
          rate * (m[i] * first_scale) / (std::sqrt(v[i] * second_scale) + epsilon) + decay * w[i];
    }
  }
  return report;
}

std::vector<NamedTensor> AdamW::State() const {
  std::vector<NamedTensor> state;
  for (size_t p = 0; p < parameters_.size(); ++p) {
    state.push_back({absl::StrCat("m.", parameters_[p].name), first_[p]});
    state.push_back({absl::StrCat("v.", parameters_[p].name), second_[p]});
  }
  return state;
}

}  // namespace grpo

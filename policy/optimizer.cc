#include "policy/optimizer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "data/check.h"
#include "policy/ops.h"
#include "policy/threads.h"

namespace grpo {
namespace {

// Elements that a thread takes at a time; sums over them are added up in their order.
constexpr int64_t kStretch = 1 << 16;

double SquaredNorm(const at::Tensor& gradient) {
  const float* data = gradient.const_data_ptr<float>();
  const int64_t size = gradient.numel();
  std::vector<double> parts((size + kStretch - 1) / kStretch, 0);
  ParallelFor(parts.size(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      double sum = 0;
      const int64_t last = std::min(size, (part + 1) * kStretch);
      for (int64_t i = part * kStretch; i < last; ++i) {
        sum += static_cast<double>(data[i]) * data[i];
      }
      parts[part] = sum;
    }
  });
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

bool Contains(const at::Tensor& parameter, const at::Tensor& part) {
  const int64_t from = part.storage_offset() - parameter.storage_offset();
  return part.is_alias_of(parameter) && from >= 0 && from < parameter.numel();
}

bool IsVocabulary(const std::string& name) { return name == "embedding" || name == "head"; }

}  // namespace

at::Tensor Orthogonalised(const at::Tensor& direction) {
  const c10::NoGradGuard no_grad;
  const bool tall = direction.size(0) > direction.size(1);
  at::Tensor x = (tall ? direction.t() : direction).contiguous();
  x = x / (x.norm() + 1e-7);
  for (int step = 0; step < 5; ++step) {
    const at::Tensor gram = Linear(x, x);  // x x^T
    const at::Tensor factor = gram * -4.7750 + Linear(gram, gram) * 2.0315;
    x = x * 3.4445 + Linear(factor, x.t().contiguous());
  }
  return tall ? x.t() : x;
}

Optimizer::Optimizer(std::vector<NamedTensor> parameters, const OptimizerConfig& config,
                     int64_t total_steps, const std::vector<NamedTensor>& matrices)
    : config_(config), total_steps_(total_steps) {
  for (NamedTensor& parameter : parameters) {
    Slot slot;
    const at::Tensor& tensor = parameter.tensor;
    slot.first = at::zeros(tensor.sizes(), at::kFloat);
    if (config.kind == "muon" && !IsVocabulary(parameter.name)) {
      for (const NamedTensor& matrix : matrices) {
        if (matrix.tensor.dim() == 2 && Contains(tensor, matrix.tensor)) {
          slot.matrices.push_back(matrix.tensor.detach());
        }
      }
    }
    if (slot.matrices.empty()) slot.second = at::zeros(tensor.sizes(), at::kFloat);
    slot.parameter = std::move(parameter);
    slots_.push_back(std::move(slot));
  }
}

OptimizerReport Optimizer::Step(std::vector<at::Tensor>& gradients) {
  GRPO_CHECK(gradients.size() == slots_.size());
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
  for (size_t p = 0; p < slots_.size(); ++p) {
    if (slots_[p].matrices.empty()) {
      StepOfAdamW(slots_[p], gradients[p], clip, report.learning_rate);
    } else {
      StepOfMuon(slots_[p], gradients[p], clip, report.learning_rate);
    }
  }
  return report;
}

void Optimizer::StepOfAdamW(Slot& slot, at::Tensor& gradient, float clip, double rate) const {
  const at::Tensor& parameter = slot.parameter.tensor;
  const float b1 = config_.beta1, b2 = config_.beta2, epsilon = config_.epsilon;
  const float first_scale = 1 / (1 - std::pow(config_.beta1, step_));
  const float second_scale = 1 / (1 - std::pow(config_.beta2, step_));
  const float length = rate;
  const float decay =
      parameter.dim() > 1 ? length * static_cast<float>(config_.weight_decay) : 0.0f;
  float* const w = parameter.mutable_data_ptr<float>();
  float* const m = slot.first.mutable_data_ptr<float>();
  float* const v = slot.second.mutable_data_ptr<float>();
  float* const g = gradient.mutable_data_ptr<float>();
  ParallelFor(parameter.numel(), kStretch, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      g[i] *= clip;
      m[i] = b1 * m[i] + (1 - b1) * g[i];
      v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
      w[i] -=
          length * (m[i] * first_scale) / (std::sqrt(v[i] * second_scale) + epsilon) + decay * w[i];
    }
  });
}

void Optimizer::StepOfMuon(Slot& slot, at::Tensor& gradient, float clip, double rate) const {
  const c10::NoGradGuard no_grad;
  gradient.mul_(clip);
  slot.first.mul_(config_.momentum).add_(gradient);
  for (at::Tensor& matrix : slot.matrices) {
    const at::Tensor& parameter = slot.parameter.tensor;
    const at::Tensor direction = SamePart(slot.first, matrix, parameter) * config_.momentum +
                                 SamePart(gradient, matrix, parameter);
    const double length =
        0.2 * std::sqrt(static_cast<double>(std::max(matrix.size(0), matrix.size(1))));
    matrix.mul_(1 - rate * config_.weight_decay).sub_(Orthogonalised(direction) * (rate * length));
  }
}

std::vector<NamedTensor> Optimizer::State() const {
  std::vector<NamedTensor> state;
  for (const Slot& slot : slots_) {
    state.push_back({absl::StrCat("m.", slot.parameter.name), slot.first});
    if (slot.second.defined()) {
      state.push_back({absl::StrCat("v.", slot.parameter.name), slot.second});
    }
  }
  return state;
}

}  // namespace grpo

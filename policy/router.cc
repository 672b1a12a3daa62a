#include "policy/router.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <torch/csrc/autograd/custom_function.h>

#include "policy/kernels/kernels.h"
#include "policy/ops.h"
#include "policy/threads.h"

namespace grpo {
namespace {

constexpr int64_t kRowStep = 64;  // of rows shared out to threads

constexpr double kNever = -std::numeric_limits<double>::infinity();

// The place of the largest value; the lowest of equals.
int Largest(const double* values, int size) {
  return static_cast<int>(std::max_element(values, values + size) - values);
}

double GroupScore(const PolicyConfig& config, const double* scores, int size) {
  if (config.topk_method == "group_limited_greedy") return *std::max_element(scores, scores + size);
  double best = kNever, second = best;
  for (int i = 0; i < size; ++i) {
    if (scores[i] > best) {
      second = best;
      best = scores[i];
    } else if (scores[i] > second) {
      second = scores[i];
    }
  }
  return size > 1 ? best + second : best;
}

// Takes the experts outside the best groups out of the choice.
void LimitToGroups(const PolicyConfig& config, double* scores) {
  constexpr int kMaxGroups = 1024;  // PolicyConfig's bound
  const int size = config.n_routed_experts / config.n_group;
  double groups[kMaxGroups];
  bool kept[kMaxGroups] = {};
  for (int g = 0; g < config.n_group; ++g) groups[g] = GroupScore(config, &scores[g * size], size);
  for (int rank = 0; rank < config.topk_group; ++rank) {
    const int best = Largest(groups, config.n_group);
    kept[best] = true;
    groups[best] = kNever;
  }
  for (int g = 0; g < config.n_group; ++g) {
    if (!kept[g]) std::fill_n(scores + g * size, size, kNever);
  }
}

// scores [E], biased or not, become the K best experts, ascending; of equal ones the lower id.
void SelectRow(const PolicyConfig& config, double* scores, int64_t* chosen) {
  const int experts = config.n_routed_experts, choices = config.num_experts_per_tok;
  if (config.topk_method != "greedy" && config.n_group > 1) LimitToGroups(config, scores);
  for (int k = 0; k < choices; ++k) {
    chosen[k] = Largest(scores, experts);
    scores[chosen[k]] = -std::numeric_limits<double>::max();
  }
  std::sort(chosen, chosen + choices);
}

at::Tensor Scores(const PolicyConfig& config, const at::Tensor& logits) {
  at::Tensor scores = at::empty(logits.sizes(), logits.options());
  AT_DISPATCH_FLOATING_TYPES(logits.scalar_type(), "router_scores", [&] {
    const Kernels<scalar_t>& kernels = ActiveKernels<scalar_t>();
    const auto kernel = config.scoring_func == "sigmoid" ? kernels.sigmoid : kernels.softmax;
    const int64_t width = logits.size(1);
    ParallelFor(logits.size(0), kRowStep, [&](int64_t begin, int64_t end) {
      kernel(end - begin, width, logits.const_data_ptr<scalar_t>() + begin * width,
             scores.mutable_data_ptr<scalar_t>() + begin * width);
    });
  });
  return scores;
}

bool NormalisesWeights(const PolicyConfig& config) {
  return config.norm_topk_prob && config.num_experts_per_tok > 1;
}

double WeightScale(const PolicyConfig& config) {
  const bool scaled =
      config.architecture().gate != Architecture::Gate::kV2 || !NormalisesWeights(config);
  return scaled ? config.routed_scaling_factor : 1;
}

// One row of the weights of the chosen experts, and its way back to the logits.
template <typename T>
struct WeightRow {
  const T* scores;        // [E]
  const int64_t* chosen;  // [K]
  int64_t experts;
  int64_t choices;
  bool normalise;
  T scale;

  T Sum() const {
    T sum = 0;
    for (int64_t k = 0; k < choices; ++k) sum += scores[chosen[k]];
    return sum + T(1e-20);
  }

  // w_k = scale s_k, over the sum of the chosen scores when normalised.
  void Forward(T* weights) const {
    const T factor = normalise ? scale / Sum() : scale;
    for (int64_t k = 0; k < choices; ++k) weights[k] = scores[chosen[k]] * factor;
  }

  // d_scores [E] must be zero; entries of chosen experts are filled in.
  void BackwardToScores(const T* d_weights, T* d_scores) const {
    T factor = scale, shared = 0;
    if (normalise) {
      const T sum = Sum();
      factor = scale / sum;
      for (int64_t k = 0; k < choices; ++k) shared += d_weights[k] * scores[chosen[k]];
      shared *= factor / sum;
    }
    for (int64_t k = 0; k < choices; ++k) d_scores[chosen[k]] = d_weights[k] * factor - shared;
  }

  // d_logits in the place of d_scores.
  void BackwardToLogits(bool sigmoid, T* d_scores) const {
    T mean = 0;  // of d_scores under the softmax
    if (!sigmoid) {
      for (int64_t k = 0; k < choices; ++k) mean += d_scores[chosen[k]] * scores[chosen[k]];
    }
    for (int64_t e = 0; e < experts; ++e) {
      d_scores[e] =
          sigmoid ? d_scores[e] * scores[e] * (T{1} - scores[e]) : scores[e] * (d_scores[e] - mean);
    }
  }
};

struct ChosenWeightsFunction : torch::autograd::Function<ChosenWeightsFunction> {
  template <typename T>
  static WeightRow<T> Row(const at::Tensor& scores, const at::Tensor& chosen, int64_t n,
                          bool normalise, double scale) {
    return {scores.const_data_ptr<T>() + n * scores.size(1),
            chosen.const_data_ptr<int64_t>() + n * chosen.size(1),
            scores.size(1),
            chosen.size(1),
            normalise,
            static_cast<T>(scale)};
  }

  // logits [N, E] only connect the gradient: the scores are already there.
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor&,
                            const at::Tensor& scores, const at::Tensor& chosen, bool sigmoid,
                            bool normalise, double scale) {
    context->save_for_backward({scores, chosen});
    context->saved_data["sigmoid"] = sigmoid;
    context->saved_data["normalise"] = normalise;
    context->saved_data["scale"] = scale;
    at::Tensor weights = at::empty(chosen.sizes(), scores.options());
    AT_DISPATCH_FLOATING_TYPES(scores.scalar_type(), "router_weights", [&] {
      ParallelFor(scores.size(0), kRowStep, [&](int64_t begin, int64_t end) {
        for (int64_t n = begin; n < end; ++n) {
          Row<scalar_t>(scores, chosen, n, normalise, scale)
              .Forward(weights.mutable_data_ptr<scalar_t>() + n * chosen.size(1));
        }
      });
    });
    return weights;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &scores = saved[0], &chosen = saved[1];
    const bool sigmoid = context->saved_data["sigmoid"].toBool(),
               normalise = context->saved_data["normalise"].toBool();
    const double scale = context->saved_data["scale"].toDouble();
    const at::Tensor d_weights = grads[0].contiguous();
    at::Tensor d_logits = at::zeros(scores.sizes(), scores.options());
    AT_DISPATCH_FLOATING_TYPES(scores.scalar_type(), "router_weights_backward", [&] {
      ParallelFor(scores.size(0), kRowStep, [&](int64_t begin, int64_t end) {
        for (int64_t n = begin; n < end; ++n) {
          const auto row = Row<scalar_t>(scores, chosen, n, normalise, scale);
          scalar_t* d_row = d_logits.mutable_data_ptr<scalar_t>() + n * scores.size(1);
          row.BackwardToScores(d_weights.const_data_ptr<scalar_t>() + n * chosen.size(1), d_row);
          row.BackwardToLogits(sigmoid, d_row);
        }
      });
    });
    return {d_logits, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor SelectExperts(const PolicyConfig& config, const at::Tensor& scores,
                         const at::Tensor& bias) {
  const int experts = config.n_routed_experts, choices = config.num_experts_per_tok;
  const bool biased = config.topk_method == "noaux_tc";
  at::Tensor chosen = at::empty({scores.size(0), choices}, at::kLong);
  int64_t* const out = chosen.data_ptr<int64_t>();
  AT_DISPATCH_FLOATING_TYPES(scores.scalar_type(), "select_experts", [&] {
    const scalar_t* data = scores.const_data_ptr<scalar_t>();
    const scalar_t* bias_data = bias.const_data_ptr<scalar_t>();
    ParallelFor(scores.size(0), kRowStep, [&](int64_t begin, int64_t end) {
      std::vector<double> row(experts);
      for (int64_t n = begin; n < end; ++n) {
        for (int e = 0; e < experts; ++e)
          row[e] = data[n * experts + e] + (biased ? bias_data[e] : scalar_t{0});
        SelectRow(config, row.data(), out + n * choices);
      }
    });
  });
  return chosen;
}

RowRouter::RowRouter(const PolicyConfig& config)
    : config_(config),
      scores_(config.n_routed_experts),
      selected_(config.n_routed_experts),
      chosen_(config.num_experts_per_tok) {}

void RowRouter::Route(const float* logits, const float* bias, int16_t* chosen, float* weights) {
  const int experts = config_.n_routed_experts;
  const Kernels<float>& kernels = ActiveKernels<float>();
  const bool sigmoid = config_.scoring_func == "sigmoid";
  (sigmoid ? kernels.sigmoid : kernels.softmax)(1, experts, logits, scores_.data());
  const bool biased = config_.topk_method == "noaux_tc";
  for (int e = 0; e < experts; ++e) selected_[e] = scores_[e] + (biased ? bias[e] : 0.0f);
  SelectRow(config_, selected_.data(), chosen_.data());
  std::copy(chosen_.begin(), chosen_.end(), chosen);
  const WeightRow<float> row{scores_.data(),
                             chosen_.data(),
                             experts,
                             config_.num_experts_per_tok,
                             NormalisesWeights(config_),
                             static_cast<float>(WeightScale(config_))};
  row.Forward(weights);
}

Routing Route(const PolicyConfig& config, const at::Tensor& x, const at::Tensor& router,
              const at::Tensor& bias, const at::Tensor& replayed) {
  const at::Tensor logits = Linear(x, router.to(x.scalar_type()));  // never rounded to bfloat16
  const at::Tensor scores = Scores(config, logits.detach());
  Routing routing;
  routing.logits = logits;
  routing.chosen = replayed.defined() ? replayed : SelectExperts(config, scores, bias);
  routing.weights =
      ChosenWeightsFunction::apply(logits, scores, routing.chosen, config.scoring_func == "sigmoid",
                                   NormalisesWeights(config), WeightScale(config));
  return routing;
}

}  // namespace grpo

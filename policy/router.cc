#include "policy/router.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>

#include "policy/ops.h"

namespace grpo {
namespace {

// Ids of the `count` largest values, largest first; the lower id wins a tie.
std::vector<int> Largest(const std::vector<double>& values, int count) {
  std::vector<int> ids(values.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::partial_sort(ids.begin(), ids.begin() + count, ids.end(), [&](int a, int b) {
    return values[a] != values[b] ? values[a] > values[b] : a < b;
  });
  return ids;
}

double GroupScore(const PolicyConfig& config, const double* scores, int size) {
  if (config.topk_method == "group_limited_greedy") return *std::max_element(scores, scores + size);
  double best = -std::numeric_limits<double>::infinity(), second = best;
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
void LimitToGroups(const PolicyConfig& config, std::vector<double>& scores) {
  const int size = config.n_routed_experts / config.n_group;
  std::vector<double> group_scores(config.n_group);
  for (int g = 0; g < config.n_group; ++g) group_scores[g] = GroupScore(config, &scores[g * size], size);
  const std::vector<int> order = Largest(group_scores, config.n_group);
  for (int rank = config.topk_group; rank < config.n_group; ++rank) {
    std::fill_n(scores.begin() + order[rank] * size, size, -std::numeric_limits<double>::infinity());
  }
}

}  // namespace

at::Tensor SelectExperts(const PolicyConfig& config, const at::Tensor& scores, const at::Tensor& bias) {
  const int experts = config.n_routed_experts, choices = config.num_experts_per_tok;
  const bool biased = config.topk_method == "noaux_tc";
  const bool grouped = config.topk_method != "greedy" && config.n_group > 1;
  at::Tensor chosen = at::empty({scores.size(0), choices}, at::kLong);
  int64_t* out = chosen.data_ptr<int64_t>();
  std::vector<double> row(experts);
  AT_DISPATCH_FLOATING_TYPES(scores.scalar_type(), "select_experts", [&] {
    const scalar_t* data = scores.const_data_ptr<scalar_t>();
    const scalar_t* bias_data = bias.const_data_ptr<scalar_t>();
    for (int64_t n = 0; n < scores.size(0); ++n, out += choices) {
      for (int e = 0; e < experts; ++e) row[e] = data[n * experts + e] + (biased ? bias_data[e] : scalar_t{0});
      if (grouped) LimitToGroups(config, row);
      const std::vector<int> best = Largest(row, choices);
      std::copy_n(best.begin(), choices, out);
      std::sort(out, out + choices);
    }
  });
  return chosen;
}

Routing Route(const PolicyConfig& config, const at::Tensor& x, const at::Tensor& router, const at::Tensor& bias,
              const at::Tensor& replayed) {
  const at::Tensor logits = Linear(x, router);
  const at::Tensor scores = config.scoring_func == "sigmoid" ? logits.sigmoid() : logits.softmax(-1);
  Routing routing;
  routing.chosen = replayed.defined() ? replayed : SelectExperts(config, scores.detach(), bias);
  routing.weights = scores.gather(1, routing.chosen);
  const bool v3 = config.topk_method == "noaux_tc";
  const bool normalise = config.norm_topk_prob && config.num_experts_per_tok > 1;
  if (normalise) routing.weights = routing.weights / (routing.weights.sum(-1, /*keepdim=*/true) + 1e-20);
  if (v3 || !normalise) routing.weights = routing.weights * config.routed_scaling_factor;
  return routing;
}

}  // namespace grpo

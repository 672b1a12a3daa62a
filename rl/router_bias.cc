#include "rl/router_bias.h"

#include <algorithm>
#include <numeric>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "data/check.h"

namespace grpo {
namespace {

double Mean(const std::vector<int64_t>& load) {
  return static_cast<double>(std::accumulate(load.begin(), load.end(), int64_t{0})) / load.size();
}

}  // namespace

void MoveRouterBiases(const ExpertLoad& load, double rate, Weights& weights) {
  if (load.empty()) return;
  size_t moe_layer = 0;
  for (LayerWeights& layer : weights.layers) {
    if (!layer.is_moe()) continue;
    const std::vector<int64_t>& counts = load[moe_layer++];
    GRPO_CHECK(static_cast<int64_t>(counts.size()) == layer.router_bias.numel());
    const double mean = Mean(counts);
    float* bias = layer.router_bias.mutable_data_ptr<float>();
    for (size_t e = 0; e < counts.size(); ++e) {
      if (counts[e] < mean) bias[e] += static_cast<float>(rate);
      if (counts[e] > mean) bias[e] -= static_cast<float>(rate);
    }
  }
}

ExpertLoad LoadOfRollouts(const std::vector<ScoredGroup>& groups, const PolicyConfig& policy) {
  ExpertLoad load;
  const int64_t row = int64_t{policy.num_moe_layers()} * policy.num_experts_per_tok;
  if (row == 0) return load;
  for (const ScoredGroup& group : groups) {
    for (const Rollout& rollout : group.group.rollouts) {
      AddRecordedLoad(rollout.experts.data(), rollout.experts.size() / row, policy, &load);
    }
  }
  return load;
}

double MaxViolation(const ExpertLoad& load) {
  double sum = 0;
  for (const std::vector<int64_t>& layer : load) {
    const double mean = Mean(layer);
    if (mean > 0) sum += *std::max_element(layer.begin(), layer.end()) / mean - 1;
  }
  return load.empty() ? 0 : sum / load.size();
}

int64_t UnusedExperts(const ExpertLoad& load) {
  int64_t unused = 0;
  for (const std::vector<int64_t>& layer : load) {
    unused += std::count(layer.begin(), layer.end(), 0);
  }
  return unused;
}

}  // namespace grpo

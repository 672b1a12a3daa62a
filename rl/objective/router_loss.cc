#include "rl/objective/router_loss.h"

#include <algorithm>
#include <functional>

#include <ATen/ATen.h>

#include "data/check.h"

namespace grpo {
namespace {

// [C, E]: 1 where a position uses the expert.
at::Tensor Used(const at::Tensor& chosen, const at::Tensor& like) {
  return at::zeros_like(like).scatter_(1, chosen, 1);
}

// Rows summed by the sample they belong to: [S, E].
at::Tensor SumBySample(const at::Tensor& rows, const MicroBatch& batch) {
  return at::zeros({batch.sequence_lengths.numel(), rows.size(1)}, rows.options())
      .index_add(0, batch.sequences, rows);
}

ExpertLoad NoLoad(const PolicyConfig& policy) {
  return ExpertLoad(policy.num_moe_layers(), std::vector<int64_t>(policy.n_routed_experts, 0));
}

}  // namespace

void RouterSums::Add(const RouterSums& other) {
  sequence_balance += other.sequence_balance;
  global_balance += other.global_balance;
  z += other.z;
}

void AddLoad(const ExpertLoad& other, ExpertLoad* load) {
  if (load->empty()) {
    *load = other;
    return;
  }
  GRPO_CHECK(other.empty() || other.size() == load->size());
  for (size_t layer = 0; layer < other.size(); ++layer) {
    std::transform(other[layer].begin(), other[layer].end(), (*load)[layer].begin(),
                   (*load)[layer].begin(), std::plus<>());
  }
}

void AddRecordedLoad(const int16_t* experts, int64_t positions, const PolicyConfig& policy,
                     ExpertLoad* load) {
  if (load->empty()) *load = NoLoad(policy);
  for (int64_t t = 0; t < positions; ++t) {
    for (std::vector<int64_t>& layer : *load) {
      for (int k = 0; k < policy.num_experts_per_tok; ++k) ++layer[*experts++];
    }
  }
}

RouterTotals RouterTotalsOf(const StepBatch& batch, const PolicyConfig& policy) {
  RouterTotals totals;
  const int64_t row = int64_t{policy.num_moe_layers()} * policy.num_experts_per_tok;
  for (const TrainingSample& sample : batch.samples) {
    ++totals.completions;
    totals.positions += sample.NumLearned();
    if (sample.experts.empty()) continue;
    const int64_t prompt = sample.prompt_length, length = sample.tokens.size();
    for (int64_t t = prompt == 0 ? 1 : 0; prompt + t < length; ++t) {
      if (!sample.Learns(t)) continue;
      AddRecordedLoad(sample.experts.data() + (prompt + t - 1) * row, 1, policy, &totals.recorded);
    }
  }
  return totals;
}

ExpertLoad LoadOf(const MicroBatch& batch, const ExpertChoices& chosen,
                  const PolicyConfig& policy) {
  ExpertLoad load = NoLoad(policy);
  const int64_t positions = batch.predicting_rows.numel();
  const int64_t* rows = batch.predicting_rows.const_data_ptr<int64_t>();
  for (size_t layer = 0; layer < load.size(); ++layer) {
    const int64_t* ids = chosen.layers[layer].const_data_ptr<int64_t>();
    const int64_t choices = chosen.layers[layer].size(1);
    for (int64_t i = 0; i < positions; ++i) {
      for (int64_t k = 0; k < choices; ++k) ++load[layer][ids[rows[i] * choices + k]];
    }
  }
  return load;
}

RouterLosses RouterLoss(const RouterConfig& config, const PolicyConfig& policy,
                        const RouterTotals& totals, const MicroBatch& batch,
                        const RouterOutputs& routers) {
  RouterLosses losses;
  for (size_t layer = 0; layer < routers.logits.size(); ++layer) {
    const at::Tensor logits = routers.logits[layer].index_select(0, batch.predicting_rows);
    const auto add = [&](double weight, const at::Tensor& value, double* sum) {
      *sum += value.item<double>();
      losses.loss = losses.loss.defined() ? losses.loss + weight * value : weight * value;
    };
    const at::Tensor scores =
        policy.scoring_func == "sigmoid" ? logits.sigmoid() : logits.softmax(1);
    const at::Tensor shares = scores / scores.sum(1, /*keepdim=*/true);
    const double even = static_cast<double>(policy.n_routed_experts) / policy.num_experts_per_tok;
    if (config.sequence_balance_coef > 0) {
      const at::Tensor used = Used(
          routers.chosen.layers[layer].index_select(0, batch.predicting_rows), logits.detach());
      const at::Tensor lengths = batch.sequence_lengths.clamp_min(1).unsqueeze(1);
      const at::Tensor frequencies = SumBySample(used, batch) * even / lengths;
      const at::Tensor means = SumBySample(shares, batch) / lengths;
      add(config.sequence_balance_coef,
          (frequencies * means).sum() / static_cast<double>(totals.completions),
          &losses.sums.sequence_balance);
    }
    if (config.global_balance_coef > 0) {
      const double positions = static_cast<double>(totals.positions);
      const at::Tensor frequencies =
          at::tensor(totals.recorded[layer], at::kDouble).to(logits.scalar_type()) * even /
          positions;
      add(config.global_balance_coef, (frequencies * shares.sum(0)).sum() / positions,
          &losses.sums.global_balance);
    }
    if (config.z_coef > 0) {
      add(config.z_coef,
          logits.logsumexp({1}).square().sum() / static_cast<double>(totals.positions),
          &losses.sums.z);
    }
  }
  if (!losses.loss.defined()) losses.loss = at::zeros({}, batch.loss_weights.options());
  return losses;
}

}  // namespace grpo

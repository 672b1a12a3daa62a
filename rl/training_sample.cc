#include "rl/training_sample.h"

#include <ATen/ATen.h>

#include "data/check.h"

namespace grpo {

std::vector<std::vector<size_t>> PlanMicroBatches(const std::vector<TrainingSample>& samples,
                                                  int micro_batch_tokens) {
  std::vector<std::vector<size_t>> plan;
  int64_t used = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const int64_t length = samples[i].tokens.size();
    if (plan.empty() || used + length > micro_batch_tokens) {
      plan.emplace_back();
      used = 0;
    }
    plan.back().push_back(i);
    used += length;
  }
  return plan;
}

namespace {

ExpertChoices PackExperts(const StepBatch& batch, const std::vector<size_t>& indices, int64_t rows,
                          int layers, int choices) {
  ExpertChoices packed;
  if (batch.samples[indices[0]].experts.empty()) return packed;
  for (int layer = 0; layer < layers; ++layer) {
    at::Tensor ids = at::empty({rows, choices}, at::kLong);
    int64_t* out = ids.data_ptr<int64_t>();
    for (size_t index : indices) {
      const std::vector<int16_t>& record = batch.samples[index].experts;
      const size_t length = batch.samples[index].tokens.size() - 1;
      GRPO_CHECK(record.size() == length * layers * choices);
      for (size_t t = 0; t < length; ++t) {
        for (int c = 0; c < choices; ++c) *out++ = record[(t * layers + layer) * choices + c];
      }
    }
    packed.layers.push_back(ids);
  }
  return packed;
}

void AppendLearned(const TrainingSample& sample, const std::vector<float>& of_completion,
                   std::vector<float>& out) {
  for (size_t t = 0; t < of_completion.size(); ++t) {
    if (sample.Learns(t)) out.push_back(of_completion[t]);
  }
}

}  // namespace

MicroBatch PackMicroBatch(const StepBatch& batch, const std::vector<size_t>& indices,
                          int num_moe_layers, int experts_per_token, at::ScalarType dtype) {
  std::vector<int64_t> tokens, positions, predicting_rows, targets;
  std::vector<double> advantages;
  std::vector<float> behavior, reference, kept;
  MicroBatch packed;
  packed.cu_seqlens = {0};
  for (size_t index : indices) {
    const TrainingSample& sample = batch.samples[index];
    const int64_t length = sample.tokens.size(), begin = tokens.size();
    for (int64_t t = 0; t + 1 < length; ++t) {
      tokens.push_back(sample.tokens[t]);
      positions.push_back(t);
      const int64_t completed = t + 1 - sample.prompt_length;
      if (completed < 0 || !sample.Learns(completed)) continue;
      predicting_rows.push_back(begin + t);
      targets.push_back(sample.tokens[t + 1]);
      advantages.push_back(sample.advantage);
    }
    packed.cu_seqlens.push_back(tokens.size());
    AppendLearned(sample, sample.behavior_logprobs, behavior);
    AppendLearned(sample, sample.log_kept_mass, kept);
    if (!batch.reference_logprobs.empty()) {
      const std::vector<float>& row = batch.reference_logprobs[index];
      reference.insert(reference.end(), row.begin(), row.end());
    }
  }
  const auto optional = [&](const std::vector<float>& values) {
    GRPO_CHECK(values.empty() || values.size() == targets.size());
    return values.empty() ? at::Tensor() : at::tensor(values, at::kFloat).to(dtype);
  };
  packed.tokens = at::tensor(tokens, at::kLong);
  packed.positions = at::tensor(positions, at::kLong);
  packed.predicting_rows = at::tensor(predicting_rows, at::kLong);
  packed.targets = at::tensor(targets, at::kLong);
  packed.advantages = at::tensor(advantages, at::kDouble).to(dtype);
  packed.behavior_logprobs = optional(behavior);
  packed.reference_logprobs = optional(reference);
  packed.log_kept_mass = optional(kept);
  packed.experts = PackExperts(batch, indices, tokens.size(), num_moe_layers, experts_per_token);
  return packed;
}

}  // namespace grpo

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

ExpertChoices PackExperts(const std::vector<TrainingSample>& samples,
                          const std::vector<size_t>& indices, int64_t rows, int layers,
                          int choices) {
  ExpertChoices packed;
  if (samples[indices[0]].experts.empty()) return packed;
  for (int layer = 0; layer < layers; ++layer) {
    at::Tensor ids = at::empty({rows, choices}, at::kLong);
    int64_t* out = ids.data_ptr<int64_t>();
    for (size_t index : indices) {
      const std::vector<int16_t>& record = samples[index].experts;
      const size_t length = samples[index].tokens.size() - 1;
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

void AppendAdvantages(const TrainingSample& sample, int64_t learned, std::vector<double>& out) {
  if (sample.advantage.empty()) return;
  const bool one = sample.advantage.size() == 1;
  GRPO_CHECK(one || static_cast<int64_t>(sample.advantage.size()) == learned);
  for (int64_t t = 0; t < learned; ++t) out.push_back(sample.advantage[one ? 0 : t]);
}

// The rows of the samples of a micro-batch, one after the other.
template <typename Value>
std::vector<float> Rows(const std::vector<std::vector<Value>>& rows,
                        const std::vector<size_t>& indices) {
  std::vector<float> joined;
  if (rows.empty()) return joined;
  for (size_t index : indices) joined.insert(joined.end(), rows[index].begin(), rows[index].end());
  return joined;
}

}  // namespace

MicroBatch PackTokens(const std::vector<TrainingSample>& samples,
                      const std::vector<size_t>& indices, int num_moe_layers, int experts_per_token,
                      at::ScalarType dtype) {
  std::vector<int64_t> tokens, positions, predicting_rows, targets, sequences;
  std::vector<double> lengths;
  MicroBatch packed;
  packed.cu_seqlens = {0};
  for (size_t index : indices) {
    const TrainingSample& sample = samples[index];
    const int64_t length = sample.tokens.size(), begin = tokens.size();
    for (int64_t t = 0; t + 1 < length; ++t) {
      tokens.push_back(sample.tokens[t]);
      positions.push_back(t);
      const int64_t completed = t + 1 - sample.prompt_length;
      if (completed < 0 || !sample.Learns(completed)) continue;
      predicting_rows.push_back(begin + t);
      targets.push_back(sample.tokens[t + 1]);
      sequences.push_back(lengths.size());
    }
    packed.cu_seqlens.push_back(tokens.size());
    lengths.push_back(sample.NumLearned());
  }
  packed.tokens = at::tensor(tokens, at::kLong);
  packed.positions = at::tensor(positions, at::kLong);
  packed.predicting_rows = at::tensor(predicting_rows, at::kLong);
  packed.targets = at::tensor(targets, at::kLong);
  packed.sequences = at::tensor(sequences, at::kLong);
  packed.sequence_lengths = at::tensor(lengths, at::kDouble).to(dtype);
  packed.experts = PackExperts(samples, indices, tokens.size(), num_moe_layers, experts_per_token);
  return packed;
}

MicroBatch PackMicroBatch(const StepBatch& batch, const std::vector<size_t>& indices,
                          int num_moe_layers, int experts_per_token, at::ScalarType dtype) {
  GRPO_CHECK(batch.token_weights.size() == batch.samples.size());
  MicroBatch packed = PackTokens(batch.samples, indices, num_moe_layers, experts_per_token, dtype);
  std::vector<double> advantages, weights;
  std::vector<float> behavior, kept;
  for (size_t index : indices) {
    const TrainingSample& sample = batch.samples[index];
    const int64_t learned = sample.NumLearned();
    weights.insert(weights.end(), learned, batch.token_weights[index]);
    AppendAdvantages(sample, learned, advantages);
    AppendLearned(sample, sample.behavior_logprobs, behavior);
    AppendLearned(sample, sample.log_kept_mass, kept);
  }
  const auto optional = [&](const auto& values) {
    GRPO_CHECK(values.empty() || static_cast<int64_t>(values.size()) == packed.targets.numel());
    return values.empty() ? at::Tensor() : at::tensor(values).to(dtype);
  };
  packed.loss_weights = at::tensor(weights, at::kDouble).to(dtype);
  packed.advantages = optional(advantages);
  packed.behavior_logprobs = optional(behavior);
  packed.old_logprobs = optional(Rows(batch.old_logprobs, indices));
  packed.reference_logprobs = optional(Rows(batch.reference_logprobs, indices));
  packed.log_kept_mass = optional(kept);
  packed.selected = optional(Rows(batch.selected, indices));
  return packed;
}

}  // namespace grpo

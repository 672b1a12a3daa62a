// Samples for a policy small enough to train in a test.
#pragma once

#include <vector>

#include "data/random.h"
#include "rl/objective/aggregation.h"
#include "rl/training_sample.h"
#include "tests/policy/tiny_policy.h"

namespace grpo {

// Weights of the mean over all tokens that are learned from.
inline std::vector<double> TokenMeanWeights(const StepBatch& batch) {
  std::vector<int64_t> lengths;
  for (const TrainingSample& sample : batch.samples) lengths.push_back(sample.NumLearned());
  return TokenWeights("token_mean", lengths, 0);
}

// Random token ids; log-probs of the behaviour near those of a uniform policy.
inline StepBatch TinyBatch(int count, uint64_t seed, int vocabulary = 24) {
  RandomStream random(seed, 0);
  StepBatch batch;
  for (int i = 0; i < count; ++i) {
    TrainingSample sample;
    sample.prompt_length = random.Between(1, 5);
    const int completion = random.Between(1, 9);
    for (int t = 0; t < sample.prompt_length + completion; ++t)
      sample.tokens.push_back(random.Below(vocabulary));
    sample.advantage = {random.Normal()};
    std::vector<float> reference;
    for (int t = 0; t < completion; ++t) {
      sample.behavior_logprobs.push_back(-3.2 + 0.3 * random.Normal());
      reference.push_back(-3.2 + 0.3 * random.Normal());
    }
    batch.samples.push_back(std::move(sample));
    batch.reference_logprobs.push_back(std::move(reference));
  }
  batch.token_weights = TokenMeanWeights(batch);
  return batch;
}

}  // namespace grpo

// What the learner learns from, a type for each stage: TrainingSample, StepBatch, MicroBatch.
//
// Letters: S prompt tokens, T completion tokens, N packed tokens of a micro-batch, C completion
// tokens among them that are learned from, M MoE layers, K experts per token.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/decoder.h"

namespace grpo {

// One completion to learn from.
struct TrainingSample {
  int64_t group = -1;           // samples of one group have one prompt; -1: of none
  int index = 0;                // in its group
  std::vector<int32_t> tokens;  // [S + T]
  int prompt_length = 0;        // S
  // Of every completion token, or one for each that is learned from; empty in imitation.
  std::vector<double> advantage;
  std::vector<float> behavior_logprobs;  // [T] under the policy that sampled; empty in imitation
  std::vector<float> log_kept_mass;      // [T], or empty: see Rollout
  std::vector<uint8_t> forced;           // [T], or empty: see Rollout
  std::vector<int16_t> experts;          // [S + T - 1, M, K] recorded choices; empty in imitation

  // Whether completion token t, 0 to T - 1, is learned from: all but those that were forced.
  bool Learns(size_t t) const { return forced.empty() || forced[t] == 0; }
  int64_t NumLearned() const {
    return static_cast<int64_t>(tokens.size()) - prompt_length -
           std::count(forced.begin(), forced.end(), 1);
  }
};

// All that one optimizer step learns from. The denominator is global: gradient accumulation,
// packing and data parallelism change nothing.
struct StepBatch {
  std::vector<TrainingSample> samples;
  // [samples][NumLearned()] each, or empty:
  std::vector<std::vector<float>> reference_logprobs;
  std::vector<std::vector<float>> old_logprobs;  // of the learner's policy before the step
  std::vector<std::vector<uint8_t>> selected;    // 1 where the policy loss counts
  // [samples]: the weight of each of its tokens in the loss. Their sums are the loss's
  // denominators, over all micro-batches and ranks.
  std::vector<double> token_weights;
  bool replay_routing = false;  // the recorded experts take the place of the learner's own choice
  double temperature = 1;  // at which log-probs are taken: that of the sampling, 1 in imitation
};

// Samples packed one after the other, without padding; the last token of each is only a target and
// is not fed. Where prompts are shared, the prompt of neighbours of one group is fed once, as a
// sequence of its own that theirs come after.
struct MicroBatch {
  at::Tensor tokens;              // [N] int64
  at::Tensor positions;           // [N] int64
  PackedSequences packing;        // where they lie
  at::Tensor predicting_rows;     // [C] int64: rows whose next token is learned from
  at::Tensor targets;             // [C] int64: those next tokens
  at::Tensor sequences;           // [C] int64: the sample of each, 0 to S - 1
  at::Tensor sequence_lengths;    // [S]: tokens of each sample that are learned from
  at::Tensor loss_weights;        // [C]: share of each in the step's loss
  at::Tensor advantages;          // [C]; undefined in imitation
  at::Tensor behavior_logprobs;   // [C]; undefined in imitation
  at::Tensor old_logprobs;        // [C]; undefined where they were not recomputed
  at::Tensor reference_logprobs;  // [C]; undefined without a reference
  at::Tensor log_kept_mass;       // [C]; undefined when nothing was cut off
  at::Tensor selected;            // [C] 0 or 1; undefined where all count
  ExpertChoices experts;          // recorded; empty in imitation
};

// Indices of samples for each micro-batch, in order, each within the token budget (a longer sample
// stands alone), as few as that allows and the longest of them as short as can be. A shared prompt
// counts once.
std::vector<std::vector<size_t>> PlanMicroBatches(const std::vector<TrainingSample>& samples,
                                                  int micro_batch_tokens,
                                                  bool share_prompts = false);

struct PackingOptions {
  int num_moe_layers = 0;
  int experts_per_token = 0;
  at::ScalarType dtype = at::kFloat;
  bool share_prompts = false;
};

// What a forward needs: all fields but those that the loss alone looks at, which are undefined.
MicroBatch PackTokens(const std::vector<TrainingSample>& samples,
                      const std::vector<size_t>& indices, const PackingOptions& options);

MicroBatch PackMicroBatch(const StepBatch& batch, const std::vector<size_t>& indices,
                          const PackingOptions& options);

}  // namespace grpo

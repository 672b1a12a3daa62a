// Updates the policy from a batch of samples in packed micro-batches. Each is computed by all
// threads, or with a small policy by one, as many at a time as there are threads. Their number
// changes no bit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"

#include "policy/optimizer.h"
#include "policy/threads.h"
#include "policy/weights.h"
#include "rl/objective.h"
#include "rl/training_sample.h"

namespace grpo {

struct LearnerConfig {
  int threads = 2;
  int micro_batch_tokens = 4096;
  bool share_prompts = true;  // the prompt of a group is computed once in a micro-batch
  bool bf16 = false;  // products and attention in bfloat16, of rounded matrices; weights stay fp32
  bool freeze_routers = false;
  int recomputed_layers = 0;  // the first ones: their activations are not kept, but computed again
  // Up to so many parameters each thread works on a micro-batch of its own: the products of a small
  // policy are too short to share out. With more of them all threads work on the same one, as its
  // activations and gradients are what memory is needed for.
  int64_t small_policy_parameters = 1 << 24;
};

struct UpdateStats {
  ObjectiveSums sums;
  OptimizerReport optimizer;
  // Where the step was skipped, the batch's samples whose gradient alone is not finite; empty where
  // only their sum is not.
  std::vector<size_t> not_finite;
};

// The loss of one micro-batch; fills the sums. Must be a pure function.
using LossFunction = std::function<at::Tensor(const MicroBatch& batch, const PolicyOutputs& policy,
                                              ObjectiveSums* sums)>;

// Of the completion tokens of each sample that are learned from, without gradients, by the forward
// that the learner trains with.
struct TokenStatistics {
  std::vector<std::vector<float>> logprobs;
  std::vector<std::vector<float>> entropies;  // of the distributions that they were drawn from
};
absl::StatusOr<TokenStatistics> SampleStatistics(const Weights& weights,
                                                 const std::vector<TrainingSample>& samples,
                                                 double temperature, const LearnerConfig& config);

class Learner {
 public:
  // The learner trains `weights` in place; they must outlive it.
  Learner(Weights& weights, const LearnerConfig& config);

  // What the learner computes with, which rollouts share: the weights themselves, or with bf16
  // their matrices rounded, as they are after the newest update.
  const Weights& policy() const { return policy_; }

  // The weights that an optimizer is to change, fp32.
  const std::vector<NamedTensor>& parameters() const { return trained_; }

  // Gradients of the loss over the batch, one for each of parameters().
  std::vector<at::Tensor> Gradients(const StepBatch& batch, const LossFunction& loss,
                                    ObjectiveSums* sums);

  // One optimizer step.
  UpdateStats Update(const StepBatch& batch, const LossFunction& loss, Optimizer& optimizer);

  const LearnerConfig& config() const { return config_; }

  // After the weights were changed by another than Update(): read from a checkpoint.
  void WeightsChanged();

 private:
  // Of one micro-batch, added to the grad() of the policy's parameters.
  void AddGradients(const Weights& policy, const StepBatch& batch,
                    const std::vector<size_t>& samples, const LossFunction& loss,
                    ObjectiveSums* sums) const;
  std::vector<size_t> NotFinite(const StepBatch& batch, const LossFunction& loss);

  Weights& weights_;
  LearnerConfig config_;
  Weights policy_;
  std::vector<NamedTensor> trained_;  // of weights_
  ThreadTeam team_;
};

}  // namespace grpo

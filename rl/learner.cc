#include "rl/learner.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include "data/status_macros.h"
#include "policy/ops.h"
#include "policy/threads.h"

namespace grpo {
namespace {

PolicyOutputs Forward(const Weights& weights, const MicroBatch& micro, double temperature,
                      const ExpertChoices* replayed, int recomputed_layers = 0) {
  PolicyOutputs outputs;
  const at::Tensor hidden = DecoderHidden(weights, micro.tokens, micro.positions, micro.packing,
                                          replayed, &outputs.routers, recomputed_layers);
  std::tie(outputs.logprobs, outputs.entropy) =
      TokenLogprobs(SelectRows(hidden, micro.predicting_rows), weights.head, micro.targets,
                    temperature, weights.adapters.head);
  return outputs;
}

PackingOptions PackingOptionsOf(const Weights& weights, const LearnerConfig& config) {
  return {.num_moe_layers = weights.config.num_moe_layers(),
          .experts_per_token = weights.config.num_experts_per_tok,
          .dtype = weights.final_norm.scalar_type(),
          .share_prompts = config.share_prompts};
}

void CompareRouting(const ExpertChoices& recorded, const ExpertChoices& chosen,
                    ObjectiveSums* sums) {
  for (size_t layer = 0; layer < recorded.layers.size(); ++layer) {
    sums->routed += recorded.layers[layer].size(0);
    sums->routed_alike +=
        recorded.layers[layer].eq(chosen.layers[layer]).all(1).sum().item<int64_t>();
  }
}

// Collects the gradients of what is trained of a policy in tensors of zeros, as long as the object
// lives.
class GradientScope {
 public:
  explicit GradientScope(const Weights& policy) {
    for (const NamedTensor& parameter : policy.TrainedParameters()) {
      const at::Tensor& tensor = parameter.tensor;
      if (!tensor.requires_grad()) continue;
      const bool bf16 = tensor.scalar_type() == at::kBFloat16;
      sums_.push_back(at::zeros(tensor.sizes(), bf16 ? at::kFloat : tensor.scalar_type()));
      tensor.mutable_grad() = sums_.back();
      parameters_.push_back(tensor);
    }
  }
  ~GradientScope() {
    for (const at::Tensor& parameter : parameters_) parameter.mutable_grad() = at::Tensor();
  }
  GradientScope(const GradientScope&) = delete;
  GradientScope& operator=(const GradientScope&) = delete;

  const std::vector<at::Tensor>& sums() const { return sums_; }

 private:
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> sums_;
};

// What micro-batches give, added up in their order, whichever is done first.
class OrderedSums {
 public:
  OrderedSums(size_t count, const std::vector<at::Tensor>& gradients, ObjectiveSums* sums)
      : parts_(count), gradients_(gradients), sums_(sums) {}

  void Add(size_t index, std::vector<at::Tensor> gradients, const ObjectiveSums& sums) {
    const std::lock_guard<std::mutex> lock(mutex_);
    parts_[index] = Part{std::move(gradients), sums};
    for (; added_ < parts_.size() && parts_[added_]; parts_[added_++].reset()) {
      const Part& part = *parts_[added_];
      for (size_t i = 0; i < gradients_.size(); ++i) gradients_[i].add_(part.gradients[i]);
      sums_->Add(part.sums);
    }
  }

 private:
  struct Part {
    std::vector<at::Tensor> gradients;
    ObjectiveSums sums;
  };
  std::mutex mutex_;
  std::vector<std::optional<Part>> parts_;
  size_t added_ = 0;
  const std::vector<at::Tensor>& gradients_;
  ObjectiveSums* const sums_;
};

}  // namespace

Learner::Learner(Weights& weights, const LearnerConfig& config)
    : weights_(weights),
      config_(config),
      policy_(config.bf16 ? weights.WithBFloat16Matrices() : weights),
      team_(config.threads) {
  for (const NamedTensor& parameter : policy_.Parameters()) {
    parameter.tensor.set_requires_grad(false);
  }
  const std::vector<NamedTensor> all = weights_.TrainedParameters(),
                                 computed = policy_.TrainedParameters();
  for (size_t i = 0; i < all.size(); ++i) {
    const bool trains = !(config.freeze_routers && absl::EndsWith(all[i].name, ".router"));
    computed[i].tensor.set_requires_grad(trains);
    if (trains) trained_.push_back(all[i]);
  }
}

void Learner::WeightsChanged() {
  if (config_.bf16) policy_.RoundMatricesOf(weights_);
}

void Learner::AddGradients(const Weights& policy, const StepBatch& batch,
                           const std::vector<size_t>& samples, const LossFunction& loss,
                           ObjectiveSums* sums) const {
  const c10::AutoGradMode with_gradients(true);
  const MicroBatch micro = PackMicroBatch(batch, samples, PackingOptionsOf(policy, config_));
  const PolicyOutputs outputs =
      Forward(policy, micro, batch.temperature, batch.replay_routing ? &micro.experts : nullptr,
              config_.recomputed_layers);
  ObjectiveSums micro_sums;
  micro_sums.load = LoadOf(micro, outputs.routers.chosen, policy.config);
  CompareRouting(micro.experts, outputs.routers.chosen, &micro_sums);
  torch::autograd::backward({loss(micro, outputs, &micro_sums)}, {});
  sums->Add(micro_sums);
}

std::vector<at::Tensor> Learner::Gradients(const StepBatch& batch, const LossFunction& loss,
                                           ObjectiveSums* sums) {
  const TeamScope team(team_);
  const std::vector<std::vector<size_t>> plan =
      PlanMicroBatches(batch.samples, config_.micro_batch_tokens, config_.share_prompts);
  const GradientScope gradients(policy_);
  if (policy_.CountParameters() > config_.small_policy_parameters) {
    for (const std::vector<size_t>& samples : plan) {
      AddGradients(policy_, batch, samples, loss, sums);
    }
    return gradients.sums();
  }
  OrderedSums ordered(plan.size(), gradients.sums(), sums);
  const auto add_micro_batch = [&](size_t m) {
    const Weights policy = policy_.WithOwnGradients();
    const GradientScope own(policy);
    ObjectiveSums own_sums;
    AddGradients(policy, batch, plan[m], loss, &own_sums);
    ordered.Add(m, own.sums(), own_sums);
  };
  // Those that are too few for all threads are shared out instead.
  const size_t alone = plan.size() - plan.size() % team_.size();
  ParallelForEach(alone, add_micro_batch);
  for (size_t m = alone; m < plan.size(); ++m) add_micro_batch(m);
  return gradients.sums();
}

std::vector<size_t> Learner::NotFinite(const StepBatch& batch, const LossFunction& loss) {
  const TeamScope team(team_);
  std::vector<size_t> found;
  for (size_t i = 0; i < batch.samples.size(); ++i) {
    const GradientScope gradients(policy_);
    ObjectiveSums sums;
    AddGradients(policy_, batch, {i}, loss, &sums);
    const bool finite = std::all_of(
        gradients.sums().begin(), gradients.sums().end(),
        [](const at::Tensor& gradient) { return gradient.isfinite().all().item<bool>(); });
    if (!finite) found.push_back(i);
  }
  return found;
}

UpdateStats Learner::Update(const StepBatch& batch, const LossFunction& loss,
                            Optimizer& optimizer) {
  UpdateStats stats;
  if (batch.samples.empty()) return stats;
  const TeamScope team(team_);
  std::vector<at::Tensor> gradients = Gradients(batch, loss, &stats.sums);
  stats.optimizer = optimizer.Step(gradients);
  if (stats.optimizer.skipped) stats.not_finite = NotFinite(batch, loss);
  WeightsChanged();
  return stats;
}

absl::StatusOr<TokenStatistics> SampleStatistics(const Weights& weights,
                                                 const std::vector<TrainingSample>& samples,
                                                 double temperature, const LearnerConfig& config) {
  TokenStatistics statistics;
  statistics.logprobs.resize(samples.size());
  statistics.entropies.resize(samples.size());
  const auto plan = PlanMicroBatches(samples, config.micro_batch_tokens, config.share_prompts);
  std::atomic<size_t> next{0};
  RETURN_IF_ERROR(RunThreads(config.threads, [&](int) {
    c10::NoGradGuard no_grad;
    for (size_t m = next.fetch_add(1); m < plan.size(); m = next.fetch_add(1)) {
      const MicroBatch micro = PackTokens(samples, plan[m], PackingOptionsOf(weights, config));
      const PolicyOutputs outputs = Forward(weights, micro, temperature, nullptr);
      const float* logprob_values = outputs.logprobs.const_data_ptr<float>();
      const float* entropy_values = outputs.entropy.const_data_ptr<float>();
      for (size_t index : plan[m]) {
        const int64_t count = samples[index].NumLearned();
        statistics.logprobs[index].assign(logprob_values, logprob_values + count);
        statistics.entropies[index].assign(entropy_values, entropy_values + count);
        logprob_values += count;
        entropy_values += count;
      }
    }
    return absl::OkStatus();
  }));
  return statistics;
}

}  // namespace grpo

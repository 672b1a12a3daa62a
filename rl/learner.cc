#include "rl/learner.h"

#include <atomic>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include "data/status_macros.h"
#include "policy/ops.h"
#include "policy/threads.h"

namespace grpo {
namespace {

// Log-probs and entropies of the completion tokens. The experts that were used go to `chosen` when
// it is not null.
std::pair<at::Tensor, at::Tensor> ForwardLogprobs(const Weights& weights, const MicroBatch& micro,
                                                  double temperature, const ExpertChoices* replayed,
                                                  ExpertChoices* chosen) {
  const at::Tensor hidden =
      DecoderHidden(weights, micro.tokens, micro.positions, micro.packing, replayed, chosen);
  return TokenLogprobs(hidden.index_select(0, micro.predicting_rows), weights.head, micro.targets,
                       temperature);
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

// Collects the gradients of parameters in tensors of zeros, as long as the object lives.
class GradientScope {
 public:
  explicit GradientScope(const std::vector<at::Tensor>& parameters) : parameters_(parameters) {
    for (const at::Tensor& parameter : parameters_) {
      const bool bf16 = parameter.scalar_type() == at::kBFloat16;
      sums_.push_back(at::zeros(parameter.sizes(), bf16 ? at::kFloat : parameter.scalar_type()));
      parameter.mutable_grad() = sums_.back();
    }
  }
  ~GradientScope() {
    for (const at::Tensor& parameter : parameters_) parameter.mutable_grad() = at::Tensor();
  }
  const std::vector<at::Tensor>& sums() const { return sums_; }

 private:
  const std::vector<at::Tensor>& parameters_;
  std::vector<at::Tensor> sums_;
};

}  // namespace

Learner::Learner(Weights& weights, const LearnerConfig& config)
    : weights_(weights),
      config_(config),
      policy_(config.bf16 ? weights.WithBFloat16Matrices() : weights),
      team_(config.threads) {
  policy_.RequireGrad();
  for (const NamedTensor& parameter : policy_.Parameters()) {
    parameters_.push_back(parameter.tensor);
  }
}

void Learner::WeightsChanged() {
  if (config_.bf16) policy_.RoundMatricesOf(weights_);
}

std::vector<at::Tensor> Learner::Gradients(const StepBatch& batch, const LossFunction& loss,
                                           ObjectiveSums* sums) {
  const TeamScope team(team_);
  const c10::AutoGradMode with_gradients(true);
  const GradientScope gradients(parameters_);
  for (const std::vector<size_t>& samples :
       PlanMicroBatches(batch.samples, config_.micro_batch_tokens, config_.share_prompts)) {
    const MicroBatch micro = PackMicroBatch(batch, samples, PackingOptionsOf(policy_, config_));
    ExpertChoices chosen;
    const auto [logprobs, entropy] =
        ForwardLogprobs(policy_, micro, batch.temperature,
                        batch.replay_routing ? &micro.experts : nullptr, &chosen);
    ObjectiveSums micro_sums;
    CompareRouting(micro.experts, chosen, &micro_sums);
    torch::autograd::backward({loss(micro, logprobs, entropy, &micro_sums)}, {});
    sums->Add(micro_sums);
  }
  return gradients.sums();
}

UpdateStats Learner::Update(const StepBatch& batch, const LossFunction& loss, AdamW& optimizer) {
  UpdateStats stats;
  if (batch.samples.empty()) return stats;
  std::vector<at::Tensor> gradients = Gradients(batch, loss, &stats.sums);
  stats.optimizer = optimizer.Step(gradients);
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
      const auto [logprobs, entropy] =
          ForwardLogprobs(weights, micro, temperature, nullptr, nullptr);
      const float* logprob_values = logprobs.const_data_ptr<float>();
      const float* entropy_values = entropy.const_data_ptr<float>();
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

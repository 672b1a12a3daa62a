#include "rl/learner.h"

#include <atomic>

#include "absl/synchronization/mutex.h"
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

// Lets threads hand in their results in the order of the micro-batches.
class TurnTaker {
 public:
  // Waits until all turns before `turn` have ended. Each taker of a turn ends it, so no wait lasts
  // for ever.
  void Begin(size_t turn) {
    mutex_.Lock();
    struct Wanted {
      size_t turn;
      const size_t* next;
    } wanted{turn, &next_};
    mutex_.Await(absl::Condition(
        +[](Wanted* w) { return *w->next == w->turn; }, &wanted));
    mutex_.Unlock();
  }
  void End() {
    absl::MutexLock lock(&mutex_);
    ++next_;
  }

 private:
  absl::Mutex mutex_;
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Ends the turn on every path, also when the work before it failed.
class Turn {
 public:
  Turn(TurnTaker& taker, size_t turn) : taker_(taker), turn_(turn) {}
  ~Turn() {
    if (!begun_) taker_.Begin(turn_);
    taker_.End();
  }
  void Begin() {
    taker_.Begin(turn_);
    begun_ = true;
  }

 private:
  TurnTaker& taker_;
  size_t turn_;
  bool begun_ = false;
};

}  // namespace

Learner::Learner(Weights& weights, const LearnerConfig& config)
    : weights_(weights), config_(config) {
  weights_.RequireGrad();
  for (const NamedTensor& parameter : weights_.Parameters())
    parameters_.push_back(parameter.tensor);
}

absl::StatusOr<std::vector<at::Tensor>> Learner::Gradients(const StepBatch& batch,
                                                           const LossFunction& loss,
                                                           ObjectiveSums* sums) {
  std::vector<at::Tensor> total;
  for (const at::Tensor& parameter : parameters_)
    total.push_back(at::zeros_like(parameter).detach());
  const auto plan =
      PlanMicroBatches(batch.samples, config_.micro_batch_tokens, config_.share_prompts);
  std::atomic<size_t> next{0};
  TurnTaker turns;
  RETURN_IF_ERROR(RunThreads(config_.threads, [&](int) -> absl::Status {
    for (size_t m = next.fetch_add(1); m < plan.size(); m = next.fetch_add(1)) {
      Turn turn(turns, m);
      c10::AutoGradMode with_gradients(true);
      const MicroBatch micro = PackMicroBatch(batch, plan[m], PackingOptionsOf(weights_, config_));
      ExpertChoices chosen;
      const auto [logprobs, entropy] =
          ForwardLogprobs(weights_, micro, batch.temperature,
                          batch.replay_routing ? &micro.experts : nullptr, &chosen);
      ObjectiveSums micro_sums;
      CompareRouting(micro.experts, chosen, &micro_sums);
      const at::Tensor micro_loss = loss(micro, logprobs, entropy, &micro_sums);
      const auto gradients =
          torch::autograd::grad({micro_loss}, parameters_, {}, /*retain_graph=*/false,
                                /*create_graph=*/false, /*allow_unused=*/true);
      turn.Begin();
      sums->Add(micro_sums);
      for (size_t p = 0; p < total.size(); ++p) {
        if (gradients[p].defined()) total[p].add_(gradients[p]);
      }
    }
    return absl::OkStatus();
  }));
  return total;
}

absl::StatusOr<UpdateStats> Learner::Update(const StepBatch& batch, const LossFunction& loss,
                                            AdamW& optimizer) {
  UpdateStats stats;
  if (batch.samples.empty()) return stats;
  ASSIGN_OR_RETURN(std::vector<at::Tensor> gradients, Gradients(batch, loss, &stats.sums));
  stats.optimizer = optimizer.Step(gradients);
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

#include "rl/bench_learner_command.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "data/random.h"
#include "data/status_macros.h"
#include "policy/policy_folder.h"
#include "rl/learner.h"
#include "rl/machine_limits.h"
#include "rl/network_cost.h"
#include "rl/objective.h"
#include "rl/objective/aggregation.h"
#include "rl/peak_memory.h"

namespace grpo {
namespace {

StepBatch RandomBatch(const LearnerBenchOptions& options, int vocabulary) {
  StepBatch batch;
  std::vector<int64_t> lengths;
  for (int p = 0; p < options.prompts; ++p) {
    RandomStream random(options.seed, p);
    std::vector<int32_t> prompt;
    for (int t = 0; t < options.prompt_tokens; ++t) prompt.push_back(random.Below(vocabulary));
    for (int g = 0; g < options.group; ++g) {
      TrainingSample sample;
      sample.group = p;
      sample.tokens = prompt;
      sample.prompt_length = options.prompt_tokens;
      for (int t = 0; t < options.new_tokens; ++t)
        sample.tokens.push_back(random.Below(vocabulary));
      sample.advantage = {random.Normal()};
      batch.samples.push_back(std::move(sample));
      lengths.push_back(options.new_tokens);
    }
  }
  batch.token_weights = TokenWeights("token_mean", lengths, options.new_tokens);
  return batch;
}

double SecondsSince(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

}  // namespace

absl::Status RunLearnerBench(const LearnerBenchOptions& options) {
  ASSIGN_OR_RETURN(const auto checkpoint, CheckpointReader::Open(options.policy));
  ASSIGN_OR_RETURN(Weights weights, LoadWeights(*checkpoint, MatrixStorage::kFloat));
  StepBatch batch = RandomBatch(options, weights.config.vocab_size);
  const LearnerConfig config = {.threads = options.threads,
                                .micro_batch_tokens = options.micro_batch_tokens,
                                .share_prompts = !options.no_sharing,
                                .bf16 = options.dtype == "bf16",
                                .recomputed_layers = options.recomputed_layers};
  const at::ScalarType dtype = config.bf16 ? at::kBFloat16 : at::kFloat;
  Learner learner(weights, config);
  // The samples count as drawn from this very policy.
  ASSIGN_OR_RETURN(const TokenStatistics own,
                   SampleStatistics(learner.policy(), batch.samples, batch.temperature, config));
  for (size_t i = 0; i < batch.samples.size(); ++i) {
    batch.samples[i].behavior_logprobs = own.logprobs[i];
  }
  OptimizerConfig optimizer_config;
  optimizer_config.learning_rate = 1e-6;
  Optimizer optimizer(weights.Parameters(), optimizer_config, options.repeats + 1);
  const auto loss = [](const MicroBatch& micro, const PolicyOutputs& policy, ObjectiveSums* sums) {
    return PolicyObjective({}, micro, policy, sums);
  };
  const double sequences = batch.samples.size();
  const double fed = sequences * (options.prompt_tokens + options.new_tokens - 1);
  const double flops =
      UpdateFlops(weights.config, {.prompts = static_cast<double>(options.prompts),
                                   .group = static_cast<double>(options.group),
                                   .prompt_tokens = static_cast<double>(options.prompt_tokens),
                                   .new_tokens = static_cast<double>(options.new_tokens),
                                   .share_prompts = config.share_prompts});
  for (int step = 0; step <= options.repeats; ++step) {
    const std::vector<MachineLimits> before = MeasureMachine(options.threads, dtype);
    ForgetPeakMemory();
    const absl::Time start = absl::Now();
    ObjectiveSums sums;
    std::vector<at::Tensor> gradients = learner.Gradients(batch, loss, &sums);
    const double gradient_seconds = SecondsSince(start);
    const OptimizerReport report = optimizer.Step(gradients);
    learner.WeightsChanged();
    const double seconds = SecondsSince(start);
    const int64_t peak_memory = PeakMemoryBytes();
    const MachineLimits limits = MedianLimits(before, MeasureMachine(options.threads, dtype));
    if (step == 0) continue;
    const nlohmann::ordered_json record = {
        {"bench", "learner"},
        {"policy", options.policy},
        {"parameters", weights.CountParameters()},
        {"dtype", options.dtype},
        {"threads", options.threads},
        {"prompts", options.prompts},
        {"group", options.group},
        {"prompt_tokens", options.prompt_tokens},
        {"new_tokens", options.new_tokens},
        {"micro_batch_tokens", options.micro_batch_tokens},
        {"share_prompts", !options.no_sharing},
        {"recomputed_layers", options.recomputed_layers},
        {"seconds", seconds},
        {"gradient_seconds", gradient_seconds},
        {"optimizer_seconds", seconds - gradient_seconds},
        {"tokens_per_second", fed / seconds},
        {"peak_memory_bytes", peak_memory},
        {"loss", sums.loss},
        {"grad_norm", report.grad_norm},
        {"roofline",
         {{"gflops", flops / gradient_seconds * 1e-9},
          {"limit_gflops", limits.flops_per_second * 1e-9},
          {"share_of_limit", flops / gradient_seconds / limits.flops_per_second}}}};
    std::printf("%s\n", record.dump().c_str());
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

}  // namespace grpo

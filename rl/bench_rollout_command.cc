#include "rl/bench_rollout_command.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "data/digest.h"
#include "data/random.h"
#include "data/status_macros.h"
#include "policy/checkpoint_tokenizer.h"
#include "policy/policy_folder.h"
#include "rl/batch_builder.h"
#include "rl/learner.h"
#include "rl/machine_limits.h"
#include "rl/network_cost.h"
#include "rl/peak_memory.h"
#include "rl/run_parts.h"
#include "rollout/engine.h"

namespace grpo {
namespace {

using nlohmann::ordered_json;

GenerateRequest RandomRequest(const RolloutBenchOptions& options, int vocabulary) {
  GenerateRequest request;
  for (int p = 0; p < options.prompts; ++p) {
    Prompt prompt;
    prompt.id = p;
    prompt.name = absl::StrCat("prompt ", p);
    request.prompts.push_back(prompt);
    RandomStream random(options.seed, p);
    request.prompt_tokens.emplace_back();
    for (int t = 0; t < options.prompt_tokens; ++t) {
      request.prompt_tokens.back().push_back(random.Below(vocabulary));
    }
  }
  request.group_size = options.group;
  request.sampling.max_new_tokens = options.new_tokens;
  request.sampling.temperature = options.temperature;
  request.seed = options.seed;
  request.ignore_ends = true;
  return request;
}

struct Mismatch {
  double max_abs = 0;
  int64_t tokens = 0;  // that differ
  int64_t compared = 0;
};

absl::StatusOr<Mismatch> CompareWithLearner(const Weights& weights, int threads, double temperature,
                                            const std::vector<RolloutGroup>& groups) {
  std::vector<TrainingSample> samples;
  for (const RolloutGroup& group : groups) {
    for (size_t i = 0; i < group.rollouts.size(); ++i) samples.push_back(SampleOf(group, i));
  }
  ASSIGN_OR_RETURN(const TokenStatistics learner,
                   SampleStatistics(weights, samples, temperature > 0 ? temperature : 1,
                                    {.threads = threads, .micro_batch_tokens = 2048}));
  const auto& logprobs = learner.logprobs;
  Mismatch mismatch;
  for (size_t i = 0; i < samples.size(); ++i) {
    const std::vector<float>& recorded = samples[i].behavior_logprobs;
    for (size_t t = 0; t < recorded.size(); ++t) {
      const double difference = std::fabs(recorded[t] - logprobs[i][t]);
      mismatch.max_abs = std::max(mismatch.max_abs, difference);
      mismatch.tokens += difference != 0;
      ++mismatch.compared;
    }
  }
  return mismatch;
}

// Prompts that come one by one while others are sampled.
absl::StatusOr<std::vector<RolloutGroup>> GenerateStaggered(const RolloutBenchOptions& options,
                                                            const RolloutEngine& engine,
                                                            const Weights& weights,
                                                            const GenerateRequest& request,
                                                            RolloutStats& stats) {
  ASSIGN_OR_RETURN(const auto stream, RolloutStream::Open(engine, weights, request));
  RandomStream random(options.seed, request.prompts.size());
  for (size_t i = 0; i < request.prompts.size(); ++i) {
    absl::SleepFor(absl::Milliseconds(random.Below(options.stagger_ms + 1)));
    RETURN_IF_ERROR(stream->Submit(request.prompts[i], &request.prompt_tokens[i]).status());
  }
  stream->Close();
  std::vector<RolloutGroup> groups(request.prompts.size());
  while (true) {
    ASSIGN_OR_RETURN(auto finished, stream->Next());
    if (!finished.has_value()) break;
    groups[finished->number] = std::move(finished->group);
  }
  stream->AddTo(stats);
  return groups;
}

// Of all tokens and their log-probs.
std::string CompletionsDigest(const std::vector<RolloutGroup>& groups) {
  Sha256 digest;
  const auto update = [&](const auto& values) {
    digest.Update(absl::string_view(reinterpret_cast<const char*>(values.data()),
                                    values.size() * sizeof(values[0])));
  };
  for (const RolloutGroup& group : groups) {
    for (const Rollout& rollout : group.rollouts) {
      update(rollout.tokens);
      update(rollout.logprobs);
    }
  }
  return digest.Hex();
}

double Rate(double amount, double seconds) { return seconds > 0 ? amount / seconds : 0; }

// In milliseconds; `share` from 0 to 1.
double Percentile(std::vector<double> seconds, double share) {
  if (seconds.empty()) return 0;
  std::sort(seconds.begin(), seconds.end());
  return 1e3 * seconds[static_cast<size_t>(share * (seconds.size() - 1))];
}

// Of all threads together, by kind of work.
ordered_json WorkSecondsRecord(const RolloutStats& stats) {
  ordered_json record;
  for (int kind = 0; kind < kNumWorkKinds; ++kind) {
    record[kWorkKindNames[kind]] = stats.work_seconds[kind];
  }
  return record;
}

struct Measurement {
  RolloutStats stats;
  double seconds = 0;
  int64_t peak_memory_bytes = 0;
  MachineLimits limits;
  Mismatch mismatch;
};

// Which of the machine's limits alone would take longer, and its share of the time taken; and the
// share that the kinds of work would take one after the other, each at the limit that it meets.
ordered_json RooflineRecord(const DecodeCost& step, double steps, double seconds,
                            const MachineLimits& limits) {
  const double flops = step.Total().flops * steps, bytes = step.Total().bytes * steps;
  const double flops_share = Rate(flops / limits.flops_per_second, seconds),
               bytes_share = Rate(bytes / limits.bytes_per_second, seconds);
  const double in_turn =
      step.SecondsInTurn(limits.flops_per_second, limits.bytes_per_second) * steps;
  return {{"limited_by", flops_share > bytes_share ? "flops" : "bytes"},
          {"share_of_limit", std::max(flops_share, bytes_share)},
          {"share_of_limits_in_turn", Rate(in_turn, seconds)},
          {"decode_gflops", Rate(flops, seconds) * 1e-9},
          {"limit_gflops", limits.flops_per_second * 1e-9},
          {"decode_gbytes_per_second", Rate(bytes, seconds) * 1e-9},
          {"limit_gbytes_per_second", limits.bytes_per_second * 1e-9}};
}

ordered_json Record(const RolloutBenchOptions& options, const Weights& weights,
                    const Measurement& measurement) {
  const RolloutStats& stats = measurement.stats;
  const Mismatch& mismatch = measurement.mismatch;
  const double seconds = measurement.seconds;
  const double decode_seconds = stats.decode_seconds;
  const double context = options.prompt_tokens + options.new_tokens / 2.0;
  const double bytes_per_cached = options.dtype == "bf16" ? 2 : 4;
  const DecodeCost step = DecodeStepCost(weights.config, stats.MeanDecodeBatch(), context,
                                         stats.bytes_per_weight, bytes_per_cached);
  return {{"bench", "rollout"},
          {"policy", options.policy},
          {"parameters", weights.CountParameters()},
          {"dtype", options.dtype},
          {"numerics", options.rollout.numerics},
          {"weights", options.rollout.weights},
          {"threads", options.threads},
          {"prompts", options.prompts},
          {"group", options.group},
          {"prompt_tokens", options.prompt_tokens},
          {"new_tokens", options.new_tokens},
          {"seconds", seconds},
          {"tokens_per_second", Rate(stats.completion_tokens, seconds)},
          {"prefill_tokens_per_second", Rate(stats.prefill_tokens, stats.prefill_seconds)},
          {"decode_tokens_per_second", Rate(stats.decode_tokens, decode_seconds)},
          {"sampling_seconds", stats.sampling_seconds},
          {"thread_seconds", WorkSecondsRecord(stats)},
          {"mean_decode_batch", stats.MeanDecodeBatch()},
          {"sharing_ratio", Rate(stats.prompt_tokens_asked, stats.prefill_tokens)},
          {"decode_step_ms",
           {{"p50", Percentile(stats.decode_step_seconds, 0.5)},
            {"p95", Percentile(stats.decode_step_seconds, 0.95)},
            {"p99", Percentile(stats.decode_step_seconds, 0.99)}}},
          {"preemptions", stats.preemptions},
          {"recomputed_tokens", stats.recomputed_tokens},
          {"shared_tokens", stats.shared_tokens},
          {"drafted_tokens", stats.drafted_tokens},
          {"accepted_tokens", stats.accepted_tokens},
          {"peak_cache_bytes", stats.peak_cache_bytes},
          {"peak_memory_bytes", measurement.peak_memory_bytes},
          {"roofline", RooflineRecord(step, static_cast<double>(stats.decode_step_seconds.size()),
                                      decode_seconds, measurement.limits)},
          {"mismatch_max_abs", mismatch.max_abs},
          {"mismatch_tokens", mismatch.tokens},
          {"compared_tokens", mismatch.compared}};
}

}  // namespace

absl::Status RunRolloutBench(const RolloutBenchOptions& options) {
  ASSIGN_OR_RETURN(const auto checkpoint, CheckpointReader::Open(options.policy));
  ASSIGN_OR_RETURN(const auto tokenizer, LoadTokenizer(*checkpoint));
  ASSIGN_OR_RETURN(const ChatFormat format, LoadChatFormat(*checkpoint, *tokenizer));
  const bool bf16 = options.dtype == "bf16";
  ASSIGN_OR_RETURN(Weights weights, LoadWeights(*checkpoint, bf16 ? MatrixStorage::kAsStored
                                                                  : MatrixStorage::kFloat));
  if (bf16) weights = weights.To(at::kBFloat16);
  const RolloutEngine engine(tokenizer, format, EngineLimitsOf(options.rollout, options.threads));
  const GenerateRequest request = RandomRequest(options, weights.config.vocab_size);
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    const auto measure_machine = [&] {
      return MeasureMachine(options.threads, bf16 ? at::kBFloat16 : at::kFloat);
    };
    Measurement measurement;
    const std::vector<MachineLimits> limits_before = measure_machine();
    ForgetPeakMemory();
    const absl::Time start = absl::Now();
    ASSIGN_OR_RETURN(const std::vector<RolloutGroup> groups,
                     options.stagger_ms > 0
                         ? GenerateStaggered(options, engine, weights, request, measurement.stats)
                         : engine.Generate(weights, request, &measurement.stats));
    measurement.seconds = absl::ToDoubleSeconds(absl::Now() - start);
    measurement.peak_memory_bytes = PeakMemoryBytes();
    measurement.limits = MedianLimits(limits_before, measure_machine());
    ASSIGN_OR_RETURN(measurement.mismatch,
                     CompareWithLearner(weights, options.threads, options.temperature, groups));
    ordered_json record = Record(options, weights, measurement);
    record["completions_sha256"] = CompletionsDigest(groups);
    std::printf("%s\n", record.dump().c_str());
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

}  // namespace grpo

#include "rl/trainer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

#include "data/random.h"
#include "data/status_macros.h"
#include "rl/advantage.h"
#include "rl/checkpoint.h"
#include "rl/evaluation.h"
#include "rl/router_bias.h"
#include "rl/sample_json.h"
#include "rl/step_metrics.h"

namespace grpo {
namespace {

class Stopwatch {
 public:
  double Seconds() const { return absl::ToDoubleSeconds(absl::Now() - start_); }

 private:
  absl::Time start_ = absl::Now();
};

// Whether the policy that learns has to be asked before the step's first update: its log-probs,
// where a later update needs them, or its entropies.
bool NeedsOldPolicy(const GrpoConfig& config) {
  return (config.off_policy.recompute_old && config.updates_per_step > 1) ||
         config.objective.top_entropy_share < 1;
}

// Of a policy beside the one that learns, what differs from the weights that the run began with.
std::vector<NamedTensor> KeptTensors(const Weights& weights) {
  return weights.adapters.enabled() ? weights.TrainedState() : weights.CheckpointTensors();
}

nlohmann::ordered_json ResultsToJson(const std::vector<SuiteResult>& results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const SuiteResult& result : results) list.push_back(SuiteResultToJson(result));
  return list;
}

absl::StatusOr<std::vector<SuiteResult>> ResultsFromJson(const nlohmann::ordered_json& state,
                                                         const char* key,
                                                         const std::string& origin) {
  std::vector<SuiteResult> results;
  for (const nlohmann::ordered_json& item : state.value(key, nlohmann::ordered_json::array())) {
    ASSIGN_OR_RETURN(SuiteResult result, SuiteResultFromJson(item, origin));
    results.push_back(std::move(result));
  }
  return results;
}

constexpr double kQuietSeconds = 10;  // of an evaluation, before it shows how far it is
constexpr int kRecordedGroups = 4;    // whose completions go to samples/step-N.jsonl

}  // namespace

Trainer::Trainer(const Recipe& recipe, RunParts& parts, Recorder& recorder, Progress& progress,
                 const std::atomic<bool>& interrupted)
    : recipe_(recipe),
      parts_(parts),
      recorder_(recorder),
      progress_(progress),
      interrupted_(interrupted),
      learner_(parts.weights, {.threads = recipe.run.threads,
                               .micro_batch_tokens = recipe.grpo.micro_batch_tokens,
                               .share_prompts = recipe.grpo.share_prompts,
                               .bf16 = recipe.policy.compute == "bf16",
                               .freeze_routers = recipe.policy.freeze_routers,
                               .recomputed_layers = recipe.grpo.recomputed_layers}),
      pools_(recipe.grpo.pools, recipe.run.seed),
      entropy_coef_(recipe.grpo.objective.entropy_coef) {}

absl::Status Trainer::Run() {
  while (state_.stage < static_cast<int>(recipe_.run.stages.size())) {
    RETURN_IF_ERROR(RunStage(recipe_.run.stages[state_.stage]));
    ++state_.stage;
    state_.stage_step = 0;
    state_.cursor.clear();
    state_.refreshed_step = -1;
    optimizer_.reset();
    reference_.reset();
    sampling_.clear();
    state_.sampled_step = -1;
    RETURN_IF_ERROR(SaveCheckpoint());
  }
  return absl::OkStatus();
}

absl::Status Trainer::RunStage(const std::string& stage) {
  if (stage == "sft") return RunSft();
  if (stage == "grpo") return RunGrpo();
  return RunEval();
}

std::unique_ptr<Optimizer> Trainer::MakeOptimizer(const std::string& stage) const {
  const bool sft = stage == "sft";
  return std::make_unique<Optimizer>(
      learner_.parameters(), sft ? recipe_.sft.optimizer : recipe_.grpo.optimizer,
      sft ? recipe_.sft.steps : int64_t{recipe_.grpo.steps} * recipe_.grpo.updates_per_step,
      parts_.weights.CheckpointTensors());
}

absl::Status Trainer::RunSft() {
  if (optimizer_ == nullptr) optimizer_ = MakeOptimizer("sft");
  while (state_.stage_step < recipe_.sft.steps) RETURN_IF_ERROR(SftStep(state_.stage_step));
  return absl::OkStatus();
}

absl::Status Trainer::RunGrpo() {
  if (state_.before.empty() && !parts_.evaluations.empty()) {
    ASSIGN_OR_RETURN(state_.before, Evaluate(/*limit=*/0, "before", 0));
    RETURN_IF_ERROR(SaveCheckpoint());
  }
  if (optimizer_ == nullptr) optimizer_ = MakeOptimizer("grpo");
  while (state_.stage_step < recipe_.grpo.steps) RETURN_IF_ERROR(GrpoStep(state_.stage_step));
  return absl::OkStatus();
}

absl::Status Trainer::RunEval() {
  ASSIGN_OR_RETURN(state_.after, Evaluate(/*limit=*/0, "after", state_.total_steps));
  return absl::OkStatus();
}

absl::Status Trainer::SftStep(int64_t step) {
  const Stopwatch watch;
  ASSIGN_OR_RETURN(const std::vector<Prompt> prompts,
                   parts_.demonstrations->Next(recipe_.sft.batch_size));
  ASSIGN_OR_RETURN(const StepBatch batch,
                   ImitationBatch(*parts_.tokenizer, parts_.format, prompts));
  const UpdateStats update = learner_.Update(batch, ImitationObjective, *optimizer_);
  MetricList metrics;
  metrics.Add("sft/loss", update.sums.loss);
  metrics.Add("sft/entropy", update.sums.entropy / update.sums.tokens);
  metrics.Add("sft/grad_norm", update.optimizer.grad_norm);
  metrics.Add("sft/learning_rate", update.optimizer.learning_rate);
  metrics.Add("sft/num_tokens", update.sums.tokens);
  metrics.Add("sft/skipped_updates", static_cast<int64_t>(update.optimizer.skipped));
  metrics.Add("time/sft_step", watch.Seconds());
  RETURN_IF_ERROR(recorder_.Record(step + 1, "sft", metrics));
  AddSeconds("sft", watch.Seconds());
  ProgressLine line;
  line.stage = "sft";
  line.step = step + 1;
  line.num_steps = recipe_.sft.steps;
  line.loss = update.sums.loss;
  line.tokens_per_second = update.sums.tokens / watch.Seconds();
  progress_.Update(line);
  return StepDone(recipe_.sft.steps, parts_.demonstrations->Cursor());
}

absl::Status Trainer::GrpoStep(int64_t step) {
  RETURN_IF_ERROR(EvaluateWhenDue(step));
  RefreshReferenceWhenDue(step);
  const Stopwatch watch;
  ASSIGN_OR_RETURN(const CollectedGroups collected, CollectGroups(step));
  RETURN_IF_ERROR(CheckErrorShare(recipe_.grpo, collected.all));
  ASSIGN_OR_RETURN(StepSamples samples, BuildSamples(recipe_.grpo, collected.informative));
  const Stopwatch update_watch;
  ASSIGN_OR_RETURN(const std::vector<UpdateStats> updates, UpdatePolicy(std::move(samples)));
  const double update_seconds = update_watch.Seconds();
  if (recipe_.grpo.router.bias == "rollouts") {
    MoveRouterBiases(LoadOfRollouts(collected.all, parts_.weights.config),
                     recipe_.grpo.router.bias_rate, parts_.weights);
  }

  MetricList metrics;
  AddRolloutMetrics(collected.all, parts_.scorer->reward_names(), &metrics);
  metrics.Add("training/filter_groups/sampled", static_cast<int64_t>(collected.all.size()));
  metrics.Add("training/filter_groups/informative",
              static_cast<int64_t>(collected.informative.size()));
  metrics.Add("training/filter_groups/refills", static_cast<int64_t>(collected.refills));
  if (recipe_.grpo.pools.by != "off") {
    pools_.Record(collected.all);
    const PromptPools::Counts pools = pools_.TakeCounts();
    metrics.Add("training/pools/known", pools.known);
    metrics.Add("training/pools/easy", pools.easy);
    metrics.Add("training/pools/hard", pools.hard);
    metrics.Add("training/pools/passed_over", pools.passed_over);
  }
  AddUpdateMetrics(updates, &metrics);
  metrics.Add("entropy_coef", entropy_coef_);
  AdaptEntropyBonus(updates);
  const double seconds = watch.Seconds();
  const int64_t tokens = CompletionTokens(collected.all);
  metrics.Add("time/step", seconds);
  metrics.Add("time/rollout", collected.rollout_seconds);
  metrics.Add("time/score", collected.score_seconds);
  metrics.Add("time/update", update_seconds);
  metrics.Add("perf/rollout_tokens_per_second", tokens / collected.rollout_seconds);
  metrics.Add("perf/throughput", tokens / seconds);
  RETURN_IF_ERROR(recorder_.Record(step + 1, "grpo", metrics));
  RETURN_IF_ERROR(recorder_.RecordSamples(absl::StrCat("step-", step + 1),
                                          SampleRecords(collected.all, kRecordedGroups)));
  AddSeconds("rollout", collected.rollout_seconds);
  AddSeconds("score", collected.score_seconds);
  AddSeconds("update", update_seconds);
  ProgressLine line;
  line.stage = "grpo";
  line.step = step + 1;
  line.num_steps = recipe_.grpo.steps;
  line.reward = MeanReward(collected.all);
  line.pass_rate = PassRate(collected.all);
  line.tokens_per_second = tokens / seconds;
  progress_.Update(line);
  return StepDone(recipe_.grpo.steps, parts_.prompts->Cursor());
}

absl::Status Trainer::EvaluateWhenDue(int64_t step) {
  const int every = recipe_.eval.every_steps;
  const bool due = every > 0 && step > 0 && step % every == 0 && !parts_.evaluations.empty();
  if (!due || state_.evaluated_step == step) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<SuiteResult> results,
                   Evaluate(recipe_.eval.every_problems, "during", step));
  state_.evaluated_step = step;
  const double pass_rate = results.front().PassRate();
  if (!recipe_.checkpoint.keep_best || pass_rate <= state_.best_pass_rate) return absl::OkStatus();
  state_.best_pass_rate = pass_rate;
  state_.best_step = state_.total_steps;
  return SaveCheckpoint();
}

Weights Trainer::SamplingPolicy() {
  const size_t lag = recipe_.grpo.rollout_lag;
  if (lag == 0) return learner_.policy();
  if (state_.sampled_step != state_.stage_step) {
    sampling_.push_back(parts_.weights.Clone());
    if (sampling_.size() > lag + 1) sampling_.pop_front();
  }
  state_.sampled_step = state_.stage_step;  // not again where the step is begun once more
  return learner_.config().bf16 ? sampling_.front().WithBFloat16Matrices() : sampling_.front();
}

absl::StatusOr<Trainer::CollectedGroups> Trainer::CollectGroups(int64_t step) {
  const GrpoConfig& config = recipe_.grpo;
  CollectedGroups collected;
  GenerateRequest request;
  request.group_size = config.group_size;
  request.sampling = config.sampling;
  request.ignore_ends = config.ignore_ends;
  request.seed = MixSeed(recipe_.run.seed, 0x5a11);
  const Weights policy = SamplingPolicy();
  request.policy_version = std::max<int64_t>(0, step - config.rollout_lag);
  request.cancelled = &interrupted_;
  int missing = config.prompts_per_step;
  for (int round = 0; round <= config.max_refills && missing > 0; ++round) {
    collected.refills = round;
    ASSIGN_OR_RETURN(request.prompts, pools_.Next(*parts_.prompts, missing));
    const Stopwatch watch;
    ASSIGN_OR_RETURN(std::vector<RolloutGroup> groups, parts_.engine->Generate(policy, request));
    const double generated = watch.Seconds();
    std::vector<ScoredGroup> scored =
        parts_.scorer->Score(std::move(groups), config.sampling.max_new_tokens);
    collected.rollout_seconds += generated;
    collected.score_seconds += watch.Seconds() - generated;
    if (config.permute_rewards) PermuteRewards(recipe_.run.seed, scored);
    for (ScoredGroup& group : scored) {
      ASSIGN_OR_RETURN(const GroupRewards usable, UsableRewards(config, group));
      if (HasSignal(config.objective.advantage, usable.rewards, usable.valid)) {
        collected.informative.push_back(group);
        --missing;
      }
      collected.all.push_back(std::move(group));
    }
  }
  if (missing > 0 && config.max_refills > 0 && !said_smaller_) {
    progress_.Note(absl::StrFormat(
        "step %d: after %d refills %d of %d prompts gave a signal, and the step learns from those; "
        "metric training/filter_groups/informative says how many do in others",
        step + 1, config.max_refills, static_cast<int>(collected.informative.size()),
        config.prompts_per_step));
    said_smaller_ = true;
  }
  return collected;
}

absl::StatusOr<std::vector<UpdateStats>> Trainer::UpdatePolicy(StepSamples step) {
  const GrpoConfig& config = recipe_.grpo;
  std::vector<UpdateStats> updates;
  if (step.samples.empty()) return updates;
  const double temperature = config.sampling.temperature;
  if (reference_.has_value()) {
    const Weights reference_policy =
        learner_.config().bf16 ? reference_->WithBFloat16Matrices() : *reference_;
    ASSIGN_OR_RETURN(TokenStatistics reference, SampleStatistics(reference_policy, step.samples,
                                                                 temperature, learner_.config()));
    step.reference_logprobs = std::move(reference.logprobs);
  }
  if (NeedsOldPolicy(config)) {
    ASSIGN_OR_RETURN(TokenStatistics old, SampleStatistics(learner_.policy(), step.samples,
                                                           temperature, learner_.config()));
    if (config.off_policy.recompute_old) step.old_logprobs = std::move(old.logprobs);
    step.entropies = std::move(old.entropies);
  }
  SetAdvantages(config, &step);
  const PolicyObjectiveConfig objective = {config.objective, config.off_policy, entropy_coef_};
  for (const StepBatch& batch : SplitIntoBatches(config, std::move(step))) {
    const RouterTotals totals =
        config.router.has_loss() ? RouterTotalsOf(batch, parts_.weights.config) : RouterTotals();
    const auto loss = [&](const MicroBatch& micro, const PolicyOutputs& policy,
                          ObjectiveSums* sums) {
      const at::Tensor loss = PolicyObjective(objective, micro, policy, sums);
      if (!config.router.has_loss()) return loss;
      const RouterLosses routers =
          RouterLoss(config.router, parts_.weights.config, totals, micro, policy.routers);
      sums->router.Add(routers.sums);
      return loss.add(routers.loss);
    };
    updates.push_back(learner_.Update(batch, loss, *optimizer_));
    if (updates.back().optimizer.skipped) {
      RETURN_IF_ERROR(RecordSkipped(batch, updates.back().not_finite));
    }
    if (config.router.bias == "trained_tokens" && !updates.back().optimizer.skipped) {
      MoveRouterBiases(updates.back().sums.load, config.router.bias_rate, parts_.weights);
    }
  }
  return updates;
}

absl::Status Trainer::RecordSkipped(const StepBatch& batch, const std::vector<size_t>& samples) {
  std::vector<nlohmann::ordered_json> records;
  for (const size_t i : samples) records.push_back(TrainingSampleRecord(batch.samples[i]));
  const int64_t step = state_.stage_step + 1;
  progress_.Note(
      absl::StrFormat("step %d: the gradient is not finite; nothing was changed. Samples whose own "
                      "gradient is not: "
                      "%d, kept in samples/skipped-%d.jsonl",
                      step, static_cast<int>(samples.size()), step));
  return recorder_.RecordSamples(absl::StrCat("skipped-", step), records);
}

// Towards the entropy that the recipe asks for, by the step's mean (Skywork-OR1, arXiv 2505.22312).
void Trainer::AdaptEntropyBonus(const std::vector<UpdateStats>& updates) {
  const ObjectiveConfig& objective = recipe_.grpo.objective;
  if (objective.entropy_target == 0 || updates.empty()) return;
  ObjectiveSums sums;
  for (const UpdateStats& update : updates) sums.Add(update.sums);
  const bool below = sums.entropy < objective.entropy_target * static_cast<double>(sums.tokens);
  const double step = below ? objective.entropy_step : -objective.entropy_step;
  entropy_coef_ = std::max(0.0, entropy_coef_ + step);
}

void Trainer::RefreshReferenceWhenDue(int64_t step) {
  const ObjectiveConfig& objective = recipe_.grpo.objective;
  if (objective.kl_coef == 0) return;
  const int every = objective.reference_refresh_steps;
  if (!reference_.has_value()) {
    reference_ = parts_.weights.Clone();
  } else if (every > 0 && step % every == 0 && state_.refreshed_step != step) {
    reference_->MoveTowards(parts_.weights, 1 - objective.reference_decay);
  }
  state_.refreshed_step = step;  // not again where the step is interrupted and begun once more
}

absl::StatusOr<std::vector<SuiteResult>> Trainer::Evaluate(size_t limit, const char* label,
                                                           int64_t step) {
  const Weights policy = learner_.policy();
  const std::string digest = policy.Digest();
  std::vector<SuiteResult> results;
  for (const Evaluation& evaluation : parts_.evaluations) {
    const std::string full_label =
        evaluation.IsOfHeldOut() ? label : absl::StrCat(evaluation.Name(), "/", label);
    ASSIGN_OR_RETURN(SuiteResult result,
                     EvaluateOn(evaluation, policy, digest, limit, full_label, step));
    results.push_back(std::move(result));
  }
  return results;
}

absl::StatusOr<SuiteResult> Trainer::EvaluateOn(const Evaluation& evaluation, const Weights& policy,
                                                const std::string& policy_digest, size_t limit,
                                                const std::string& label, int64_t step) {
  const Stopwatch watch;
  const SuiteConfig& suite = evaluation.suite.config;
  const size_t problems = evaluation.suite.problems.size();
  progress_.Note(absl::StrFormat("%s: %d completions of each of %d %sproblems", label,
                                 suite.samples, limit > 0 ? std::min(limit, problems) : problems,
                                 evaluation.IsOfHeldOut() ? "held-out " : ""));
  RunEvaluationOptions options;
  options.folder = absl::StrCat(recipe_.run.dir, "/evals/step-", state_.total_steps);
  if (!evaluation.IsOfHeldOut()) absl::StrAppend(&options.folder, "/", suite.name);
  options.limit = limit;
  options.cancelled = &interrupted_;
  options.progress = [&](size_t done, size_t all) {
    if (watch.Seconds() < kQuietSeconds) return;
    ProgressLine line;
    line.stage = label;
    line.step = static_cast<int64_t>(done);
    line.num_steps = static_cast<int64_t>(all);
    progress_.Update(line);
  };
  ASSIGN_OR_RETURN(SuiteResult result,
                   RunEvaluation(recipe_, evaluation, policy, policy_digest, options));
  MetricList metrics;
  const std::string prefix = absl::StrCat("eval/", label, "/");
  const std::string mean = absl::StrCat("mean@", suite.samples);
  metrics.Add(absl::StrCat(prefix, mean), result.PassRate());
  for (const std::string& family : result.Families()) {
    if (family.empty()) continue;
    metrics.Add(absl::StrCat(prefix, family, "/", mean), result.PassRate(family));
  }
  metrics.Add(absl::StrCat(prefix, "mean_length"), result.MeanTokens());
  metrics.Add(absl::StrCat(prefix, "clipped_ratio"), result.TruncatedShare());
  metrics.Add(absl::StrCat("time/", label), watch.Seconds());
  RETURN_IF_ERROR(recorder_.Record(step, "eval", metrics));
  AddSeconds("evaluation", watch.Seconds());
  progress_.Note(absl::StrFormat("%s: pass rate %.1f %%", label, 100 * result.PassRate()));
  return result;
}

absl::Status Trainer::StepDone(int64_t stage_steps, const std::string& cursor) {
  ++state_.stage_step;
  ++state_.total_steps;
  state_.cursor = cursor;
  const CheckpointConfig& checkpoint = recipe_.checkpoint;
  const bool last = state_.stage_step == stage_steps;  // Run() saves at the end of a stage
  const bool by_steps =
      checkpoint.every_steps > 0 && state_.stage_step % checkpoint.every_steps == 0;
  const bool by_time = checkpoint.every_minutes > 0 &&
                       absl::Now() - saved_ >= absl::Minutes(checkpoint.every_minutes);
  if (!last && (by_steps || by_time)) RETURN_IF_ERROR(SaveCheckpoint());
  return CheckInterrupt();
}

absl::Status Trainer::CheckInterrupt() const {
  return interrupted_.load() ? absl::CancelledError("interrupted") : absl::OkStatus();
}

void Trainer::AddSeconds(const std::string& phase, double seconds) {
  for (auto& [name, sum] : seconds_) {
    if (name == phase) {
      sum += seconds;
      return;
    }
  }
  seconds_.emplace_back(phase, seconds);
}

absl::Status Trainer::SaveCheckpoint() {
  const Stopwatch watch;
  CheckpointContents contents;
  ASSIGN_OR_RETURN(const RecorderPosition position, recorder_.Position());
  contents.state["stage"] = state_.stage;
  contents.state["stage_step"] = state_.stage_step;
  contents.state["total_steps"] = state_.total_steps;
  contents.state["cursor"] = state_.cursor;
  contents.state["evaluated_step"] = state_.evaluated_step;
  contents.state["refreshed_step"] = state_.refreshed_step;
  contents.state["best_step"] = state_.best_step;
  contents.state["best_pass_rate"] = state_.best_pass_rate;
  contents.state["optimizer_step"] = optimizer_ == nullptr ? int64_t{-1} : optimizer_->step();
  contents.state["entropy_coef"] = entropy_coef_;
  contents.state["pools"] = pools_.State();
  contents.state["sampling_policies"] = sampling_.size();
  contents.state["sampled_step"] = state_.sampled_step;
  contents.state["recorder"] = RecorderPositionToJson(position);
  contents.state["before"] = ResultsToJson(state_.before);
  contents.state["after"] = ResultsToJson(state_.after);
  const bool adapts = parts_.weights.adapters.enabled();
  const Weights merged = adapts ? parts_.weights.Merged() : parts_.weights;
  contents.weights = &merged;
  if (adapts) {
    contents.tensors["trained"] = parts_.weights.TrainedState();
    contents.adapted = &parts_.weights;
    contents.base_policy = recipe_.policy.path;
  }
  contents.extras = {parts_.tokenizer->ToJson(), parts_.format.files(), parts_.format.bos(),
                     parts_.format.end_tokens().front()};
  if (optimizer_ != nullptr) contents.tensors["optimizer"] = optimizer_->State();
  if (reference_.has_value()) contents.tensors["reference"] = KeptTensors(*reference_);
  for (size_t i = 0; i < sampling_.size(); ++i) {
    contents.tensors[absl::StrCat("sampling-", i)] = KeptTensors(sampling_[i]);
  }
  RETURN_IF_ERROR(WriteCheckpoint(recipe_.run.dir, state_.total_steps, contents,
                                  recipe_.checkpoint.keep,
                                  recipe_.checkpoint.keep_best ? state_.best_step : -1));
  saved_ = absl::Now();
  AddSeconds("checkpoint", watch.Seconds());
  return absl::OkStatus();
}

absl::Status Trainer::Restore(const std::string& checkpoint) {
  ASSIGN_OR_RETURN(const nlohmann::ordered_json state, ReadCheckpointState(checkpoint));
  state_.stage = state.value("stage", -1);
  state_.stage_step = state.value("stage_step", int64_t{-1});
  state_.total_steps = state.value("total_steps", int64_t{-1});
  state_.cursor = state.value("cursor", "");
  state_.evaluated_step = state.value("evaluated_step", int64_t{-1});
  state_.refreshed_step = state.value("refreshed_step", int64_t{-1});
  state_.best_step = state.value("best_step", int64_t{-1});
  state_.best_pass_rate = state.value("best_pass_rate", -1.0);
  entropy_coef_ = state.value("entropy_coef", entropy_coef_);
  const int64_t optimizer_step = state.value("optimizer_step", int64_t{-1});
  const int num_stages = static_cast<int>(recipe_.run.stages.size());
  if (state_.stage < 0 || state_.stage > num_stages || state_.stage_step < 0 ||
      state_.total_steps < 0) {
    return absl::DataLossError(
        absl::StrCat(checkpoint,
                     "/state.json: stage, stage_step or total_steps is missing or "
                     "does not fit this recipe's ",
                     num_stages, " stages"));
  }
  if (state.contains("pools")) {
    RETURN_IF_ERROR(pools_.Restore(state["pools"], checkpoint + "/state.json"));
  }
  ASSIGN_OR_RETURN(state_.before, ResultsFromJson(state, "before", checkpoint + "/state.json"));
  ASSIGN_OR_RETURN(state_.after, ResultsFromJson(state, "after", checkpoint + "/state.json"));
  if (state_.stage == num_stages) return absl::OkStatus();
  const std::string& stage = recipe_.run.stages[state_.stage];
  if (!state_.cursor.empty()) {
    PromptSource& source = stage == "sft" ? *parts_.demonstrations : *parts_.prompts;
    RETURN_IF_ERROR(source.Restore(state_.cursor));
  }
  if (parts_.weights.adapters.enabled()) {
    RETURN_IF_ERROR(
        LoadTensors(checkpoint + "/trained.safetensors", parts_.weights.TrainedState()));
    learner_.WeightsChanged();
  }
  if (optimizer_step >= 0) {
    optimizer_ = MakeOptimizer(stage);
    RETURN_IF_ERROR(LoadTensors(checkpoint + "/optimizer.safetensors", optimizer_->State()));
    optimizer_->SetStep(optimizer_step);
  }
  if (stage == "grpo" && optimizer_step >= 0 && state_.stage_step > 0 &&
      recipe_.grpo.objective.kl_coef > 0) {
    reference_ = parts_.weights.Clone();
    RETURN_IF_ERROR(LoadTensors(checkpoint + "/reference.safetensors", KeptTensors(*reference_)));
  }
  state_.sampled_step = state.value("sampled_step", int64_t{-1});
  const int64_t sampling = state.value("sampling_policies", int64_t{0});
  for (int64_t i = 0; i < sampling; ++i) {
    sampling_.push_back(parts_.weights.Clone());
    RETURN_IF_ERROR(LoadTensors(absl::StrCat(checkpoint, "/sampling-", i, ".safetensors"),
                                KeptTensors(sampling_.back())));
  }
  return absl::OkStatus();
}

}  // namespace grpo
